"""What saved predictions say beyond their figures: classes, confusions, lost pictures, calibration, differences."""

from rugged.analyze.agreement import Agreement, ClassDifference, agreement, class_differences
from rugged.analyze.calibration import Calibration, CalibrationTable, calibration_of, calibration_table
from rugged.analyze.classes import ClassFigures, ClassTable, class_counts, class_figures, class_table, rank_classes
from rugged.analyze.comparison import Comparison, Difference, compare
from rugged.analyze.confusions import (
    Confusion,
    Pair,
    Shift,
    Sink,
    confused_pairs,
    confusion_matrix,
    mistaken_as,
    mistaken_for,
    mutual_pairs,
    rival_matrix,
    shift_at,
    shifts,
)
from rugged.analyze.failures import NEVER, Failures, failures
from rugged.analyze.kinship import (
    Groups,
    Kinship,
    KinshipTable,
    group_matrix,
    kinship_of,
    kinship_table,
    read_groups,
    shipped_groups,
)
from rugged.analyze.one_class import class_overview, class_tables
from rugged.analyze.overview import Analysis, all_tables, analyse, extent, overview_lines, overview_tables
from rugged.analyze.predictions import (
    Prediction,
    predictions_at,
    predictions_of_class,
    random_predictions,
    surest_mistakes,
)
from rugged.analyze.reading import BenchmarkedRun, read_run
from rugged.analyze.restoration import restoration_table, restoration_tables
from rugged.analyze.selection import Cells, averaged, corruptions_of, restrict, select, severities_of

__all__ = [
    "NEVER",
    "Agreement",
    "Analysis",
    "BenchmarkedRun",
    "Calibration",
    "CalibrationTable",
    "Cells",
    "ClassDifference",
    "ClassFigures",
    "ClassTable",
    "Comparison",
    "Confusion",
    "Difference",
    "Failures",
    "Groups",
    "Kinship",
    "KinshipTable",
    "Pair",
    "Prediction",
    "Shift",
    "Sink",
    "agreement",
    "all_tables",
    "analyse",
    "averaged",
    "calibration_of",
    "calibration_table",
    "class_counts",
    "class_differences",
    "class_figures",
    "class_overview",
    "class_table",
    "class_tables",
    "compare",
    "confused_pairs",
    "confusion_matrix",
    "corruptions_of",
    "extent",
    "failures",
    "group_matrix",
    "kinship_of",
    "kinship_table",
    "mistaken_as",
    "mistaken_for",
    "mutual_pairs",
    "overview_lines",
    "overview_tables",
    "predictions_at",
    "predictions_of_class",
    "random_predictions",
    "rank_classes",
    "read_groups",
    "read_run",
    "restoration_table",
    "restoration_tables",
    "restrict",
    "rival_matrix",
    "select",
    "severities_of",
    "shift_at",
    "shifts",
    "shipped_groups",
    "surest_mistakes",
]
