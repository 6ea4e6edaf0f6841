"""What is taken for what: the explorer's data, the most confused pairs, where wrong answers gather, and how near."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rugged.analyze import (
    BenchmarkedRun,
    Kinship,
    KinshipTable,
    confusion_matrix,
    kinship_table,
    mutual_pairs,
    rival_matrix,
    select,
    severities_of,
    shift_at,
    shipped_groups,
)
from rugged.core.catalogue import display_name
from rugged.report.charts import percent
from rugged.results import Cell

_LISTED = 8
"""Classes that the explorer lists each way."""

_PAIRS, _SINKS = 12, 5

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class PairRow:
    """Two classes and how often they are taken for each other, at each level."""

    first: str
    second: str
    labels: tuple[int, int]
    counts: tuple[int, ...]
    share: str


@dataclass(frozen=True)
class SinkRow:
    """A level, and the classes that most wrong answers name there, with their share of them."""

    level: str
    wrong: str
    sinks: tuple[tuple[str, str], ...]
    answered: str


@dataclass(frozen=True)
class NearRow:
    """How near the mistakes are: wrong answers, the share within the true class's group, and what chance would give."""

    level: str
    wrong: str
    near: float
    shown: str
    chance: str


@dataclass(frozen=True)
class ConfusionView:
    """What the page shows of confusions.

    Attributes:
        levels: ``Clean``, then the severities.
        pairs: The most confused pairs over all corruptions, with counts at each level.
        sinks: Where wrong answers gather, a row a level.
        near: Mistakes within groups of near classes; empty where no groups are known.
        near_title: Whose groups.
        by_corruption: The same by corruption.
        usual: By class what its corrupted pictures are most often taken for, and the share; dashes where for nothing.
        explorer: The data of the explorer, for the script.
    """

    levels: tuple[str, ...]
    pairs: tuple[PairRow, ...]
    sinks: tuple[SinkRow, ...]
    near: tuple[NearRow, ...]
    near_title: str
    by_corruption: tuple[NearRow, ...]
    usual: tuple[tuple[str, str], ...]
    explorer: dict[str, Any]


def view_confusions(subject: BenchmarkedRun) -> ConfusionView:
    """Count what is taken for what, clean and at each severity."""
    cells, classes = subject.cells, len(subject.classes)
    levels = (0, *severities_of(cells))
    chosen = [select(cells, severity=level) for level in levels]
    matrices = [confusion_matrix(each, classes) for each in chosen]
    groups = shipped_groups(subject.classes)
    kinship = None if groups is None else kinship_table(cells, groups)
    return ConfusionView(
        levels=tuple(_level(level) for level in levels),
        pairs=tuple(_pairs(subject.classes.shown, matrices)),
        sinks=tuple(
            _sinks(subject.classes.shown, level, matrix) for level, matrix in zip(levels, matrices, strict=True)
        ),
        near=() if kinship is None else tuple(_near(kinship)),
        near_title="" if kinship is None else f"{len(kinship.groups.names)} groups of {kinship.groups.source}",
        by_corruption=() if kinship is None else tuple(_near_by_corruption(kinship)),
        usual=tuple(_usual(subject.classes.shown, np.sum(matrices[1:], axis=0))),
        explorer=_explorer(subject, chosen, matrices, levels),
    )


def _pairs(names: Sequence[str], matrices: Sequence[Counts]) -> Iterator[PairRow]:
    """Ranked over the corrupted pictures, which are the many."""
    corrupted = np.sum(matrices[1:], axis=0)
    for pair in mutual_pairs(corrupted, _PAIRS):
        first, second = pair.first, pair.second
        counts = tuple(int(matrix[first, second] + matrix[second, first]) for matrix in matrices)
        yield PairRow(names[first], names[second], (first, second), counts, percent(pair.share))


def _usual(names: Sequence[str], matrix: Counts) -> Iterator[tuple[str, str]]:
    wrong = matrix - np.diag(np.diag(matrix))
    for row, answers in zip(wrong, matrix.sum(1), strict=True):
        other = int(row.argmax())
        yield (names[other], percent(row[other] / answers, 0)) if row[other] else ("–", "")


def _sinks(names: Sequence[str], level: int, matrix: Counts) -> SinkRow:
    shift = shift_at(level, matrix, _SINKS)
    shown = tuple((names[sink.label], percent(sink.share)) for sink in shift.sinks)
    return SinkRow(_level(level), percent(shift.wrong / shift.answers), shown, f"{shift.effective_classes:.0f}")


def _near(table: KinshipTable) -> Iterator[NearRow]:
    yield _near_row("Clean", table.clean)
    for level, kinship in table.severities.items():
        yield _near_row(_level(level), kinship)


def _near_by_corruption(table: KinshipTable) -> Iterator[NearRow]:
    for name, kinship in table.corruptions.items():
        yield _near_row(display_name(name), kinship)


def _near_row(level: str, kinship: Kinship) -> NearRow:
    if not kinship.wrong:
        return NearRow(level, "0", 0.0, "–", "–")
    return NearRow(level, f"{kinship.wrong:,}", kinship.share, percent(kinship.share), percent(kinship.chance))


def _level(severity: int) -> str:
    return f"Severity {severity}" if severity else "Clean"


def _explorer(
    subject: BenchmarkedRun, chosen: Sequence[Sequence[Cell]], matrices: Sequence[Counts], levels: Sequence[int]
) -> dict[str, Any]:
    """For each level and class the other classes and counts, ``[other, count, other, count, …]``, the most first.

    ``for1`` and ``for5`` are what its pictures are taken for, ``as1`` is whose pictures are taken for it.
    """
    return {
        "levels": list(levels),
        "answers": [matrix.sum(1).tolist() for matrix in matrices],
        "right": [np.diag(matrix).tolist() for matrix in matrices],
        "for1": [_most(matrix) for matrix in matrices],
        "for5": [_most(rival_matrix(each, len(subject.classes))) for each in chosen],
        "as1": [_most(matrix.T) for matrix in matrices],
    }


def _most(matrix: Counts) -> list[list[int]]:
    """The greatest counts of each row beside its diagonal."""
    wrong = matrix - np.diag(np.diag(matrix))
    order = np.argsort(-wrong, axis=1, kind="stable")[:, :_LISTED]
    found = np.take_along_axis(wrong, order, 1)
    return [
        [int(value) for pair in zip(others, counts, strict=True) if pair[1] for value in pair]
        for others, counts in zip(order, found, strict=True)
    ]
