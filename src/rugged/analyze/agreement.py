"""Two models on the same pictures: which pictures one keeps and the other loses, and which classes differ."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rugged.core.errors import IncomparableError
from rugged.results import Cell

LEVEL = 0.05
_LEAST_FLIPS, _FLIPS_PER_TEST = 10_000, 50
"""Drawn sign changes: the least p-value there can be is one in so many, and must be real among all the tests."""


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
        p: Of the paired test, adjusted for as many tests as there are classes (Holm).
        better: The second model is better beyond doubt.
        worse: It is worse beyond doubt.
    """

    label: int
    pictures: int
    first: float
    second: float
    p: float
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

    A picture's gain is the share of the cells in which the second model is right, less the first one's. If the models
    knew the class equally well, each gain could as well have the other sign: the p-value is the share of drawn
    signs under which the mean gain is as far from zero (paired permutation test). All the classes' verdicts hold
    together in 95 cases of 100 (Holm).

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
        real = bool(p < LEVEL)
        found.append(
            ClassDifference(
                label, int((labels == label).sum()), one, other, float(p), real and other > one, real and other < one
            )
        )
    return found


def sign_flip_test(gains: Sequence[npt.NDArray[np.float64]], seed: int = 0) -> npt.NDArray[np.float64]:
    """Two-sided p-values of paired permutation tests: is the mean gain zero?

    Args:
        gains: For each test ``(n,)`` differences of pairs.
        seed: Of the drawn signs.

    Source: Good 2005, "Permutation, Parametric and Bootstrap Tests of Hypotheses"; the drawn signs count the observed
    ones among them, so that no p-value is zero (Phipson & Smyth 2010).
    """
    most = max(map(len, gains))
    generator = np.random.default_rng(seed)
    exceeding = np.zeros(len(gains))
    block = max(1, 4_000_000 // most)
    flips = max(_LEAST_FLIPS, _FLIPS_PER_TEST * len(gains))
    for start in range(0, flips, block):
        signs = generator.integers(0, 2, (min(block, flips - start), most), dtype=np.int8) * np.float32(2) - 1
        for index, values in enumerate(gains):
            drawn = np.abs(signs[:, : len(values)] @ values.astype(np.float32))
            exceeding[index] += np.count_nonzero(drawn >= abs(values.sum()) - 1e-3)
    return (exceeding + 1) / (flips + 1)


def holm(p: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """P-values adjusted for their number, so that those below a level are all real in 1 - level of the cases.

    Source: Holm 1979, "A simple sequentially rejective multiple test procedure".
    """
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def _require_same(pairs: Iterable[tuple[Cell, Cell]]) -> None:
    for one, other in pairs:
        if one.ids != other.ids or (one.corruption, one.severity) != (other.corruption, other.severity):
            raise IncomparableError(
                f"The predictions for {one.corruption}-{one.severity} of the two models are not about the same "
                "pictures. Benchmark both on the same data."
            )
