"""The classes: a heat map of classes and corruptions, and which classes fare worst and best."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rugged.analyze import BenchmarkedRun, ClassTable, class_table, rank_classes
from rugged.core.catalogue import display_name

_EXTREME = 10


@dataclass(frozen=True)
class HeatRow:
    """A class and its top-1 errors: clean, their mean under corruption, and under each corruption.

    Errors are fractions in [0, 1]; None where the class has no picture.
    """

    label: int
    name: str
    errors: tuple[float | None, ...]


@dataclass(frozen=True)
class ClassRow:
    """All figures of a class, clean and under corruption: top-1 and top-5 accuracy in [0, 1], mean loss in nats."""

    label: int
    name: str
    pictures: int
    clean: tuple[float | None, float | None, float | None]
    corrupted: tuple[float | None, float | None, float | None]


@dataclass(frozen=True)
class ClassView:
    """What the page shows of the classes.

    Attributes:
        corruptions: Display names, for the columns of the heat map.
        heat: Its rows, the greatest mean error first.
        low: The error up to which the heat map has no tint: one in twenty is lower.
        high: The error from which it has the full one: one in twenty is higher.
        worst: The classes with the lowest accuracy under corruption; none where one alone has pictures.
        best: Those with the highest.
        every: All of them, in label order.
        reading: What the script needs to read a cell out.
    """

    corruptions: tuple[str, ...]
    heat: tuple[HeatRow, ...]
    low: float
    high: float
    worst: tuple[ClassRow, ...]
    best: tuple[ClassRow, ...]
    every: tuple[ClassRow, ...]
    reading: dict[str, Any]


def view_classes(subject: BenchmarkedRun) -> ClassView:
    """Compute the figures of all classes and lay them out."""
    table = class_table(subject.cells, len(subject.classes))
    names = subject.classes.shown
    rows = [_row(table, names, label) for label in range(len(names))]
    heat = tuple(_heat(table, names))
    errors = [error for row in heat for error in row.errors if error is not None]
    count = min(_EXTREME, int((table.counts > 0).sum()) // 2)
    return ClassView(
        corruptions=tuple(map(display_name, table.corruptions)),
        heat=heat,
        low=float(np.quantile(errors, 0.05)),
        high=float(np.quantile(errors, 0.95)),
        worst=tuple(rows[label] for label in rank_classes(table.corrupted, count=count)),
        best=tuple(rows[label] for label in rank_classes(table.corrupted, count=count, worst=False)),
        every=tuple(rows),
        reading=_reading(table),
    )


def _heat(table: ClassTable, names: Sequence[str]) -> list[HeatRow]:
    each = np.column_stack([table.clean.top1, table.corrupted.top1, table.by_corruption.top1])
    rows = [
        HeatRow(label, names[label], tuple(_known(1 - value) for value in values)) for label, values in enumerate(each)
    ]
    return sorted(rows, key=lambda row: (-(row.errors[1] if row.errors[1] is not None else -1.0), row.label))


def _row(table: ClassTable, names: Sequence[str], label: int) -> ClassRow:
    clean, corrupted = (
        tuple(_known(getattr(figures, name)[label]) for name in ("top1", "top5", "loss"))
        for figures in (table.clean, table.corrupted)
    )
    return ClassRow(label, names[label], int(table.counts[label]), clean, corrupted)  # type: ignore[arg-type]


def _reading(table: ClassTable) -> dict[str, Any]:
    """Errors in whole percent: ``errors[class][corruption][severity]``, -1 where there is no picture."""
    errors = np.nan_to_num(np.rint(100 * (1 - table.cells.top1)), nan=-1).astype(int)
    return {"severities": list(table.severities), "errors": errors.tolist()}


def _known(value: float) -> float | None:
    return None if math.isnan(value) else float(value)
