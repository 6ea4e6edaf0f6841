"""Whether the model is as often right as it is sure: a diagram without corruption and one for each severity."""

from dataclasses import dataclass

import numpy as np

from rugged.analyze import BenchmarkedRun, Calibration, calibration_table
from rugged.core.catalogue import display_name
from rugged.metrics.calibration import BINS
from rugged.report.charts import STYLES, Axis, LineChart, Series, line_chart, percent, percent_axis

_QUIET = STYLES - 1
_MIDDLES = (np.arange(BINS) + 0.5) / BINS


@dataclass(frozen=True)
class SureRow:
    """One corruption, its severities pooled: how sure, how often right, and by how much the two differ."""

    label: str
    confidence: float
    accuracy: float
    overconfidence: float
    ece: float


@dataclass(frozen=True)
class ReliabilityView:
    """The diagrams, and a table by corruption."""

    panels: tuple[LineChart, ...]
    rows: tuple[SureRow, ...]


def view_reliability(subject: BenchmarkedRun) -> ReliabilityView:
    """Draw confidence against accuracy, clean and by severity."""
    table = calibration_table(subject.cells)
    model = subject.summary.model.name
    panels = [_panel("Clean", model, table.clean)]
    panels += [_panel(f"Severity {level}", model, each) for level, each in table.severities.items()]
    rows = [_row("Clean", table.clean), *(_row(display_name(name), one) for name, one in table.corruptions.items())]
    return ReliabilityView(tuple(panels), tuple(rows))


def _panel(title: str, model: str, calibration: Calibration) -> LineChart:
    found = calibration.reliability
    filled = found.counts > 0
    accuracy = tuple(float(value) if there else None for value, there in zip(found.accuracy, filled, strict=True))
    # A bin's answers stand at their mean confidence, as in ECE: at its middle, calibrated ones would lie off the line.
    sure = tuple(np.where(filled, found.confidence, _MIDDLES).tolist())
    return line_chart(
        title,
        sure,
        [Series(model, 0, accuracy), Series("as sure as right", _QUIET, sure, plain=True)],
        Axis(0.0, 1.0, ((0.0, "0"), (0.5, "50"), (1.0, "100"))),
        percent_axis((0, 50, 100)),
        x_name="confidence",
        say=percent,
        aside=f"ECE {percent(calibration.ece)}",
        x_words=[
            f"{100 * place / BINS:.0f}–{100 * (place + 1) / BINS:.0f}% ({count:,} answers)"
            for place, count in enumerate(found.counts.tolist())
        ],
    )


def _row(label: str, calibration: Calibration) -> SureRow:
    return SureRow(label, calibration.confidence, calibration.accuracy, calibration.overconfidence, calibration.ece)
