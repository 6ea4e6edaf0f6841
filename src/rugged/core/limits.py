"""The ranges of the numbers in a configuration."""

from collections.abc import Mapping
from operator import attrgetter
from typing import Any


def require_within(configuration: Any, limits: Mapping[str, tuple[float, float]]) -> None:
    """Refuse numbers out of their range.

    Args:
        configuration: A dataclass. What is None in it passes.
        limits: The least and the greatest value, both allowed, by full key, such as ``optimizer.lr``.

    Raises:
        ValueError: A number is out of its range; NaN always is.
    """
    for name, (low, high) in limits.items():
        value = attrgetter(name)(configuration)
        if value is not None and not low <= value <= high:  # NaN fails every comparison.
            raise ValueError(f"{name} is {value}; it must be from {low} to {high}.")
