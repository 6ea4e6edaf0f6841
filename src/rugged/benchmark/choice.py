"""Which images a benchmark measures."""

from rugged.core.errors import ConfigError, DataError
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


def check_limit(limit: int | None) -> None:
    """See that a limit leaves something to measure.

    Raises:
        ConfigError: It is below 1.
    """
    if limit is not None and limit < 1:
        raise ConfigError(f"The limit is {limit}; expected at least 1 image.")
