"""Perturbation sequences in words and as plain data, for the page and for the terminal alike."""

from collections.abc import Sequence
from dataclasses import dataclass

from rugged.core.catalogue import display_name
from rugged.core.wording import counted
from rugged.report.charts import percent
from rugged.report.headlines import share
from rugged.results import Stability


@dataclass(frozen=True)
class StabilityRow:
    """One kind of sequence: flip probability and top-5 distance with their intervals, and the error, as text."""

    label: str
    flip_probability: str
    top5_distance: str
    error: str


def stability_title(stability: Stability) -> str:
    """What was measured: the model, the data set, the difficulty and how many pictures."""
    conditions = stability.conditions
    where = f"{conditions.dataset}, difficulty {conditions.difficulty}, n = {conditions.images:,}"
    return f"{stability.model.name}: {where}"


def stability_rows(stability: Stability) -> list[StabilityRow]:
    """One row a measured sequence; a dash for a distance, which fewer than five classes do not have."""
    return [
        StabilityRow(
            label=display_name(name),
            flip_probability=share(result.flip_probability, result.flip_interval),
            top5_distance="–" if result.top5_distance is None else _plain(result.top5_distance, result.top5_interval),
            error=percent(result.error),
        )
        for name, result in stability.sequences.items()
    ]


def stability_means(stability: Stability) -> list[str]:
    """The means as sentences: a flip rate is called mFR only beside a baseline, and says what it is over."""
    conditions, mfr = stability.conditions, stability.mfr
    over = f"over {counted(len(conditions.averaged), 'sequence')}"
    found = [f"Mean flip probability {over}: {share(stability.mean_flip_probability, stability.mean_interval)}."]
    if mfr is None:
        return [*found, "No mFR, since no baseline was given: mean flip probabilities are not normalised."]
    extent = "" if conditions.complete else f" {over}"
    top5 = "" if mfr.top5 is None else f", mT5D{extent} {share(mfr.top5, mfr.top5_interval)}"
    return [
        *found,
        f"mFR{extent} {share(mfr.value, mfr.interval)}{top5}, relative to {mfr.baseline} ({mfr.architecture}): "
        "lower is better.",
    ]


def _plain(value: float, ends: Sequence[float] | None) -> str:
    return f"{value:.2f}" if ends is None else f"{value:.2f} ({ends[0]:.2f}–{ends[1]:.2f})"
