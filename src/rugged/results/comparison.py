"""Which measurements may be held against each other: those of the same images under the same conditions."""

from collections.abc import Collection, Mapping
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
    wanted = {**conditions.beside(other), "severities": conditions.severities}
    return phrases(wanted, {**other.beside(conditions), "severities": other.severities})


def phrases(
    wanted: Mapping[str, Any], found: Mapping[str, Any], may_differ: Collection[str] = _MAY_DIFFER
) -> list[str]:
    """Compare any conditions, name by name, and give one phrase for each that differs.

    Args:
        wanted: The conditions here, by name.
        found: Those of the other measurement.
        may_differ: Names whose values do not matter.
    """
    return [
        f"{name.replace('_', ' ')} is {_short(found.get(name))}, here {_short(wanted.get(name))}"
        for name in dict.fromkeys((*wanted, *found))
        if name not in may_differ and found.get(name) != wanted.get(name)
    ]


def _short(value: object) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return f"{value[:12]}…" if isinstance(value, str) and len(value) == 64 else str(value)
