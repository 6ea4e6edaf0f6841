"""How well a model knows each class: clean, under each corruption, and where it is best and worst."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from rugged.analyze.selection import Cells, averaged, corruptions_of, severities_of
from rugged.core.errors import ResultsError
from rugged.results import CLEAN, Cell

Values = npt.NDArray[np.float64]

_TOP = 5


@dataclass(frozen=True)
class ClassFigures:
    """Figures of C classes, ``(C, …)`` each; NaN for a class without pictures.

    Attributes:
        top1: Share of a class's pictures that are recognised, in [0, 1].
        top5: Share of them whose class is among the five most probable; NaN with five classes or fewer, where each is.
        loss: Their mean cross-entropy in nats.
    """

    top1: Values
    top5: Values
    loss: Values

    def mean(self, axes: int | tuple[int, ...]) -> "ClassFigures":
        """Means over some axes, such as the severities."""
        return ClassFigures(self.top1.mean(axes), self.top5.mean(axes), self.loss.mean(axes))

    def at(self, *places: int | slice | list[int]) -> "ClassFigures":
        """What stands in some places of the axes behind the classes."""
        index = (slice(None), *places)
        return ClassFigures(self.top1[index], self.top5[index], self.loss[index])


@dataclass(frozen=True)
class ClassTable:
    """Every class under everything that was measured. C classes, K corruptions, S severities.

    Attributes:
        counts: ``(C,)`` int64, pictures of each class that were corrupted.
        clean_counts: ``(C,)`` clean ones; others than ``counts`` only where other pictures were corrupted.
        corruptions: The K names, in the catalogue's order.
        averaged: Those that means are over.
        severities: The S severities, rising.
        clean: Figures ``(C,)`` without corruption.
        cells: Figures ``(C, K, S)`` under each corruption at each severity.
    """

    counts: npt.NDArray[np.int64]
    clean_counts: npt.NDArray[np.int64]
    corruptions: tuple[str, ...]
    averaged: tuple[str, ...]
    severities: tuple[int, ...]
    clean: ClassFigures
    cells: ClassFigures

    @cached_property
    def by_corruption(self) -> ClassFigures:
        """``(C, K)``: means over the severities. What a heat map of classes and corruptions shows."""
        return self.cells.mean(2)

    @cached_property
    def by_severity(self) -> ClassFigures:
        """``(C, S)``: means over the corruptions that means are over."""
        return self.cells.at(self._averaged).mean(1)

    @cached_property
    def corrupted(self) -> ClassFigures:
        """``(C,)``: means over these corruptions and all severities."""
        return self.by_severity.mean(1)

    @property
    def _averaged(self) -> list[int]:
        return [self.corruptions.index(name) for name in self.averaged]


def class_table(cells: Cells, classes: int) -> ClassTable:
    """Compute the figures of every class.

    Args:
        cells: Clean, and every corruption at the same severities.
        classes: How many there are.

    Raises:
        ResultsError: A corruption lacks a severity at which others were measured, or clean is missing.
    """
    names, severities = corruptions_of(cells), severities_of(cells)
    keys = [(CLEAN, 0), *((name, severity) for name in names for severity in severities)]
    missing = [f"{name}-{severity}" for name, severity in keys if (name, severity) not in cells]
    if missing or not names:
        raise ResultsError(f"Cells are missing: {', '.join(missing) or 'all corrupted ones'}. Run `rugged benchmark`.")
    clean, *each = (class_figures([cells[key]], classes) for key in keys)
    shape = classes, len(names), len(severities)
    stacked = (np.stack([getattr(one, name) for one in each], 1).reshape(shape) for name in ("top1", "top5", "loss"))
    return ClassTable(
        counts=class_counts(cells[keys[1]], classes),
        clean_counts=class_counts(cells[CLEAN, 0], classes),
        corruptions=names,
        averaged=averaged(cells),
        severities=severities,
        clean=clean,
        cells=ClassFigures(*stacked),
    )


def class_figures(cells: Sequence[Cell], classes: int) -> ClassFigures:
    """Figures ``(C,)`` of every class over the answers of some cells, each answer counting alike."""
    labels = np.concatenate([cell.labels for cell in cells])
    counts = np.bincount(labels, minlength=classes).astype(np.float64)
    counts[counts == 0] = np.nan

    def share(name: str) -> Values:
        values = np.concatenate([getattr(cell, name) for cell in cells])
        found: Values = np.bincount(labels, weights=values, minlength=classes) / counts
        return found

    top5 = share("in_top5") if classes > _TOP else np.full(classes, np.nan)
    return ClassFigures(share("correct"), top5, share("loss"))


def class_counts(cell: Cell, classes: int) -> npt.NDArray[np.int64]:
    """``(C,)`` how many pictures a cell has of each class."""
    return np.bincount(cell.labels, minlength=classes)


def rank_classes(
    figures: ClassFigures, by: Literal["top1", "top5", "loss"] = "top1", count: int = 10, worst: bool = True
) -> list[int]:
    """The labels of the worst or best classes, the most extreme first; those without pictures are left out.

    Ties are broken by the mean cross-entropy, then by the label.

    Args:
        figures: ``(C,)`` of each class.
        by: Which figure.
        count: How many at most.
        worst: The worst, or else the best.
    """
    values = -figures.loss if by == "loss" else getattr(figures, by)
    sign = 1 if worst else -1
    order = np.lexsort((np.arange(len(values)), -sign * figures.loss, sign * values))
    return [int(label) for label in order if not np.isnan(values[label])][:count]
