"""The report's tables as plain data, for the page and for the terminal alike."""

from collections.abc import Sequence
from dataclasses import dataclass

from rugged.core.catalogue import display_name
from rugged.results import Summary, is_baseline


@dataclass(frozen=True)
class AccuracyRow:
    """One model. Accuracies are fractions in [0, 1]; ``mce`` is a ratio, 1.0 as good as the baseline.

    Attributes:
        model: Its name.
        architecture: What it is.
        parameters: How many weights it has.
        clean_top1: Accuracy on the uncorrupted images.
        clean_top5: Whether the true class is among the five most probable; None with five classes or fewer, where it
            always is.
        mean_corruption_accuracy: Over the benchmark's corruptions that were measured, at all measured severities; None
            without corruptions.
        mce: Mean corruption error; None unless relative to the baseline of the first model.
        is_baseline: It is the model the first one's errors are divided by, so that its own mCE is 1 by definition.
    """

    model: str
    architecture: str
    parameters: int
    clean_top1: float
    clean_top5: float | None
    mean_corruption_accuracy: float | None
    mce: float | None
    is_baseline: bool


@dataclass(frozen=True)
class ErrorRow:
    """One corruption: a model's error rate at each measured severity, their mean, and CE where there is a baseline."""

    corruption: str
    label: str
    errors: tuple[float, ...]
    mean: float
    ce: float | None


def accuracy_rows(summaries: Sequence[Summary]) -> list[AccuracyRow]:
    """One row a model, in the order given; the first is the subject, whose baseline is recognised among the others."""
    return [_accuracy_row(summary, summaries[0]) for summary in summaries]


def error_rows(summary: Summary) -> list[ErrorRow]:
    """One row a measured corruption, in the catalogue's order."""
    return [
        ErrorRow(
            corruption=name,
            label=display_name(name),
            errors=summary.corruptions[name].error,
            mean=_mean(summary.corruptions[name].error),
            ce=summary.corruptions[name].ce,
        )
        for name in summary.conditions.corruptions
    ]


def _accuracy_row(summary: Summary, subject: Summary) -> AccuracyRow:
    reference, own = subject.mce, summary.mce
    divides = is_baseline(summary, subject)
    comparable = own if own and reference and own.baseline.sha256 == reference.baseline.sha256 else None
    return AccuracyRow(
        model=summary.model.name,
        architecture=summary.model.architecture,
        parameters=summary.model.parameters,
        clean_top1=1.0 - summary.clean.error,
        clean_top5=1.0 - summary.clean.top5_error if summary.conditions.classes > 5 else None,
        mean_corruption_accuracy=summary.mean_corruption_accuracy,
        mce=1.0 if divides else comparable.value if comparable else None,
        is_baseline=divides,
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
