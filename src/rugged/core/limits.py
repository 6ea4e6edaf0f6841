"""The ranges of the numbers in a configuration."""

import dataclasses
from collections.abc import Mapping
from numbers import Real
from operator import attrgetter
from typing import Any, get_type_hints

from rugged.core.errors import ConfigError


def require_within(configuration: Any, limits: Mapping[str, tuple[float, float]]) -> None:
    """Refuse numbers out of their range.

    Args:
        configuration: A dataclass. What is None in it passes.
        limits: The least and the greatest value, both allowed, by full key, such as ``optimizer.lr``.

    Raises:
        ConfigError: A number is out of its range, as NaN always is, or is none; or a part that is a dataclass of its
            own is something else, such as a dict.
    """
    _require_parts(configuration, "")
    for name, (low, high) in limits.items():
        value = attrgetter(name)(configuration)
        if value is None:
            continue
        number = isinstance(value, Real)
        if not number:
            raise ConfigError(f"{name} is {value!r}; expected a number from {low} to {high}.")
        if not low <= value <= high:  # NaN fails every comparison.
            raise ConfigError(f"{name} is {value}; it must be from {low} to {high}.")


def _require_parts(configuration: Any, where: str) -> None:
    hints = get_type_hints(type(configuration))
    for field in dataclasses.fields(configuration):
        kind, value = hints[field.name], getattr(configuration, field.name)
        if not (isinstance(kind, type) and dataclasses.is_dataclass(kind)):
            continue
        if not isinstance(value, kind):
            raise ConfigError(
                f"{where}{field.name} is {type(value).__name__}; expected {kind.__name__}, as in "
                f"{field.name}={kind.__name__}(…)."
            )
        _require_parts(value, f"{where}{field.name}.")
