"""The page a person can open, and its tables: from saved results only, without torch."""

from rugged.report.changes import MARKS_NOTE, change_tables
from rugged.report.comparison import ComparedRow, ComparedRuns, compare_runs, write_comparison
from rugged.report.curves import draw_curves
from rugged.report.extent import mce_label, mean_extent, severities
from rugged.report.headlines import HeadlineRow, headline_rows, variant_rows
from rugged.report.overview import caveats
from rugged.report.page import write_report
from rugged.report.plain import write_markdown, write_tables
from rugged.report.stability import stability_means, stability_rows, stability_title
from rugged.report.tables import AccuracyRow, ErrorRow, accuracy_rows, error_rows

__all__ = [
    "MARKS_NOTE",
    "AccuracyRow",
    "ComparedRow",
    "ComparedRuns",
    "ErrorRow",
    "HeadlineRow",
    "accuracy_rows",
    "caveats",
    "change_tables",
    "compare_runs",
    "draw_curves",
    "error_rows",
    "headline_rows",
    "mce_label",
    "mean_extent",
    "severities",
    "stability_means",
    "stability_rows",
    "stability_title",
    "variant_rows",
    "write_comparison",
    "write_markdown",
    "write_report",
    "write_tables",
]
