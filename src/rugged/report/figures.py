"""Which charts the report shows of which results."""

from collections.abc import Sequence
from dataclasses import dataclass

from rugged.core.catalogue import display_name
from rugged.report.charts import (
    Axis,
    BarChart,
    Frame,
    LineChart,
    Series,
    bar_chart,
    line_chart,
    percent,
    percent_axis,
)
from rugged.report.extent import mean_extent
from rugged.report.tables import error_rows
from rugged.results import Summary, is_baseline

_WIDE = Frame(width=640, height=292, left=38, right=150, top=14, bottom=40)


@dataclass(frozen=True)
class ErrorBars:
    """Bars of CE, or of plain mean error where there is no baseline: ``baseline`` tells which."""

    chart: BarChart
    baseline: str | None
    legend: tuple[tuple[str, int], ...]


def overall_curve(summaries: Sequence[Summary]) -> LineChart:
    """Accuracy by severity, its mean over the corruptions that means are over, each line named at its end."""
    series = [Series(summary.model.name, style, _mean_curve(summary)) for style, summary in enumerate(summaries)]
    mean = percent(summaries[0].mean_corruption_accuracy)
    return line_chart(
        f"Mean over {mean_extent(summaries[0])}",
        _severities(summaries[0]),
        series,
        _severity_axis(summaries[0]),
        percent_axis(),
        x_name="severity",
        say=percent,
        frame=_WIDE,
        aside=mean if len(summaries) == 1 else f"{summaries[0].model.name}: {mean}",
        label_ends=True,
    )


def corruption_curves(summaries: Sequence[Summary]) -> list[LineChart]:
    """One panel a corruption, all on the same scale: top-1 accuracy by severity, clean at 0."""
    subject = summaries[0]
    return [
        line_chart(
            display_name(name),
            _severities(subject),
            [Series(summary.model.name, style, _curve(summary, name)) for style, summary in enumerate(summaries)],
            _severity_axis(subject),
            percent_axis(),
            x_name="severity",
            say=percent,
            aside=percent(sum(_curve(subject, name)[1:]) / len(subject.conditions.severities)),
        )
        for name in subject.conditions.corruptions
    ]


def error_bars(summaries: Sequence[Summary]) -> ErrorBars:
    """CE per corruption for every model measured against the subject's baseline; plain error where there is none."""
    subject = summaries[0]
    baseline = subject.mce.baseline if subject.mce else None
    shown = []
    for style, summary in enumerate(summaries):
        against = summary.mce.baseline.sha256 if summary.mce else None
        is_other = summary is subject or not is_baseline(summary, subject)
        if baseline is None or (against == baseline.sha256 and is_other):
            shown.append((style, summary))
    rows = []
    for index, row in enumerate(error_rows(subject)):
        bars = []
        for style, summary in shown:
            other = error_rows(summary)[index]
            bars.append(Series(summary.model.name, style, (other.ce if baseline else other.mean,)))
        rows.append((row.label, bars))
    legend = tuple((summary.model.name, style) for style, summary in shown)
    return ErrorBars(bar_chart(rows, normalised=baseline is not None), baseline.name if baseline else None, legend)


def _severities(summary: Summary) -> list[int]:
    return [0, *summary.conditions.severities]


def _severity_axis(summary: Summary) -> Axis:
    last = max(summary.conditions.severities)
    return Axis(0, last, ((0, "clean"), *((severity, str(severity)) for severity in range(1, last + 1))))


def _curve(summary: Summary, name: str) -> tuple[float, ...]:
    return (1 - summary.clean.error, *(1 - error for error in summary.corruptions[name].error))


def _mean_curve(summary: Summary) -> tuple[float, ...]:
    curves = [_curve(summary, name) for name in summary.conditions.averaged]
    return tuple(sum(values) / len(values) for values in zip(*curves, strict=True))
