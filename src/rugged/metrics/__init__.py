"""Pure functions from arrays to figures. NumPy only; each is tested against another implementation or theory."""

from rugged.metrics.classification import error_rate, in_top
from rugged.metrics.robustness import corruption_error, mean_corruption_accuracy, mean_corruption_error

__all__ = ["corruption_error", "error_rate", "in_top", "mean_corruption_accuracy", "mean_corruption_error"]
