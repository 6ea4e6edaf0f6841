"""Assembles the page: one HTML file that needs nothing else, not even a network."""

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib import resources
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from rugged.core.files import write_text
from rugged.report import figures, overview
from rugged.report.charts import STYLES, percent
from rugged.report.extent import mce_label, mean_extent, no_mce_reason, severities
from rugged.report.gallery import make_gallery
from rugged.report.reading import ReportedRun, read_runs
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
    style, script = _asset("report.css"), _asset("report.js")
    template = _environment().get_template("page.html.j2")
    return template.render(
        style=Markup(style),  # Both are our own files, without any value from a run.
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        subject=subject,
        summaries=summaries,
        finding=overview.finding(subject),
        tiles=overview.tiles(subject),
        caveats=overview.caveats(summaries),
        facts=[(summary, overview.facts(summary)) for summary in summaries],
        making=[(summary, overview.making(summary)) for summary in summaries],
        accuracy=accuracy_table(summaries),
        mce_label=mce_label(subject),
        no_mce_reason=no_mce_reason(subject),
        extent=f"{mean_extent(subject)}, {severities(subject)}",
        errors=[(summary, error_table(summary)) for summary in summaries],
        legend=[(summary.model.name, style) for style, summary in enumerate(summaries)],
        overall=figures.overall_curve(summaries),
        panels=figures.corruption_curves(summaries),
        extra=overview.extra(subject),
        bars=figures.error_bars(summaries),
        gallery=make_gallery(runs),
        training=figures.learning_curves(runs),
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("rugged.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["percent"] = percent
    return environment


def _asset(name: str) -> str:
    return (resources.files("rugged.report") / "templates" / name).read_text(encoding="utf-8")
