"""Single predictions, a row each: all of one class, some at random, or those that are most surely wrong."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from rugged.results import Cell


@dataclass(frozen=True)
class Prediction:
    """What a model took one picture for.

    Attributes:
        id: The picture's id, ``<class>/<stem>``.
        corruption: Its name, or ``"clean"``.
        severity: 1 to 5; 0 for clean.
        label: The true class.
        top: Up to five classes, most probable first.
        probabilities: Of these.
        label_probability: Of the true class.
    """

    id: str
    corruption: str
    severity: int
    label: int
    top: tuple[int, ...]
    probabilities: tuple[float, ...]
    label_probability: float

    @property
    def right(self) -> bool:
        """Whether the most probable class is the true one."""
        return self.top[0] == self.label


def predictions_at(cell: Cell, places: Iterable[int]) -> list[Prediction]:
    """The predictions in some places of a cell, in the order asked for."""
    return [
        Prediction(
            cell.ids[place],
            cell.corruption,
            cell.severity,
            int(cell.labels[place]),
            tuple(cell.top[place].tolist()),
            tuple(cell.top_probabilities[place].tolist()),
            float(cell.label_probability[place]),
        )
        for place in places
    ]


def predictions_of_class(cells: Sequence[Cell], label: int) -> list[Prediction]:
    """Every prediction for the pictures of one class: cell by cell, in each by picture."""
    return [row for cell in cells for row in predictions_at(cell, np.flatnonzero(cell.labels == label).tolist())]


def random_predictions(cell: Cell, count: int, seed: int = 0) -> list[Prediction]:
    """Predictions drawn at random without replacement, right and wrong, the same for the same seed.

    Args:
        cell: Where from.
        count: How many; all where there are fewer.
        seed: Of the draw. It depends on the number of pictures alone, so that the cells of one run show the same ones.
    """
    places = np.random.default_rng(seed).permutation(len(cell.ids))[:count]
    return predictions_at(cell, places.tolist())


def surest_mistakes(cell: Cell, count: int) -> list[Prediction]:
    """Wrong predictions, the most confident first; ties in the pictures' order."""
    wrong = np.flatnonzero(~cell.correct)
    order = np.argsort(-cell.top_probabilities[wrong, 0], kind="stable")
    return predictions_at(cell, wrong[order][:count].tolist())
