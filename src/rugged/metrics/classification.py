"""Right and wrong: top-k error."""

import numpy as np
import numpy.typing as npt

from rugged.core.errors import MetricsError


def in_top(labels: npt.NDArray[np.integer], top: npt.NDArray[np.integer], k: int) -> npt.NDArray[np.bool_]:
    """Whether each label is among the first ``k`` predicted classes.

    Args:
        labels: ``(N,)`` true class indices.
        top: ``(N, K)`` predicted class indices, most probable first. With fewer than ``k`` columns all are used.
        k: How many predictions count; 1 gives top-1, 5 gives top-5.

    Returns:
        ``(N,)`` of bool.
    """
    found: npt.NDArray[np.bool_] = (top[:, :k] == labels[:, None]).any(axis=1)
    return found


def error_rate(correct: npt.NDArray[np.bool_]) -> float:
    """The share of wrong answers in [0, 1].

    Args:
        correct: Whether each answer is right; of any shape.

    Raises:
        MetricsError: No answers: the error of nothing is not 0.
    """
    if correct.size == 0:
        raise MetricsError("error_rate needs at least one answer")
    return float(1.0 - correct.mean())
