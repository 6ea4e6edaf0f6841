"""Whether a classifier's probabilities mean what they say."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rugged.core.errors import MetricsError

Values = npt.NDArray[np.floating]

BINS = 15
"""Bins of confidence, as Guo et al. (2017, arXiv:1706.04599) use them."""


@dataclass(frozen=True)
class Reliability:
    """What predictions of a like confidence came to, bin by bin.

    Attributes:
        counts: ``(bins,)`` int64, predictions whose confidence lies in (b / bins, (b + 1) / bins].
        confidence: ``(bins,)`` their mean confidence; 0 where there are none.
        accuracy: ``(bins,)`` the share of them that are right; 0 where there are none.
    """

    counts: npt.NDArray[np.int64]
    confidence: npt.NDArray[np.float64]
    accuracy: npt.NDArray[np.float64]


def reliability(confidence: Values, correct: npt.NDArray[np.bool_], bins: int = BINS) -> Reliability:
    """Sort predictions by their confidence into bins of equal width.

    Args:
        confidence: ``(N,)`` in [0, 1], probability of the predicted class.
        correct: ``(N,)`` whether it is the true one.
        bins: How many.

    Raises:
        MetricsError: No predictions, no bins, a confidence outside [0, 1], or lengths that differ.
    """
    values = _probabilities(confidence)
    _require_as_many(values, correct)
    if bins < 1:
        raise MetricsError(f"there must be at least one bin, got {bins}")
    places = np.clip(np.ceil(values * bins).astype(np.int64) - 1, 0, bins - 1)
    counts = np.bincount(places, minlength=bins)
    divisors = np.maximum(counts, 1)
    return Reliability(
        counts,
        np.bincount(places, weights=values, minlength=bins) / divisors,
        np.bincount(places, weights=correct, minlength=bins) / divisors,
    )


def expected_calibration_error(confidence: Values, correct: npt.NDArray[np.bool_], bins: int = BINS) -> float:
    """ECE: how far confidence and accuracy lie apart, a mean over the bins weighted by their predictions.

    Args:
        confidence: ``(N,)`` in [0, 1], probability of the predicted class.
        correct: ``(N,)`` whether it is the true one.
        bins: Bins of equal width. The figure depends on their number.

    Returns:
        In [0, 1]; 0 is calibrated.

    Raises:
        MetricsError: As ``reliability``.

    Source: Guo et al. 2017 (arXiv:1706.04599), equation 3.
    """
    table = reliability(confidence, correct, bins)
    return float((table.counts * np.abs(table.accuracy - table.confidence)).sum() / table.counts.sum())


def brier_score(label_probability: Values, sum_of_squares: Values) -> float:
    """The Brier score of several classes: the squared distance between probabilities and the truth, a mean over images.

    Args:
        label_probability: ``(N,)`` probability of the true class, p_y.
        sum_of_squares: ``(N,)`` sum over all classes of p².

    Returns:
        Mean of Σ p² - 2 p_y + 1, in [0, 2]; 0 is certain and right.

    Raises:
        MetricsError: No predictions, a probability outside [0, 1], or lengths that differ.

    Source: Brier 1950, "Verification of forecasts expressed in terms of probability".
    """
    return float(brier_scores(label_probability, sum_of_squares).mean())


def brier_scores(label_probability: Values, sum_of_squares: Values) -> npt.NDArray[np.float64]:
    """The ``brier_score`` of each image: what a bootstrap over them draws from.

    Args:
        label_probability: ``(N,)`` probability of the right class, in [0, 1].
        sum_of_squares: ``(N,)`` sum of the squared probabilities of all classes, in [0, 1].

    Returns:
        ``(N,)`` in [0, 2].

    Raises:
        MetricsError: As ``brier_score``.
    """
    squares, own = _probabilities(sum_of_squares), _probabilities(label_probability)
    _require_as_many(own, squares)
    return squares - 2 * own + 1


def negative_log_likelihood(loss: Values) -> float:
    """NLL in nats: the mean cross-entropy.

    Args:
        loss: ``(N,)`` -log p_y, 0 or more.

    Raises:
        MetricsError: No predictions.
    """
    if np.size(loss) == 0:
        raise MetricsError("negative_log_likelihood needs at least one prediction")
    return float(np.mean(loss, dtype=np.float64))


def _require_as_many(probabilities: Values, others: npt.ArrayLike) -> None:
    shapes = np.shape(probabilities), np.shape(others)
    if len(shapes[0]) != 1 or shapes[0] != shapes[1]:
        raise MetricsError(
            f"expected a number for each prediction, (N,) twice, got the shapes {shapes[0]} and {shapes[1]}"
        )


def _probabilities(values: Values) -> npt.NDArray[np.float64]:
    """As float64; float32 may stand one step above 1."""
    wide = np.asarray(values, dtype=np.float64)
    if wide.size == 0 or not ((wide >= 0) & (wide <= 1 + 1e-6)).all():
        raise MetricsError("probabilities must lie in [0, 1], and there must be at least one")
    return np.minimum(wide, 1.0)
