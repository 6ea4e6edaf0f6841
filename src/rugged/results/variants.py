"""From a test-time variant's saved predictions to its figures."""

from collections.abc import Mapping

import numpy as np

from rugged.metrics import interval, resampled_means
from rugged.results.baselines import Baseline
from rugged.results.predictions import CLEAN, Cell
from rugged.results.summarise import clean_result, summarise
from rugged.results.summary import Summary, VariantResult


def variant_result(
    name: str, how: str, cells: Mapping[tuple[str, int], Cell], plain: Summary, baseline: Baseline | None
) -> VariantResult:
    """Compute the figures of a variant, each as the plain one is.

    Args:
        name: Of the variant.
        how: What was done.
        cells: Its predictions: clean alone, or every cell that the plain summary's conditions name.
        plain: The summary of the same classifier.
        baseline: For mCE; the plain summary's.

    Raises:
        ResultsError: A cell is missing, or is not about the same images as the others.
    """
    clean = cells[CLEAN, 0]
    if len(cells) == 1:
        ends = interval(resampled_means(np.stack([~clean.correct]))[:, 0])
        return VariantResult(name, how, clean_result(clean), ends)
    full = summarise(cells, plain.model, plain.conditions, plain.made, baseline=baseline)
    return VariantResult(
        name,
        how,
        full.clean,
        full.intervals.clean_error,
        full.corruptions,
        full.mean_corruption_accuracy,
        full.intervals.mean_corruption_accuracy,
        full.mce,
    )
