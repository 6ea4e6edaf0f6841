"""Which images a benchmark measures."""

from rugged.core.errors import DataError
from rugged.core.selection import check_limit
from rugged.data import Split
from rugged.data.splits import evenly


def choose_images(split: Split, limit: int | None) -> Split:
    """The whole split, or ``limit`` of its images, taken evenly over the classes.

    Raises:
        ConfigError: The limit is below 1.
        DataError: The split is empty.
    """
    check_limit(limit)
    if not len(split):
        raise DataError("The data set has no validation images to measure on.")
    return split if limit is None or limit >= len(split) else split.take(evenly(split.labels, limit))
