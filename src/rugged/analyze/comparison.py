"""Models held against each other on the same images: which differences are real."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rugged.analyze.selection import Cells
from rugged.core.errors import IncomparableError
from rugged.metrics import interval, sign_flip_test
from rugged.results import CLEAN, Conditions, Summary, differences
from rugged.results.resampling import redraw
from rugged.results.summary import CorruptionResult

LEVEL = 0.95
_DRAWS = 4000
"""More than for one figure's interval: those of single corruptions go further out into the tails."""


@dataclass(frozen=True)
class Difference:
    """By how much one model is better than another.

    Attributes:
        value: Of the second model minus the first one's: accuracy in [-1, 1], or mCE.
        low: Lower end of the interval.
        high: Upper end.
        better: The second model is better beyond doubt: the interval leaves out zero, and so does a paired permutation
            test at its level, which is exact with few images, too, where intervals are too narrow.
        worse: It is worse beyond doubt.
    """

    value: float
    low: float
    high: float
    better: bool
    worse: bool


@dataclass(frozen=True)
class Comparison:
    """One model against another, on the same images under the same corruptions.

    Attributes:
        clean: Of clean top-1 accuracy.
        corrupted: Of mean corruption accuracy; None where clean pictures alone were measured.
        mce: Of mCE, lower being better; None unless both have one relative to the same baseline.
        corruptions: Of each corruption's mean accuracy over the severities. Their intervals are wider and their tests
            stricter, so that all of them together hold in 95 cases of 100 (Bonferroni).
        level: Of these intervals: 0.9967 for fifteen corruptions.
    """

    clean: Difference
    corrupted: Difference | None
    mce: Difference | None
    corruptions: dict[str, Difference]
    level: float


def incomparable(conditions: Conditions, other: Conditions) -> list[str]:
    """What keeps the figures of two models apart, one phrase a difference; nothing where they can be compared.

    Args:
        conditions: Under which the one was measured.
        other: Under which the other was.
    """
    found = differences(conditions, other)
    if conditions.corruptions != other.corruptions:
        there, here = (", ".join(each.corruptions) or "none" for each in (other, conditions))
        found.append(f"corruptions are {there}, here {here}")
    return found


def compare(first: Summary, first_cells: Cells, second: Summary, second_cells: Cells) -> Comparison:
    """Hold a second model against a first.

    The images are drawn anew, the same for both models, so that what both owe to the images falls out of the
    difference: intervals of differences are narrower than those of the figures.

    Args:
        first: Summary of the one.
        first_cells: Its predictions; clean and all that the summary names.
        second: Summary of the other.
        second_cells: Its predictions, of the same images in the same order.

    Raises:
        IncomparableError: They were not measured under the same conditions.
    """
    conditions = first.conditions
    if found := incomparable(conditions, second.conditions):
        raise IncomparableError(
            f"{second.model.name} cannot be held against {first.model.name}: {'; '.join(found)}. Benchmark both under "
            "the same conditions."
        )
    clean = _gain(first_cells, second_cells, [(CLEAN, 0)])
    gains = {
        name: _gain(first_cells, second_cells, [(name, severity) for severity in conditions.severities])
        for name in conditions.corruptions
    }
    changes = {"clean": clean}
    if gains:
        changes["corrupted"] = np.mean([gains[name] for name in conditions.averaged], axis=0)
    if divisors := _baseline_errors(first, second):
        changes["mce"] = -np.mean([gains[name] / error for name, error in divisors.items()], axis=0)
    changes |= gains
    others = [change for name, change in changes.items() if name != "clean"]
    drawn = dict(zip(changes, redraw([clean], others, conditions, _DRAWS).T, strict=True))
    p = dict(zip(changes, sign_flip_test(list(changes.values())), strict=True))

    def difference(name: str, level: float = LEVEL) -> Difference:
        value = float(changes[name].mean())
        low, high = interval(drawn[name], level)
        real = bool(p[name] < 1 - level)
        more, less = real and low > 0, real and high < 0
        better, worse = (less, more) if name == "mce" else (more, less)
        return Difference(value, low, high, better, worse)

    level = 1 - (1 - LEVEL) / max(1, len(gains))
    return Comparison(
        clean=difference("clean"),
        corrupted=difference("corrupted") if gains else None,
        mce=difference("mce") if divisors else None,
        corruptions={name: difference(name, level) for name in gains},
        level=level,
    )


def _gain(first: Cells, second: Cells, keys: Sequence[tuple[str, int]]) -> npt.NDArray[np.float64]:
    """``(N,)``: in what share of some cells the second model is right about an image, minus the first one's."""
    gains = [second[key].correct.astype(float) - first[key].correct for key in keys]
    mean: npt.NDArray[np.float64] = np.mean(gains, axis=0)
    return mean


def _baseline_errors(first: Summary, second: Summary) -> dict[str, float]:
    """The mean errors that both models' CEs divide by; none unless these are the same."""
    if first.mce is None or second.mce is None or first.mce.baseline.sha256 != second.mce.baseline.sha256:
        return {}
    return {name: _baseline_error(first.corruptions[name], second.corruptions[name]) for name in first.mce.over}


def _baseline_error(*results: CorruptionResult) -> float:
    """What a model's mean error and its CE say, where it makes errors.

    Where neither does there is no difference, whatever it is divided by.
    """
    return next((float(np.mean(result.error) / result.ce) for result in results if result.ce), 1.0)
