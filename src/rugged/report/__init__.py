"""The page a person can open, and its tables: from saved results only, without torch."""

from rugged.report.changes import MARKS_NOTE, change_tables
from rugged.report.comparison import ComparedRow, ComparedRuns, compare_runs, write_comparison
from rugged.report.curves import draw_curves
from rugged.report.extent import mce_label, mean_extent, severities
from rugged.report.headlines import HeadlineRow, headline_table, variant_table
from rugged.report.overview import caveats
from rugged.report.page import write_report
from rugged.report.plain import write_markdown, write_tables
from rugged.report.steadiness import steadiness_means, steadiness_table, steadiness_title
from rugged.report.tables import AccuracyRow, ErrorRow, accuracy_table, error_table

__all__ = [
    "MARKS_NOTE",
    "AccuracyRow",
    "ComparedRow",
    "ComparedRuns",
    "ErrorRow",
    "HeadlineRow",
    "accuracy_table",
    "caveats",
    "change_tables",
    "compare_runs",
    "draw_curves",
    "error_table",
    "headline_table",
    "mce_label",
    "mean_extent",
    "severities",
    "steadiness_means",
    "steadiness_table",
    "steadiness_title",
    "variant_table",
    "write_comparison",
    "write_markdown",
    "write_report",
    "write_tables",
]
