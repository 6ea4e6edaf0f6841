"""The page a person can open, and its tables: from saved results only, without torch."""

from rugged.report.comparison import ComparedRow, ComparedRuns, compare_runs, write_comparison
from rugged.report.curves import draw_curves
from rugged.report.extent import mce_label, mean_extent, severities
from rugged.report.headlines import HeadlineRow, headline_table, share, variant_table
from rugged.report.overview import caveats
from rugged.report.page import write_report
from rugged.report.tables import AccuracyRow, ErrorRow, accuracy_table, error_table

__all__ = [
    "AccuracyRow",
    "ComparedRow",
    "ComparedRuns",
    "ErrorRow",
    "HeadlineRow",
    "accuracy_table",
    "caveats",
    "compare_runs",
    "draw_curves",
    "error_table",
    "headline_table",
    "mce_label",
    "mean_extent",
    "severities",
    "share",
    "variant_table",
    "write_comparison",
    "write_report",
]
