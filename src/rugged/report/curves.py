"""Learning curves: accuracy, loss and learning rate by epoch, for the report and as a page of their own."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rugged.analyze import BenchmarkedRun
from rugged.core.errors import ResultsError, RuggedError
from rugged.core.files import read_json, read_text, write_text
from rugged.core.parsing import parse_toml
from rugged.report.charts import (
    STYLES,
    Axis,
    Frame,
    LineChart,
    Series,
    fitted_percent_axis,
    in_powers_of_ten,
    line_chart,
    nice_axis,
    percent,
    whole_axis,
)
from rugged.report.reading import Epoch, read_epochs
from rugged.report.rendering import render_page
from rugged.results import RunFolder

_CURVE = Frame(width=400, height=236, left=38, bottom=40)
_LOW = Frame(width=400, height=112, left=38, bottom=40)
_QUIET = STYLES - 1  # The grey style: what serves only for comparison.
_SHOWN = {"dev": "development", "train": "training"}


@dataclass(frozen=True)
class Training:
    """The learning curves of one model."""

    model: str
    charts: tuple[LineChart, ...]
    legend: tuple[tuple[str, int], ...]


def draw_curves(run: RunFolder) -> Path:
    """Write a run's learning curves as one HTML page, ``curves.html`` in its folder; a run may still be under way.

    The same files give the same bytes.

    Returns:
        The page.

    Raises:
        ResultsError: No epoch is finished, or ``metrics.csv`` cannot be read.
    """
    epochs = read_epochs(run.metrics)
    if not epochs:
        raise ResultsError(f"{run.metrics} holds no finished epoch, so there is nothing to draw. Train first.")
    training = _training(run.name, epochs, style=0)
    title = f"{run.name} – learning curves"
    out = run.curves
    write_text(out, render_page("curves.html.j2", title=title, training=training, what=_what(run, epochs)))
    return out


def learning_curves(runs: Sequence[BenchmarkedRun]) -> list[Training]:
    """The curves of every model of a report that was trained in its run folder, in the model's own colour."""
    every = [(run.summary.model.name, read_epochs(run.folder.metrics)) for run in runs]
    return [_training(name, epochs, style) for style, (name, epochs) in enumerate(every) if epochs]


def _training(model: str, epochs: Sequence[Epoch], style: int) -> Training:
    """Lines that are missing everywhere are left out, and so are charts without a line."""
    styles = {"dev": style, "train": _QUIET}
    found = (
        _chart("Top-1 accuracy, %", epochs, "top1", styles, aside=_best(epochs)),
        _chart("Loss, nats", epochs, "loss", styles),
        _chart("Learning rate at the end of the epoch", epochs, "learning_rate", styles, frame=_LOW),
    )
    charts = tuple(chart for chart in found if chart is not None)
    legend = {(line.name, line.style): None for chart in charts for line in chart.lines}  # A set that keeps order.
    return Training(model, charts, tuple(legend))


def _chart(
    title: str, epochs: Sequence[Epoch], quantity: str, styles: Mapping[str, int], *, frame: Frame = _CURVE,
    aside: str = "",
) -> LineChart | None:  # fmt: skip
    """One quantity by epoch; None where no epoch has it."""
    x = sorted({row.epoch for row in epochs})
    lines = (Series(_SHOWN[name], style, _values(epochs, x, name, quantity)) for name, style in styles.items())
    series = [one for one in lines if any(value is not None for value in one.values)]
    if not series:
        return None
    measured = [value for one in series for value in one.values if value is not None]
    y_axis, exponent, say = _scale(quantity, measured, wanted=4 if frame is _CURVE else 2)
    return line_chart(
        f"{title} (× {10.0**exponent:g})" if exponent else title,
        x,
        series,
        _epoch_axis(x),
        y_axis,
        x_name="epoch",
        say=say,
        frame=frame,
        aside=aside,
    )


def _epoch_axis(x: Sequence[int]) -> Axis:
    """From the first to the last epoch; a single one stands in the middle."""
    return whole_axis(x[0], x[-1]) if len(x) > 1 else Axis(x[0] - 1, x[0] + 1, ((x[0], str(x[0])),))


def _values(epochs: Sequence[Epoch], x: Sequence[int], line: str, quantity: str) -> tuple[float | None, ...]:
    found = {row.epoch: getattr(row, quantity) for row in epochs if row.split == line}
    return tuple(found.get(epoch) for epoch in x)


def _scale(quantity: str, measured: Sequence[float], wanted: int) -> tuple[Axis, int, Callable[[float | None], str]]:
    """The axis, the power of ten its labels leave out, and how a value is said."""
    if quantity == "top1":
        return fitted_percent_axis(measured, wanted), 0, percent
    return (*in_powers_of_ten(nice_axis(measured, wanted)), _plain)


def _best(epochs: Sequence[Epoch]) -> str:
    """The best accuracy on the development split, and when it was reached."""
    # Of equals the first.
    found = [(row.top1, -row.epoch) for row in epochs if row.split == "dev" and row.top1 is not None]
    return f"best {percent(max(found)[0])}, epoch {-max(found)[1]}" if found else ""


def _what(run: RunFolder, epochs: Sequence[Epoch]) -> str:
    """What learned from what, and how far it has come, as far as the folder tells."""
    manifest = _table(run.manifest)
    planned = _table(run.recipe).get("epochs")
    reached = epochs[-1].epoch
    progress = f"epoch {reached:,} of {planned:,}" if isinstance(planned, int) else f"epoch {reached:,}"
    data = manifest.get("dataset")
    name = data.get("name") if isinstance(data, dict) else None
    under_way = "still training" if manifest.get("status") == "training" else None
    return " · ".join(str(part) for part in (manifest.get("architecture"), name, progress, under_way) if part)


def _table(path: Path) -> dict[str, Any]:
    """A JSON or TOML file's table; nothing where there is none: the curves are worth drawing without it."""
    try:
        found = parse_toml(read_text(path)) if path.suffix == ".toml" else read_json(path)
    except (OSError, ValueError, RuggedError):
        return {}
    return found if isinstance(found, dict) else {}


def _plain(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"
