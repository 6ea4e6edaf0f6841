"""The figures that speak for a model as a whole, each with its 95% interval where it has one."""

from collections.abc import Sequence
from dataclasses import dataclass

from rugged.report.charts import percent
from rugged.report.extent import mce_label
from rugged.results import Summary

Ends = Sequence[float] | None


@dataclass(frozen=True)
class HeadlineRow:
    """One figure of several models: ``33.5% (32.6–34.4)``, or a dash where a model has none."""

    label: str
    values: tuple[str, ...]


def headline_table(summaries: Sequence[Summary]) -> list[HeadlineRow]:
    """One row a figure, one value a model, in the order given."""
    each = [_figures(summary) for summary in summaries]
    labels = dict.fromkeys(label for figures in each for label in figures)
    return [HeadlineRow(label, tuple(figures.get(label, "–") for figures in each)) for label in labels]


def _figures(summary: Summary) -> dict[str, str]:
    intervals = summary.intervals
    found = {"Clean top-1": _share(1 - summary.clean.error, _complement(intervals.clean_error))}
    if summary.conditions.classes > 5:
        found["Clean top-5"] = _share(1 - summary.clean.top5_error, _complement(intervals.clean_top5_error))
    found["Corrupted top-1"] = _share(summary.mean_corruption_accuracy, intervals.mean_corruption_accuracy)
    if summary.without_noise is not None:
        found["Corrupted top-1 without noise"] = _share(summary.without_noise, intervals.without_noise)
    return found | _normalised(summary) | _calibration(summary)


def _normalised(summary: Summary) -> dict[str, str]:
    mce = summary.mce
    if mce is None:
        return {}
    label = mce_label(summary)
    found = {label: _share(mce.value, mce.interval)}
    if mce.relative is not None:
        found[f"Relative {label}"] = _share(mce.relative, mce.relative_interval)
    if mce.unseen is not None:
        unseen = sum(name not in summary.seen_in_training for name in mce.over)
        found[f"mCE over the {unseen} not seen in training"] = _share(mce.unseen, mce.unseen_interval)
    return found


def _calibration(summary: Summary) -> dict[str, str]:
    clean, under = summary.clean, [summary.corruptions[name] for name in summary.conditions.averaged]
    return {
        "Calibration error (ECE), clean": percent(clean.ece),
        "Calibration error (ECE), corrupted": percent(_mean([one.ece for one in under])),
        "Negative log-likelihood, clean": f"{clean.loss:.3f}",
        "Negative log-likelihood, corrupted": f"{_mean([one.loss for one in under]):.3f}",
        "Brier score, clean": f"{clean.brier:.3f}",
        "Brier score, corrupted": f"{_mean([one.brier for one in under]):.3f}",
    }


def _share(value: float, ends: Ends) -> str:
    return percent(value) if ends is None else f"{percent(value)} ({100 * ends[0]:.1f}–{100 * ends[1]:.1f})"


def _complement(ends: Sequence[float]) -> tuple[float, float]:
    """The interval of an accuracy from that of the error."""
    return 1 - ends[1], 1 - ends[0]


def _mean(values: Sequence[Sequence[float]]) -> float:
    """Over corruptions and severities."""
    return sum(map(sum, values)) / sum(map(len, values))
