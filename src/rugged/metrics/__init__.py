"""Pure functions from arrays to figures. NumPy only; each is tested against another implementation or theory."""

from rugged.metrics.bootstrap import interval, resampled_means
from rugged.metrics.calibration import (
    Reliability,
    brier_score,
    brier_scores,
    expected_calibration_error,
    negative_log_likelihood,
    reliability,
)
from rugged.metrics.classification import error_rate, in_top
from rugged.metrics.image_quality import peak_signal_to_noise_ratio, structural_similarity
from rugged.metrics.permutation import holm, sign_flip_test
from rugged.metrics.robustness import (
    corruption_error,
    mean_corruption_accuracy,
    mean_corruption_error,
    relative_corruption_error,
    relative_mean_corruption_error,
)
from rugged.metrics.sequences import flip_probability, flips, mean_flip_rate, top5_distance, top5_distances
from rugged.metrics.temperature import fit_temperature

__all__ = [
    "Reliability",
    "brier_score",
    "brier_scores",
    "corruption_error",
    "error_rate",
    "expected_calibration_error",
    "fit_temperature",
    "flip_probability",
    "flips",
    "holm",
    "in_top",
    "interval",
    "mean_corruption_accuracy",
    "mean_corruption_error",
    "mean_flip_rate",
    "negative_log_likelihood",
    "peak_signal_to_noise_ratio",
    "relative_corruption_error",
    "relative_mean_corruption_error",
    "reliability",
    "resampled_means",
    "sign_flip_test",
    "structural_similarity",
    "top5_distance",
    "top5_distances",
]
