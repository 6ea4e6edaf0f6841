"""Assembles the page: one HTML file that needs nothing else, not even a network."""

from collections.abc import Sequence
from pathlib import Path

from rugged.core.files import write_text
from rugged.report import figures, overview
from rugged.report.charts import STYLES
from rugged.report.curves import learning_curves
from rugged.report.extent import mce_label, mean_extent, no_mce_reason, severities
from rugged.report.gallery import make_gallery
from rugged.report.headlines import headline_table, variant_table
from rugged.report.reading import ReportedRun, read_runs
from rugged.report.rendering import render_page
from rugged.report.steadiness import steadiness_means, steadiness_table, steadiness_title
from rugged.report.tables import accuracy_table, error_table


def write_report(runs: Sequence[Path], out: Path) -> Path:
    """Write the report of a benchmarked run as one HTML file.

    The same results give the same bytes.

    Args:
        runs: Run folders. The first is the subject, the others (its baseline, say) are shown beside it; at most eight.
        out: The file to write, atomically.

    Returns:
        ``out``.

    Raises:
        ConfigError: No run, too many, or one twice.
        ResultsError: A run has no benchmark, or part of it is missing or damaged.
        IncomparableError: The runs were not measured under the same conditions.
    """
    write_text(out, render(read_runs(runs, limit=STYLES)))
    return out


def render(runs: Sequence[ReportedRun]) -> str:
    """The page as text."""
    summaries = [run.summary for run in runs]
    subject = summaries[0]
    return render_page(
        "page.html.j2",
        title=f"{subject.model.name} – robustness report",
        subject=subject,
        summaries=summaries,
        finding=overview.finding(subject),
        tiles=overview.tiles(subject),
        caveats=overview.caveats(summaries),
        facts=[(summary, overview.facts(summary)) for summary in summaries],
        making=[(summary, overview.making(summary)) for summary in summaries],
        accuracy=accuracy_table(summaries),
        headlines=headline_table(summaries),
        variants=[(summary, variant_table(summary)) for summary in summaries if summary.variants],
        mce_label=mce_label(subject),
        no_mce_reason=no_mce_reason(subject),
        extent=f"{mean_extent(subject)}, {severities(subject)}",
        errors=[(summary, error_table(summary)) for summary in summaries],
        legend=[(summary.model.name, style) for style, summary in enumerate(summaries)],
        overall=figures.overall_curve(summaries),
        panels=figures.corruption_curves(summaries),
        extra=overview.extra(subject),
        bars=figures.error_bars(summaries),
        stabilities=[
            (steadiness_title(one), steadiness_table(one), [*steadiness_means(one), *one.notes])
            for run in runs
            for one in run.stabilities
        ],
        gallery=make_gallery(runs),
        training=learning_curves(runs),
    )
