"""What differs between the record of something that was made and what is asked for now, in words."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any


def differences(saved: Mapping[str, Any], wanted: Mapping[str, Any], aside: Collection[str] = ()) -> list[str]:
    """Name what differs: ``source.split is val there and train here``.

    Args:
        saved: The record, as it was read.
        wanted: What it should say.
        aside: Names at the top that may differ.
    """
    there, here = (dict(_flat({name: each[name] for name in each if name not in aside})) for each in (saved, wanted))
    return [
        f"{name} is {_shown(there.get(name))} there and {_shown(here.get(name))} here"
        for name in sorted({*there, *here})
        if there.get(name) != here.get(name)
    ]


def _flat(value: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, inner in value.items():
        if isinstance(inner, Mapping):
            yield from _flat(inner, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", inner


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))
    return "not given" if value is None else str(value)
