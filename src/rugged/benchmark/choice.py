"""Which images a quick run and the sample strips take."""

import numpy as np
import numpy.typing as npt


def evenly(labels: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
    """Choose images evenly over the classes: the first of each class, then the second of each, and so on.

    Where a round does not fit whole, its classes are taken evenly spaced.

    Args:
        labels: ``(N,)`` class of each image.
        count: How many; more than N gives all.

    Returns:
        Their positions, in rising order.
    """
    order = np.argsort(labels, kind="stable")
    starts = np.searchsorted(labels[order], labels[order])
    round_of = np.empty(len(labels), np.int64)
    round_of[order] = np.arange(len(labels)) - starts
    by_round = np.lexsort((labels, round_of))
    if count >= len(labels):
        return np.arange(len(labels))
    last = round_of[by_round[count]]
    whole = by_round[: np.searchsorted(round_of[by_round], last)]
    partial = np.flatnonzero(round_of == last)
    spaced = partial[np.linspace(0, len(partial), count - len(whole), endpoint=False).astype(np.int64)]
    return np.sort(np.concatenate([whole, spaced]))
