"""Which measurements may be held against each other: those of the same images under the same conditions."""

from collections.abc import Mapping
from typing import Any

from rugged.results.conditions import Conditions

# Another draw of the same noise is the same test, a data set is known by its content, and a limit shows in the images.
_MAY_DIFFER = ("dataset", "seed", "limit")


def differences(conditions: Conditions, other: Conditions) -> list[str]:
    """What keeps the figures of two measurements apart, one phrase a difference; nothing where they are comparable.

    Which corruptions were measured is left to the caller: a baseline may hold more than the model it normalises.
    Textures differ where both measured frost.

    Args:
        conditions: Of the measurement in question.
        other: Of the one it is held against.
    """
    both_frosty = "none" not in (conditions.textures, other.textures)
    wanted, found = (
        {**(each.of_cell("frost") if both_frosty else each.without_extent()), "severities": each.severities}
        for each in (conditions, other)
    )
    return phrases(wanted, found)


def phrases(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """The same of any conditions, by name."""
    return [
        f"{name.replace('_', ' ')} is {_short(found.get(name))}, here {_short(value)}"
        for name, value in wanted.items()
        if name not in _MAY_DIFFER and found.get(name) != value
    ]


def _short(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return f"{value[:12]}…" if isinstance(value, str) and len(value) == 64 else str(value)
