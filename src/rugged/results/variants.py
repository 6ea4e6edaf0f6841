"""From a test-time variant's saved predictions to its figures, and to what it changes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from rugged.core.catalogue import BENCHMARK, CellKey
from rugged.metrics import interval, sign_flip_test
from rugged.results.baselines import Baseline
from rugged.results.conditions import Conditions
from rugged.results.predictions import CLEAN, Cell
from rugged.results.resampling import Draws, resample
from rugged.results.summarise import summarise
from rugged.results.summary import Changes, ErrorChange, RestorerFacts, Summary, VariantResult

Cells = Mapping[CellKey, Cell]


def variant_result(
    name: str,
    how: str,
    cells: Cells,
    plain_cells: Cells,
    plain: Summary,
    baseline: Baseline | None,
    restorer: RestorerFacts | None = None,
) -> VariantResult:
    """Compute the figures of a variant, each as the plain one is.

    Args:
        name: Of the variant.
        how: What was done.
        cells: Its predictions: clean alone, or every cell that the plain summary's conditions name.
        plain_cells: Those of the same classifier as it is.
        plain: Their summary.
        baseline: For mCE; the plain summary's.
        restorer: What restored the pictures, if anything did. What it was trained on counts as the model's.

    Raises:
        ResultsError: A cell is missing, or is not about the same images as the others.
    """
    conditions = plain.conditions if len(cells) > 1 else _clean_alone(plain.conditions)
    ledger = (*plain.model.training_operations, *(restorer.corruptions if restorer else ()))
    model = replace(plain.model, training_operations=ledger)
    full = summarise(cells, model, conditions, plain.made, baseline=baseline)
    return VariantResult(
        name,
        how,
        full.clean,
        full.intervals.clean_error,
        full.corruptions,
        full.mean_corruption_accuracy,
        full.intervals.mean_corruption_accuracy,
        full.mce,
        changes_of(plain_cells, cells, conditions, baseline),
        restorer,
        full.seen_in_training,
        full.intervals,
    )


def _clean_alone(conditions: Conditions) -> Conditions:
    return replace(conditions, corruptions=(), images=conditions.clean_images or conditions.images, clean_images=None)


def changes_of(plain: Cells, cells: Cells, conditions: Conditions, baseline: Baseline | None) -> Changes:
    """By how much the errors of a variant differ from the plain ones, with intervals and tests.

    Both are drawn anew with the same seed: a draw takes the same images for both.

    Args:
        plain: Predictions of the classifier as it is, every cell that ``conditions`` names.
        cells: Those of the variant, of the same images in the same order.
        conditions: What was measured.
        baseline: Whose errors CE divides by.
    """
    before, after = resample(plain, conditions), resample(cells, conditions)
    means = {} if baseline is None else baseline.means
    over, under = conditions.averaged, [(name, conditions.severities) for name in conditions.corruptions]
    wrong = {name: (_wrong(plain, name, at), _wrong(cells, name, at)) for name, at in [(CLEAN, (0,)), *under]}
    pairs = {name: (float(np.mean(first)), float(np.mean(second))) for name, (first, second) in wrong.items()}
    added = {name: second - first for name, (first, second) in wrong.items()}
    averaged = [np.mean([added[name] for name in over], axis=0)] if over else []
    p_values = sign_flip_test([*added.values(), *averaged]).tolist()
    p = dict(zip(added, p_values, strict=False))
    changes = {
        name: _change(pairs[name], before.corruptions[name], after.corruptions[name], p[name], means.get(name))
        for name in conditions.corruptions
    }
    clean = _change(pairs[CLEAN], before.clean, after.clean, p[CLEAN])
    if not over:
        return Changes(clean, None, changes)
    first, second = np.mean([pairs[name] for name in over], axis=0).tolist()
    mean = _change((first, second), 1 - before.accuracy(over), 1 - after.accuracy(over), p_values[-1])
    normalised = [name for name in over if name in means and name in BENCHMARK]
    if normalised:
        drawn = [(after.corruptions[name] - before.corruptions[name]) / means[name] for name in normalised]
        ratios = [(pairs[name][1] - pairs[name][0]) / means[name] for name in normalised]
        mean = replace(mean, ce=float(np.mean(ratios)), ce_interval=interval(np.mean(drawn, axis=0)))
    return Changes(clean, mean, changes)


def _wrong(cells: Cells, name: str, severities: Sequence[int]) -> npt.NDArray[np.float64]:
    """``(N,)``: at what share of the severities each image is mistaken."""
    share: npt.NDArray[np.float64] = np.mean([~cells[name, severity].correct for severity in severities], axis=0)
    return share


def _change(
    errors: tuple[float, float], plain_draws: Draws, draws: Draws, p: float, divisor: float | None = None
) -> ErrorChange:
    """One difference.

    Args:
        errors: The plain error and the variant's.
        plain_draws: The plain error in each draw.
        draws: The variant's.
        p: Of the test that they do not differ.
        divisor: The baseline's error, for CE.
    """
    plain, error = errors
    gained = draws - plain_draws
    change = ErrorChange(error - plain, interval(gained), p=p)
    if plain_draws.min() > 0:
        relative_interval = interval(draws / plain_draws - 1)
        change = replace(change, relative=error / plain - 1, relative_interval=relative_interval)
    if divisor is None:
        return change
    return replace(change, ce=change.points / divisor, ce_interval=interval(gained / divisor))
