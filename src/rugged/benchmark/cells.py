"""Measuring cell by cell: each is saved as it is done, and none that is saved is measured again."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TypeVar

from rugged.core.catalogue import CellKey
from rugged.core.environment import versions
from rugged.core.errors import Interrupted
from rugged.core.progress import say
from rugged.engine import Fabric, by_the_first, describe, told_by_the_first
from rugged.results import Made, read_stamp

T = TypeVar("T")


def find_saved(
    fabric: Fabric, keys: Sequence[CellKey], read: Callable[[str, int], T | None], what: str = "cells", note: str = ""
) -> tuple[dict[CellKey, T], list[CellKey]]:
    """Look for cells that are saved already.

    Args:
        fabric: The processes.
        keys: Of all cells.
        read: Gives a saved one; None where there is none, or it is damaged or was measured under other conditions.
        what: Cells are called.
        note: To be added to what is said of them.

    Returns:
        What is there, to the first of several processes; and what is to be measured, to all.
    """
    found = by_the_first(fabric, lambda: {key: cell for key in keys if (cell := read(*key)) is not None}) or {}
    if found:
        say(f"{len(found)} of {len(keys)} {what} are already measured{note}.")
    return found, told_by_the_first(fabric, lambda: [key for key in keys if key not in found])


def measure_each(
    todo: Sequence[CellKey], measure: Callable[[str, int], T | None], what: str = "cells", note: str = ""
) -> dict[CellKey, T]:
    """Measure cells one by one.

    Args:
        todo: Which.
        measure: Measures one and saves it; gives it, too, in the first of several processes.
        what: Cells are called.
        note: To be added to what is said of them.

    Raises:
        Interrupted: A signal came. It says how far this went.
    """
    found = {}
    for number, key in enumerate(todo):
        try:
            cell = measure(*key)
        except Interrupted as interruption:
            raise Interrupted(
                f"Stopped; {number} {what} of {len(todo)} were measured and saved{note}. "
                "Run the same command again to go on.",
                interruption.signal_number,
            ) from None
        if cell is not None:
            found[key] = cell
    return found


def made_of(fabric: Fabric, folder: Path, keys: Collection[CellKey], command: str) -> Made:
    """How saved cells were made, whoever measured them when."""
    stamps = [read_stamp(folder, *key) for key in keys]
    seconds = sum(stamp.seconds for stamp in stamps if stamp is not None)
    return Made(command, round(seconds, 1), versions(), describe(fabric))
