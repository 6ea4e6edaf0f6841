"""What a benchmark measures: which corruptions and severities, and which images."""

import difflib
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from rugged.core.catalogue import ALL, SEVERITIES
from rugged.core.errors import ConfigError, DataError
from rugged.corruptions import AVAILABLE
from rugged.data import Split


def choose_corruptions(names: Sequence[str]) -> tuple[str, ...]:
    """Check names of corruptions and put them in the catalogue's order.

    Raises:
        ConfigError: None given, or one that is no corruption or has no kernel yet.
    """
    if not names:
        raise ConfigError(f"No corruption was named. Available: {', '.join(AVAILABLE)}.")
    for name in names:
        if name not in AVAILABLE:
            nearest = difflib.get_close_matches(name, AVAILABLE, n=1)
            hint = f"Did you mean {nearest[0]}?" if nearest else f"Available: {', '.join(AVAILABLE)}."
            raise ConfigError(f"{name!r} is {'not available yet' if name in ALL else 'no corruption'}. {hint}")
    return tuple(name for name in AVAILABLE if name in names)


def choose_severities(severities: Iterable[int]) -> tuple[int, ...]:
    """Check severities and put them in rising order, each once.

    Raises:
        ConfigError: None given, or one outside 1 to 5.
    """
    chosen = tuple(sorted(set(severities)))
    if not chosen or not set(chosen) <= set(SEVERITIES):
        raise ConfigError(f"Severities are {', '.join(map(str, chosen)) or 'none'}; expected some of 1 to 5.")
    return chosen


def choose_images(split: Split, limit: int | None) -> Split:
    """The whole split, or ``limit`` of its images, taken evenly over the classes.

    Raises:
        ConfigError: The limit is below 1.
        DataError: The split is empty.
    """
    if limit is not None and limit < 1:
        raise ConfigError(f"The limit is {limit}; expected at least 1 image.")
    if not len(split):
        raise DataError("The data set has no validation images to measure on.")
    return split if limit is None or limit >= len(split) else split.take(evenly(split.labels, limit))


def evenly(labels: npt.NDArray[np.int64], count: int) -> npt.NDArray[np.int64]:
    """Choose images evenly over the classes: the first of each class, then the second of each, and so on.

    Where a round does not fit whole, its classes are taken evenly spaced.

    Args:
        labels: ``(N,)`` class of each image.
        count: How many; more than N gives all.

    Returns:
        Their positions, in rising order.
    """
    if count >= len(labels):
        return np.arange(len(labels))
    order = np.argsort(labels, kind="stable")
    round_of = np.empty(len(labels), np.int64)
    round_of[order] = np.arange(len(labels)) - np.searchsorted(labels[order], labels[order])
    last = np.sort(round_of)[count]  # The first round that does not fit whole.
    whole = np.flatnonzero(round_of < last)
    partial = np.flatnonzero(round_of == last)
    partial = partial[np.argsort(labels[partial])]
    spaced = partial[np.linspace(0, len(partial), count - len(whole), endpoint=False).astype(np.int64)]
    return np.sort(np.concatenate([whole, spaced]))
