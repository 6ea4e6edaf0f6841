"""Temperature scaling: one number by which all logits are divided, so that probabilities mean what they say."""

import numpy as np
import numpy.typing as npt

from rugged.core.errors import MetricsError

LIMITS = (0.01, 100.0)
"""Where the search ends: nothing is fitted there."""

_HALVINGS = 60
"""Of the interval in which the logarithm lies: beyond what float64 tells apart."""


def fit_temperature(logits: npt.NDArray[np.floating], labels: npt.NDArray[np.integer]) -> float:
    """The temperature T at which ``softmax(logits / T)`` has the least mean cross-entropy.

    In 1 / T the cross-entropy is convex, so the least is where its slope, the mean over the pictures of what the
    probabilities expect of a logit less the true class's logit, is zero.

    Args:
        logits: ``(N, classes)``.
        labels: ``(N,)`` true classes.

    Returns:
        T: above 1 for a classifier that is too sure. Within ``LIMITS``, at whose ends it stands where it would be
        zero (all answers are right) or infinite (they are no better than chance); at the lower, too, where no T
        changes anything (each picture's logits are all alike).

    Raises:
        MetricsError: No pictures.

    Source: Guo et al. 2017 (arXiv:1706.04599), section 4.2.
    """
    if len(labels) == 0:
        raise MetricsError("a temperature needs at least one picture to be fitted on")
    values = np.asarray(logits, dtype=np.float64)
    values = values - values.max(axis=1, keepdims=True)
    own = values[np.arange(len(labels)), labels]

    def slope(temperature: float) -> float:
        weights = np.exp(values / temperature)
        expected = (weights * values).sum(axis=1) / weights.sum(axis=1)
        return float((expected - own).mean())

    low, high = np.log(LIMITS)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        # Where a colder classifier would do better, the slope in 1 / T is negative.
        low, high = (low, middle) if slope(np.exp(middle)) <= 0 else (middle, high)
    return float(np.exp((low + high) / 2))
