"""Whether a model knows when it does not know: confidence against accuracy, clean and as severity grows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rugged.analyze.selection import Cells, corruptions_of, select, severities_of
from rugged.metrics import Reliability, reliability
from rugged.metrics.calibration import BINS
from rugged.results import CLEAN, Cell


@dataclass(frozen=True)
class Calibration:
    """Confidence and accuracy of some answers.

    Attributes:
        reliability: Counts, mean confidence and accuracy in bins of equal width.
        ece: Expected calibration error of these answers together, in [0, 1]. That of several cells pooled is not the
            mean of theirs, which a summary gives: being too sure here and not sure enough there cancel out.
        confidence: Mean probability of the answer.
        accuracy: Share of right answers.
    """

    reliability: Reliability
    ece: float
    confidence: float
    accuracy: float

    @property
    def overconfidence(self) -> float:
        """By how much the model is surer than right, in [-1, 1]."""
        return self.confidence - self.accuracy

    @property
    def right(self) -> npt.NDArray[np.int64]:
        """``(bins,)`` right answers by confidence."""
        return np.rint(self.reliability.counts * self.reliability.accuracy).astype(np.int64)

    @property
    def wrong(self) -> npt.NDArray[np.int64]:
        """``(bins,)`` wrong answers by confidence."""
        return self.reliability.counts - self.right


@dataclass(frozen=True)
class CalibrationTable:
    """Calibration under everything that was measured.

    Attributes:
        clean: Without corruption.
        corrupted: Over all the corruptions that means are over, pooled.
        severities: At each severity over these corruptions, pooled.
        corruptions: Under each corruption over its severities, pooled.
        cells: Under each corruption at each severity, keyed by both.
    """

    clean: Calibration
    corrupted: Calibration
    severities: dict[int, Calibration]
    corruptions: dict[str, Calibration]
    cells: dict[tuple[str, int], Calibration]


def calibration_of(cells: Sequence[Cell], bins: int = BINS) -> Calibration:
    """The calibration of some cells' answers, pooled.

    Args:
        cells: At least one.
        bins: Of equal width.
    """
    confidence = np.concatenate([cell.top_probabilities[:, 0] for cell in cells])
    correct = np.concatenate([cell.correct for cell in cells])
    table = reliability(confidence, correct, bins)
    weights = table.counts / table.counts.sum()
    return Calibration(
        table,
        ece=float(weights @ np.abs(table.accuracy - table.confidence)),
        confidence=float(weights @ table.confidence),
        accuracy=float(weights @ table.accuracy),
    )


def calibration_table(cells: Cells) -> CalibrationTable:
    """Calibration clean, by severity, by corruption and by both.

    Args:
        cells: Clean and corrupted predictions.

    Raises:
        ConfigError: Clean, or every corruption, is missing.
    """
    return CalibrationTable(
        clean=calibration_of(select(cells, CLEAN)),
        corrupted=calibration_of(select(cells)),
        severities={level: calibration_of(select(cells, severity=level)) for level in severities_of(cells)},
        corruptions={name: calibration_of(select(cells, name)) for name in corruptions_of(cells)},
        cells={key: calibration_of([cell]) for key, cell in cells.items() if key[0] != CLEAN},
    )
