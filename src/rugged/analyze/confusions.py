"""What is taken for what: the mistakes of each class, the most confused pairs, and where wrong answers gather."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from rugged.analyze.selection import Cells, select, severities_of
from rugged.results import CLEAN, Cell

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Confusion:
    """Pictures of one class that were taken for another.

    Attributes:
        label: The true class.
        predicted: The other one.
        count: In how many answers.
        share: Of the true class's answers, in [0, 1].
        probability: Mean probability of the other class in these answers.
    """

    label: int
    predicted: int
    count: int
    share: float
    probability: float


@dataclass(frozen=True)
class Pair:
    """Two classes that are taken for each other.

    Attributes:
        first: The one that is taken for the other more often; on a tie the lower label.
        second: The other one.
        forth: Pictures of the first that were taken for the second.
        back: Pictures of the second that were taken for the first.
        share: Both, of all answers to pictures of the two, in [0, 1].
    """

    first: int
    second: int
    forth: int
    back: int
    share: float


@dataclass(frozen=True)
class Sink:
    """A class that wrong answers gather in: ``share`` is of all wrong answers, in [0, 1]."""

    label: int
    count: int
    share: float


@dataclass(frozen=True)
class Shift:
    """What a model answers at one severity.

    Attributes:
        severity: 0 for clean.
        answers: How many predictions there are.
        wrong: How many of them are wrong.
        sinks: The most common wrong answers, most common first.
        entropy: Of how often each class is answered, in nats: log C where all are answered alike, 0 where one is.
        effective_classes: Its exponential: as many classes answered alike would have this entropy.
    """

    severity: int
    answers: int
    wrong: int
    sinks: tuple[Sink, ...]
    entropy: float
    effective_classes: float


def confusion_matrix(cells: Sequence[Cell], classes: int) -> Counts:
    """``(C, C)``: how many pictures of each class (row) were taken for each class (column), over some cells."""
    matrix = sum(np.bincount(_places(cell, classes), minlength=classes**2) for cell in cells)
    return np.asarray(matrix, np.int64).reshape(classes, classes)


def rival_matrix(cells: Sequence[Cell], classes: int) -> Counts:
    """``(C, C)``: how often each class (column) stands above the true one (row) among the five most probable.

    Where the true class is none of them, all five count: ``mistaken_for`` by ``"top5"``, for every class at once.
    """
    matrix = np.zeros(classes**2, np.int64)
    for cell in cells:
        above = ~np.logical_or.accumulate(cell.top == cell.labels[:, None], axis=1)
        places = cell.labels.astype(np.int64)[:, None] * classes + cell.top
        matrix += np.bincount(places[above], minlength=classes**2)
    return matrix.reshape(classes, classes)


def confused_pairs(cells: Sequence[Cell], classes: int, count: int = 10) -> list[Confusion]:
    """The most common mistakes of all classes, one way: by count, ties by label."""
    matrix = confusion_matrix(cells, classes)
    probabilities = sum(np.bincount(_places(cell, classes), cell.top_probabilities[:, 0], classes**2) for cell in cells)
    sums = np.asarray(probabilities).reshape(classes, classes)
    answers = matrix.sum(1)
    wrong = matrix * ~np.eye(classes, dtype=bool)
    return [
        Confusion(
            label, other, int(wrong[label, other]), float(wrong[label, other] / answers[label]),
            float(sums[label, other] / wrong[label, other]),
        )
        for label, other in _most(wrong, count)
    ]  # fmt: skip


def mutual_pairs(matrix: Counts, count: int = 10) -> list[Pair]:
    """The pairs of classes that are most often taken for each other, both ways added: by count, ties by label.

    Args:
        matrix: ``confusion_matrix``.
        count: How many at most.
    """
    answers = matrix.sum(1)
    both = np.triu(matrix + matrix.T, 1)
    pairs = []
    for low, high in _most(both, count):
        first, second = (high, low) if matrix[high, low] > matrix[low, high] else (low, high)
        share = both[low, high] / (answers[low] + answers[high])
        pairs.append(Pair(first, second, int(matrix[first, second]), int(matrix[second, first]), float(share)))
    return pairs


def mistaken_for(cells: Sequence[Cell], label: int, by: Literal["top1", "top5"] = "top1") -> list[Confusion]:
    """What the pictures of a class are taken for, most often first; ties by label.

    Args:
        cells: Whose answers count.
        label: The class.
        by: ``"top1"``: another class counts where it is the answer. ``"top5"``: where it stands above the true class
            among the five most probable, so that all five count where the true class is not one of them.
    """
    asked = [(cell, cell.labels == label) for cell in cells]
    top = np.concatenate([cell.top[mask] for cell, mask in asked])
    probabilities = np.concatenate([cell.top_probabilities[mask] for cell, mask in asked])
    above = ~np.logical_or.accumulate(top == label, axis=1)
    if by == "top1":
        above[:, 1:] = False
    counts = np.bincount(top[above])
    sums = np.bincount(top[above], probabilities[above])
    return [
        Confusion(label, other, int(counts[other]), float(counts[other] / len(top)), float(sums[other] / counts[other]))
        for other in _ranked(counts)
    ]


def mistaken_as(cells: Sequence[Cell], label: int) -> list[Confusion]:
    """Whose pictures are taken for a class, most often first; ties by label. Shares are of those classes' answers."""
    labels = np.concatenate([cell.labels for cell in cells])
    here = np.concatenate([cell.top[:, 0] for cell in cells]) == label
    here &= labels != label
    probabilities = np.concatenate([cell.top_probabilities[:, 0] for cell in cells])
    answers, counts = np.bincount(labels), np.bincount(labels[here])
    sums = np.bincount(labels[here], probabilities[here])
    return [
        Confusion(
            other, label, int(counts[other]), float(counts[other] / answers[other]), float(sums[other] / counts[other])
        )
        for other in _ranked(counts)
    ]


