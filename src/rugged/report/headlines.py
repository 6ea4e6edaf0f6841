"""The figures that speak for a model as a whole, each with its 95% interval where it has one."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from rugged.report.charts import percent
from rugged.report.extent import mce_label, unseen_label
from rugged.results import Summary, VariantResult
from rugged.results.summary import Intervals

Ends = Sequence[float] | None

_CLEAN_AND_CORRUPTED: Sequence[tuple[str, str, Callable[[float], str]]] = (
    ("Calibration error (ECE)", "ece", percent),
    ("Negative log-likelihood", "loss", "{:.3f}".format),
    ("Brier score", "brier", "{:.3f}".format),
)
"""Figures with a row for clean pictures and one for corrupted ones: what they are called, their field in
``CleanResult`` and in ``CorruptionResult``, and how they are written."""


@dataclass(frozen=True)
class HeadlineRow:
    """One figure of several models: ``33.5% (32.6–34.4)``, or a dash where a model has none."""

    label: str
    values: tuple[str, ...]


def headline_rows(summaries: Sequence[Summary]) -> list[HeadlineRow]:
    """One row a figure, one value a model, in the order given."""
    each = [_figures(summary) for summary in summaries]
    labels = dict.fromkeys(label for figures in each for label in figures)
    return [_row(label, each) for label in labels]


def variant_rows(summary: Summary) -> list[HeadlineRow]:
    """One row a figure; the plain classifier's value first, then one for each of its test-time variants."""
    variants = [_variant_figures(summary, variant) for variant in summary.variants]
    each = [_figures(summary), *variants]
    labels = dict.fromkeys(label for figures in each for label in figures)
    return [_row(label, each) for label in labels if any(label in figures for figures in variants)]


def _row(label: str, each: Sequence[dict[str, str]]) -> HeadlineRow:
    return HeadlineRow(label, tuple(figures.get(label, "–") for figures in each))


def _variant_figures(summary: Summary, variant: VariantResult) -> dict[str, str]:
    found = {"Clean top-1": share(1 - variant.clean.error, complement(variant.clean_interval))}
    if variant.mean_corruption_accuracy is not None:
        found["Corrupted top-1"] = share(variant.mean_corruption_accuracy, variant.mean_interval)
    measured = replace(
        summary,
        clean=variant.clean,
        corruptions=variant.corruptions,
        mce=variant.mce,
        seen_in_training=variant.seen_in_training or summary.seen_in_training,
    )
    return found | _normalised(measured) | _clean_and_corrupted(measured, variant.intervals)


def _figures(summary: Summary) -> dict[str, str]:
    intervals = summary.intervals
    found = {"Clean top-1": share(1 - summary.clean.error, complement(intervals.clean_error))}
    if summary.conditions.classes > 5:
        found["Clean top-5"] = share(1 - summary.clean.top5_error, complement(intervals.clean_top5_error))
    if summary.mean_corruption_accuracy is not None:
        found["Corrupted top-1"] = share(summary.mean_corruption_accuracy, intervals.mean_corruption_accuracy)
    if summary.without_noise is not None:
        found["Corrupted top-1 without noise"] = share(summary.without_noise, intervals.without_noise)
    return found | _normalised(summary) | _clean_and_corrupted(summary, intervals)


def _normalised(summary: Summary) -> dict[str, str]:
    mce = summary.mce
    if mce is None:
        return {}
    label = mce_label(summary)
    found = {label: share(mce.value, mce.interval)}
    if mce.relative is not None:
        found[f"Relative {label}"] = share(mce.relative, mce.relative_interval)
    if mce.unseen is not None:
        found[unseen_label(summary)] = share(mce.unseen, mce.unseen_interval)
    return found


def _clean_and_corrupted(summary: Summary, intervals: Intervals | None) -> dict[str, str]:
    """What an older summary does not hold is left out.

    An ECE has no interval: images drawn anew, some of them twice, seem to be less calibrated than all of them.
    """
    under = [summary.corruptions[name] for name in summary.conditions.averaged if name in summary.corruptions]
    found = {}
    for label, name, shown in _CLEAN_AND_CORRUPTED:
        ends, clean_ends = (getattr(intervals, each, None) for each in (name, f"clean_{name}"))
        clean, corrupted = getattr(summary.clean, name), [getattr(one, name) for one in under]
        if clean is not None:
            found[f"{label}, clean"] = shown(clean) + _bracket(clean_ends, shown)
        if corrupted and all(corrupted):  # Of each corruption values, one a severity.
            found[f"{label}, corrupted"] = shown(_mean(corrupted)) + _bracket(ends, shown)
    return found


def _bracket(ends: Ends, shown: Callable[[float], str]) -> str:
    return "" if ends is None or _no_width(ends) else f" ({shown(ends[0])}–{shown(ends[1])})"


def share(value: float, ends: Ends) -> str:
    """A share or a ratio in percent, with its interval where it has one."""
    return percent(value) + _bracket(ends, lambda end: f"{100 * end:.1f}")


def _no_width(ends: Sequence[float]) -> bool:
    """Whether it is no interval: no draw could differ, as of one picture."""
    return math.isclose(ends[0], ends[1], rel_tol=0, abs_tol=1e-12)


def complement(ends: Sequence[float]) -> tuple[float, float]:
    """The interval of an accuracy from that of the error."""
    return 1 - ends[1], 1 - ends[0]


def _mean(values: Sequence[Sequence[float]]) -> float:
    """Over corruptions and severities."""
    return sum(map(sum, values)) / sum(map(len, values))
