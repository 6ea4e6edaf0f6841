"""Assembles the page: one HTML file that needs nothing else, not even a network."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from rugged.analyze import BenchmarkedRun
from rugged.core.files import expanded, require_replaceable, write_text
from rugged.core.notes import folded
from rugged.core.tables import Table
from rugged.report import figures, overview
from rugged.report.attention import view_attention
from rugged.report.changes import MARKS_NOTE, change_table
from rugged.report.charts import STYLES
from rugged.report.classes import view_classes
from rugged.report.confusions import view_confusions
from rugged.report.curves import learning_curves
from rugged.report.embedding import script_data
from rugged.report.extent import full_extent, mce_label, no_mce_reason
from rugged.report.gallery import class_sheets, show_pictures
from rugged.report.headlines import headline_rows, variant_rows
from rugged.report.reading import read_runs, read_shown, read_stabilities, relative_to_one
from rugged.report.reliability import view_reliability
from rugged.report.rendering import render_page
from rugged.report.restored import view_restored
from rugged.report.samples import view_samples
from rugged.report.stability import stability_means, stability_rows, stability_title
from rugged.report.tables import accuracy_rows, error_rows
from rugged.results import Summary

_CONTENTS: Mapping[str, Mapping[str, str]] = {
    "Summary": {"overview": "Overview", "conditions": "Conditions"},
    "Figures": {
        "accuracy": "Accuracy",
        "severity": "Severity",
        "errors": "Errors",
        "restored": "Restored",
        "calibration": "Calibration",
        "sequences": "Sequences",
    },
    "Classes": {
        "classes": "Heat map",
        "extremes": "Worst and best",
        "confusions": "Confusions",
        "near": "Near and far",
    },
    "Pictures": {"examples": "Right and wrong", "attention": "Explanations", "pictures": "Corruptions"},
    "Making": {"training": "Training", "making": "How it was made"},
}
"""Every section there may be, in the order of the page."""

_MAY_LACK = ("restored", "sequences", "near", "examples", "attention", "pictures")
"""Those that are left out where nothing was saved for them."""


def write_report(runs: Sequence[str | Path], out: str | Path) -> Path:
    """Write the report of a benchmarked run as one HTML file.

    The same results give the same bytes.

    Args:
        runs: Run folders. The first is the subject, the others (its baseline, say) are shown beside it; at most eight.
        out: The file to write, atomically.

    Returns:
        ``out``.

    Raises:
        ConfigError: No run, too many, or one twice; or ``out`` cannot be written.
        ResultsError: A run has no benchmark, or part of it is missing or damaged.
        IncomparableError: The runs were not measured under the same conditions.
    """
    out = expanded(out)
    require_replaceable(out, ".html", ".htm")
    write_text(out, render(read_runs(runs, limit=STYLES)))
    return out


def render(runs: Sequence[BenchmarkedRun]) -> str:
    """The page as text."""
    runs, left_out = relative_to_one(runs)
    summaries = [run.summary for run in runs]
    subject = summaries[0]
    sections = _of_all(runs) | _of_subject(runs[0])
    return render_page(
        "page.html.j2",
        title=f"{subject.model.name} – robustness report",
        contents=_contents({place for place in _MAY_LACK if not sections[place]}),
        subject=subject,
        summaries=summaries,
        finding=overview.finding(subject),
        tiles=overview.tiles(subject),
        caveats=[*left_out, *overview.warnings(summaries)],
        preparations=overview.preparations(summaries),
        facts=[(summary, overview.facts(summary)) for summary in summaries],
        making=[(summary, overview.making(summary)) for summary in summaries],
        mce_label=mce_label(subject),
        no_mce_reason=no_mce_reason(subject),
        extent=full_extent(subject),
        extra=overview.extra(subject),
        legend=[(summary.model.name, style) for style, summary in enumerate(summaries)],
        **sections,
    )


def _of_all(runs: Sequence[BenchmarkedRun]) -> dict[str, Any]:
    """What the page shows of all models."""
    summaries = [run.summary for run in runs]
    return {
        "accuracy": accuracy_rows(summaries),
        "headlines": headline_rows(summaries),
        "variants": [
            (summary, variant_rows(summary), _changes(summary, summary is summaries[0]))
            for summary in summaries
            if summary.variants
        ],
        "marks_note": MARKS_NOTE,
        "errors": [(summary, error_rows(summary)) for summary in summaries],
        "overall": figures.overall_curve(summaries),
        "panels": figures.corruption_curves(summaries),
        "bars": figures.error_bars(summaries),
        "sequences": [
            (stability_title(one), stability_rows(one), [*stability_means(one), *folded(one.notes)])
            for run in runs
            for one in read_stabilities(run)
        ],
        "pictures": view_samples(runs),
        "training": learning_curves(runs),
    }


def _changes(summary: Summary, is_subject: bool) -> list[Table]:
    """What variants change, but for the subject's restorers, which have a section of their own."""
    shown = [variant for variant in summary.variants if not (is_subject and variant.restorer)]
    return [table for variant in shown if (table := change_table(summary, variant))]


def _of_subject(run: BenchmarkedRun) -> dict[str, Any]:
    """What it shows of the first one alone, from its predictions and its pictures."""
    shown = read_shown(run)
    classes, confusions, sheets = view_classes(run), view_confusions(run), class_sheets(run, shown)
    return {
        "reliability": view_reliability(run),
        "restored": view_restored(run),
        "classes": classes,
        "confusions": confusions,
        "near": confusions.near,
        "examples": show_pictures(run, shown),
        "attention": view_attention(run),
        "pictures_missing": shown is None,
        "thumbnails": script_data(sheets) if sheets else None,
        "data": script_data({"names": run.classes.shown, "heat": classes.reading, "explorer": confusions.explorer}),
    }


def _contents(absent: Collection[str]) -> list[tuple[str, list[tuple[str, str]]]]:
    """The navigation, without the sections that this page lacks."""
    groups = [(group, [link for link in links.items() if link[0] not in absent]) for group, links in _CONTENTS.items()]
    return [(group, links) for group, links in groups if links]