def shifts(cells: Cells, classes: int, count: int = 5) -> list[Shift]:
    """How a model's answers shift as severity grows, over all that means are over: clean first where it was measured.

    Args:
        cells: What was measured.
        classes: How many there are.
        count: How many sinks at most.
    """
    levels = [0] if (CLEAN, 0) in cells else []
    levels += severities_of(cells)
    return [shift_at(level, confusion_matrix(select(cells, severity=level), classes), count) for level in levels]


def shift_at(severity: int, matrix: Counts, count: int = 5) -> Shift:
    """What a model answers, from its confusion matrix at one severity."""
    answered = matrix.sum(0)
    mistakes = answered - np.diag(matrix)
    wrong = int(mistakes.sum())
    shares = answered[answered > 0] / answered.sum()
    entropy = float(-(shares * np.log(shares)).sum())
    sinks = [Sink(label, int(mistakes[label]), float(mistakes[label] / wrong)) for label in _ranked(mistakes, count)]
    return Shift(severity, int(answered.sum()), wrong, tuple(sinks), abs(entropy), float(np.exp(entropy)))


def _places(cell: Cell, classes: int) -> Counts:
    """``(N,)`` where each answer stands in a confusion matrix that is laid out row by row."""
    return cell.labels.astype(np.int64) * classes + cell.top[:, 0]


def _ranked(counts: npt.NDArray[np.integer], count: int | None = None) -> list[int]:
    """Where counts are not zero, the greatest first, ties in their order; at most ``count`` places."""
    order = np.argsort(-counts, kind="stable")[:count]
    places: list[int] = order[counts[order] > 0].tolist()
    return places


def _most(counts: Counts, count: int) -> list[tuple[int, int]]:
    """The greatest entries of a matrix, ties by row and column."""
    return [divmod(place, counts.shape[1]) for place in _ranked(counts.ravel(), count)]
