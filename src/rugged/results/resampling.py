"""The bootstrap over images: a model's errors as they would be with other images of the same kind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rugged.core.catalogue import CellKey
from rugged.metrics import brier_scores, resampled_means
from rugged.metrics.bootstrap import DRAWS
from rugged.results.conditions import Conditions
from rugged.results.predictions import CLEAN, Cell

Draws = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Resampled:
    """Figures in each of the draws, ``(draws,)``. A draw takes the same images for all that were measured on them.

    Attributes:
        clean: Top-1 error without corruption.
        clean_top5: Top-5 error without corruption.
        corruptions: For each corruption the mean top-1 error over its severities.
        clean_loss: Negative log-likelihood without corruption.
        clean_brier: Brier score without corruption.
        loss: Mean negative log-likelihood over the corruptions that means are over; None without corruptions.
        brier: Mean Brier score over the same corruptions; None without corruptions.
    """

    clean: Draws
    clean_top5: Draws
    corruptions: dict[str, Draws]
    clean_loss: Draws
    clean_brier: Draws
    loss: Draws | None
    brier: Draws | None

    def accuracy(self, names: Sequence[str]) -> Draws:
        """Mean accuracy over some corruptions."""
        accuracy: Draws = 1 - np.mean([self.corruptions[name] for name in names], axis=0)
        return accuracy


def resample(cells: Mapping[CellKey, Cell], conditions: Conditions) -> Resampled:
    """Draw the images anew, a thousand times.

    Args:
        cells: Clean and every corruption × severity that ``conditions`` names; the corrupted ones of the same images.
        conditions: What was measured.
    """
    clean = cells[CLEAN, 0]
    errors = [
        np.mean([~cells[name, severity].correct for severity in conditions.severities], axis=0)
        for name in conditions.corruptions
    ]
    averaged = [cells[name, severity] for name in conditions.averaged for severity in conditions.severities]
    values = [~clean.correct, ~clean.in_top5, _loss(clean), _brier(clean)]
    if not averaged:
        drawn = redraw(values, [], conditions).T
        return Resampled(drawn[0], drawn[1], {}, drawn[2], drawn[3], None, None)
    loss, brier = (np.mean([each(cell) for cell in averaged], axis=0) for each in (_loss, _brier))
    drawn = redraw(values, [loss, brier, *errors], conditions).T
    corruptions = dict(zip(conditions.corruptions, drawn[6:], strict=True))
    return Resampled(drawn[0], drawn[1], corruptions, *drawn[2:6])


def _loss(cell: Cell) -> Draws:
    return cell.loss.astype(np.float64)


def _brier(cell: Cell) -> Draws:
    return brier_scores(cell.label_probability, cell.sum_of_squares)


def redraw(
    clean: Sequence[npt.NDArray[np.generic]],
    corrupted: Sequence[npt.NDArray[np.generic]],
    conditions: Conditions,
    draws: int = DRAWS,
) -> Draws:
    """Means over images drawn anew: one draw for clean and corrupted where they are of the same images, else two.

    Args:
        clean: Values of the clean images, one row a figure.
        corrupted: Values of the corrupted images.
        conditions: Say whether these are the same.
        draws: How often.

    Returns:
        ``(draws, rows)``, clean first.
    """
    if conditions.clean_images is None or not corrupted:
        return resampled_means(np.stack([*clean, *corrupted]), draws)
    # Seeds of their own: images that are not the same must not move together.
    return np.hstack([resampled_means(np.stack(clean), draws, seed=1), resampled_means(np.stack(corrupted), draws)])
