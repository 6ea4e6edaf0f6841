"""Two models on the same pictures: which pictures one keeps and the other loses, and which classes differ."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from rugged.core.errors import IncomparableError
from rugged.metrics import holm, sign_flip_test
from rugged.results import Cell

ALPHA = 0.05
"""How often any verdict at all may be wrong where there is no difference."""


@dataclass(frozen=True)
class Agreement:
    """How two models answered the same pictures, counted in answers."""

    both: int
    only_first: int
    only_second: int
    neither: int

    @property
    def answers(self) -> int:
        """How many there are of each model."""
        return self.both + self.only_first + self.only_second + self.neither


@dataclass(frozen=True)
class ClassDifference:
    """By how much the second of two models knows a class better than the first.

    Attributes:
        label: The class.
        pictures: How many there are of it.
        first: The first model's top-1 accuracy, in [0, 1].
        second: The second one's.
        better: The second model is better beyond doubt.
        worse: It is worse beyond doubt.
    """

    label: int
    pictures: int
    first: float
    second: float
    better: bool
    worse: bool

    @property
    def value(self) -> float:
        """The second accuracy less the first, in [-1, 1]."""
        return self.second - self.first


def agreement(first: Sequence[Cell], second: Sequence[Cell]) -> Agreement:
    """Count the answers that both models, one of them or neither has right.

    Args:
        first: Cells of the one model.
        second: The same cells of the other.

    Raises:
        IncomparableError: They are not about the same pictures.
    """
    pairs = list(zip(first, second, strict=True))
    _require_same(pairs)
    right = [np.concatenate([pair[model].correct for pair in pairs]) for model in (0, 1)]
    both, one, other = (int(np.sum(x)) for x in (right[0] & right[1], right[0] & ~right[1], ~right[0] & right[1]))
    return Agreement(both, one, other, len(right[0]) - both - one - other)


def class_differences(first: Sequence[Cell], second: Sequence[Cell], classes: int) -> list[ClassDifference]:
    """Hold two models against each other class by class, by label; classes without pictures are left out.

    A picture's gain is the share of the cells in which the second model is right, less the first one's. Whether a
    class's gains are real says a paired permutation test (``rugged.metrics.sign_flip_test``). All the classes'
    verdicts hold together in 95 cases of 100 (Holm).

    Args:
        first: Cells of the one model, all of the same pictures.
        second: The same cells of the other.
        classes: How many there are.

    Raises:
        IncomparableError: They are not about the same pictures.
    """
    _require_same(zip(first, second, strict=True))
    labels = first[0].labels
    right = [np.mean([cell.correct for cell in cells], axis=0) for cells in (first, second)]
    present = np.flatnonzero(np.bincount(labels, minlength=classes)).tolist()
    gains = [(right[1] - right[0])[labels == label] for label in present]
    adjusted = holm(sign_flip_test(gains))
    found = []
    for label, p in zip(present, adjusted, strict=True):
        one, other = (float(values[labels == label].mean()) for values in right)
        real = bool(p < ALPHA)
        pictures = int((labels == label).sum())
        found.append(ClassDifference(label, pictures, one, other, real and other > one, real and other < one))
    return found


def _require_same(pairs: Iterable[tuple[Cell, Cell]]) -> None:
    for one, other in pairs:
        if one.ids != other.ids or (one.corruption, one.severity) != (other.corruption, other.severity):
            raise IncomparableError(
                f"The predictions for {one.corruption}-{one.severity} of the two models are not about the same "
                "pictures. Benchmark both on the same data."
            )
