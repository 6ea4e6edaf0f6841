"""The page a person can open, and its tables: from saved results only, without torch."""

from rugged.report.page import write_report
from rugged.report.tables import AccuracyRow, ErrorRow, accuracy_table, error_table

__all__ = ["AccuracyRow", "ErrorRow", "accuracy_table", "error_table", "write_report"]
