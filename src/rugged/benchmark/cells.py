"""Measuring cell by cell: each is saved as it is done, and none that is saved is measured again."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from rugged.benchmark.earlier import outdated
from rugged.core.catalogue import CellKey
from rugged.core.environment import versions
from rugged.core.errors import Interrupted, ResultsError
from rugged.core.progress import Bar, say
from rugged.core.stopping import StopRequest, stop_on_signal
from rugged.engine import Fabric, by_the_first, describe, shown_by_the_first, told_by_the_first
from rugged.results import Made, read_stamp

T = TypeVar("T")
Read = TypeVar("Read", covariant=True)


class Bench(Protocol[Read]):
    """What measures, and which cells: of a name, a corruption or a kind of sequence, and a level.

    Attributes:
        fabric: The processes.
    """

    fabric: Fabric

    @property
    def folder(self) -> Path:
        """Where the cells are saved."""

    @property
    def figures(self) -> Path:
        """The file of the figures that are made of the cells."""

    @property
    def cells(self) -> list[CellKey]:
        """What is to be measured."""

    def provenance_of(self, name: str, level: int, /) -> dict[str, Any]:
        """What a cell is stamped with."""

    def read(self, name: str, level: int, /) -> Read | None:
        """A saved cell; None if it is of other pictures.

        Raises:
            ResultsError: It is damaged.
        """

    def measure(self, name: str, level: int, stop: StopRequest, bar: Bar, /) -> Read | None:
        """Measure one cell and save it; None in all processes but the first."""

    def count(self, name: str, /) -> int:
        """How many units of progress a cell is about."""


def measure_missing(
    bench: Bench[T],
    title: str,
    what: str = "cells",
    unit: str = "images",
    note: str = "",
    before: Callable[[Sequence[CellKey]], None] = lambda _: None,
) -> dict[CellKey, T]:
    """Measure every cell that is not saved yet, and give them all: to the first of several processes.

    Args:
        bench: Measures.
        title: Of the bar.
        what: Cells are called.
        unit: Of progress.
        note: What is added to all that is said.
        before: Told in the first process which cells will be measured.

    Raises:
        Interrupted: A signal came. It says how far this went.
    """
    fabric, keys = bench.fabric, bench.cells
    found = by_the_first(fabric, lambda: {key: cell for key in keys if (cell := _saved(bench, key)) is not None}) or {}
    if found:
        say(f"{len(found)} of {len(keys)} {what} are already measured{note}.")
    todo = told_by_the_first(fabric, lambda: [key for key in keys if key not in found])

    def make_way() -> None:
        if bench.figures.exists() and any(_is_to_be_replaced(bench, key) for key in todo):
            # The old figures must not stand beside new cells, not even if this measurement is interrupted. Going on
            # with it takes from them what else there is to measure anew.
            bench.figures.replace(outdated(bench.figures))
        before(todo)

    by_the_first(fabric, make_way)
    if not todo:
        return found
    total = sum(bench.count(name) for name, _ in todo)
    with stop_on_signal() as stop, shown_by_the_first(fabric, f"{title}{note}", total, unit) as bar:
        for number, key in enumerate(todo):
            try:
                cell = bench.measure(*key, stop, bar)
            except Interrupted as interruption:
                verb = "was" if number == 1 else "were"
                raise Interrupted(
                    f"Stopped; {number} of {len(todo)} {what} {verb} measured and saved{note}. "
                    "Run the same command again to go on.",
                    interruption.signal_number,
                ) from None
            if cell is not None:
                found[key] = cell
    return found


def _saved(bench: Bench[T], key: CellKey) -> T | None:
    """A saved cell, if it is whole and was measured under these very conditions on these very pictures."""
    stamp = read_stamp(bench.folder, *key)
    if stamp is None or stamp.provenance != bench.provenance_of(*key):
        return None
    try:
        return bench.read(*key)
    except ResultsError:
        return None


def _is_to_be_replaced(bench: Bench[Any], key: CellKey) -> bool:
    """Whether there is a saved cell of other conditions: of other versions or another processor, say."""
    stamp = read_stamp(bench.folder, *key)
    return stamp is not None and stamp.provenance != bench.provenance_of(*key)


def made_of(bench: Bench[Any], command: str) -> Made:
    """How the saved cells were made, whoever measured them when."""
    stamps = [read_stamp(bench.folder, *key) for key in bench.cells]
    seconds = sum(stamp.seconds for stamp in stamps if stamp is not None)
    return Made(command, round(seconds, 1), versions(), describe(bench.fabric))
