"""Charts as plain geometry; ``templates/charts.html.j2`` draws them as inline SVG.

Why not Plotly: its only bundle in the Python package is 4.8 MB of script, a theme switch means a redraw of every
panel, paper gets the colours of the screen, a screen reader gets nothing, and its hover cannot show a picture, which
the map of classes and corruptions needs. These charts cost a few kilobytes each, take their colours from the page's
style sheet (light, dark and paper alike), stand without any script and carry their values as text. The price is this
file: one chart of lines and one of bars. A heat map is a table with tinted cells, and a calibration curve is a line
chart.
"""

import itertools
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

STYLES = 8  # Line styles the style sheet defines: colour, dash and marker together, so that none rests on colour alone.

_FIGURE = 12.0  # Percent of a bar chart's width that the figure beside a bar may take.

_WHOLE_TICKS = 6  # About so many steps between the labels of an axis of whole numbers.
_LABEL_GAP = 15.0  # Between the names at the line ends, from one middle to the next.
_MARKER_LIMIT = 24  # With more points than this the markers would touch.


@dataclass(frozen=True)
class Series:
    """One line before it is placed: values in data units, None where nothing was measured.

    A ``plain`` one has no markers: it was drawn, not measured. ``extents`` are read out behind the values: the
    interval of each, and what it is over.
    """

    name: str
    style: int
    values: tuple[float | None, ...]
    plain: bool = False
    extents: tuple[str, ...] = ()


@dataclass(frozen=True)
class Axis:
    """The range of an axis and its labelled ticks, in data units."""

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class Frame:
    """Size of a chart and the room around its plot, in SVG units (about a CSS pixel on a wide screen).

    Where there are 40 below the plot, the name of x stands under the labels of its ticks.
    """

    width: int = 250
    height: int = 168
    left: int = 32
    right: int = 12
    top: int = 10
    bottom: int = 24

    def x(self, axis: Axis, value: float) -> float:
        """Horizontal place of ``value``."""
        return round(self.left + (self.width - self.left - self.right) * _share(axis, value), 1)

    def y(self, axis: Axis, value: float) -> float:
        """Vertical place of ``value``; the low end of the axis is at the bottom."""
        return round(self.height - self.bottom - (self.height - self.top - self.bottom) * _share(axis, value), 1)


@dataclass(frozen=True)
class PlacedLine:
    """A line in SVG units: its path, its points, and its name at the end where there is room for one."""

    name: str
    style: int
    path: str
    points: tuple[tuple[float, float], ...]
    label_y: float | None


@dataclass(frozen=True)
class LineChart:
    """Everything the template needs to draw lines over a common x, and the script needs to read them out."""

    title: str
    aside: str
    frame: Frame
    x_name: str
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    lines: tuple[PlacedLine, ...]
    markers: bool
    description: str
    reading: dict[str, Any]


@dataclass(frozen=True)
class Bar:
    """One bar: its length and the place of the value beside it, in percent of the chart's width."""

    name: str
    style: int
    length: float
    text: str
    text_at: float


@dataclass(frozen=True)
class BarChart:
    """Rows of bars, the longest first; ``reference`` is where the baseline's 100% lies, in percent of the width."""

    rows: tuple[tuple[str, tuple[Bar, ...]], ...]
    reference: float | None
    description: str


def percent(value: float | None, digits: int = 1) -> str:
    """A fraction as a percentage, ``71.0%``; a dash where nothing was measured."""
    return "–" if value is None else f"{100 * value:.{digits}f}%"


def line_chart(
    title: str,
    x: Sequence[float],
    series: Sequence[Series],
    x_axis: Axis,
    y_axis: Axis,
    *,
    x_name: str,
    say: Callable[[float | None], str],
    frame: Frame = Frame(),
    aside: str = "",
    label_ends: bool = False,
    x_words: Sequence[str] = (),
) -> LineChart:
    """Place lines in a frame.

    Args:
        title: What the chart shows.
        x: Places of the values, in data units, ascending.
        series: The lines; each has as many values as ``x``.
        x_axis: Range and ticks of x.
        y_axis: Range and ticks of y.
        x_name: What x is, for the hover and the description: "severity".
        say: Writes a value for a person.
        frame: Size and margins.
        aside: A short figure beside the title.
        label_ends: Write each name at the end of its line (the frame's right margin must hold it).
        x_words: What each x is called, where the axis does not say it.
    """
    ends = _label_places(series, y_axis, frame) if label_ends else {}
    lines = tuple(_place(one, x, x_axis, y_axis, frame, ends.get(index)) for index, one in enumerate(series))
    x_words = x_words or [_tick_word(value, x_axis) for value in x]
    told = [(one.name, _told(one, say)) for one in series]
    return LineChart(
        title=title,
        aside=aside,
        frame=frame,
        x_name=x_name,
        x_ticks=tuple((frame.x(x_axis, value), word) for value, word in x_axis.ticks),
        y_ticks=tuple((frame.y(y_axis, value), word) for value, word in y_axis.ticks),
        lines=lines,
        markers=len(x) <= _MARKER_LIMIT,
        description=_describe(title, x_name, x_words, told),
        reading={
            "title": title,
            "x": [frame.x(x_axis, value) for value in x],
            "heads": [f"{x_name} {word}" for word in x_words],
            "lines": [
                {
                    "name": one.name,
                    "style": one.style,
                    "y": [None if value is None else frame.y(y_axis, value) for value in one.values],
                    "text": words,
                }
                for one, (_, words) in zip(series, told, strict=True)
            ],
        },
    )


def percent_axis(ticks: Sequence[int] = (0, 25, 50, 75, 100)) -> Axis:
    """Zero to one, labelled in percent."""
    return Axis(0.0, 1.0, tuple((tick / 100, str(tick)) for tick in ticks))


def nice_axis(values: Sequence[float], wanted: int = 4) -> Axis:
    """An axis from zero over all ``values`` (at least one, none negative) with about ``wanted`` round ticks."""
    step = _nice_step(max(values) / wanted)
    count = max(1, math.ceil(max(values) / step - 1e-9))
    digits = next(count for count in itertools.count() if math.isclose(step, round(step, count)))
    return Axis(0.0, step * count, tuple((step * index, f"{step * index:.{digits}f}") for index in range(count + 1)))


def fitted_percent_axis(values: Sequence[float], wanted: int = 4) -> Axis:
    """From zero over all fractions in ``values`` and not much further, labelled in percent: 12% fills its chart too."""
    axis = nice_axis([100 * value for value in values], wanted)
    return Axis(0.0, axis.high / 100, tuple((tick / 100, word) for tick, word in axis.ticks))


def in_powers_of_ten(axis: Axis) -> tuple[Axis, int]:
    """Relabel ticks far from one as multiples of a power of ten, since a narrow chart has no room for many digits.

    Returns:
        The axis, and the exponent: 0 where the labels stayed as they were.
    """
    exponent = math.floor(math.log10(axis.high))
    if -2 < exponent < 5:
        return axis, 0
    return Axis(
        axis.low, axis.high, tuple((value, f"{value / 10.0**exponent:.4g}") for value, _ in axis.ticks)
    ), exponent


def whole_axis(low: int, high: int) -> Axis:
    """An axis of whole numbers from ``low`` to ``high``, for epochs."""
    step = max(1, round(_nice_step((high - low) / _WHOLE_TICKS, (1, 2, 5, 10))))
    ticks = [low, *range(step * (low // step + 1), high + 1, step)]
    if len(ticks) > 1 and ticks[1] - ticks[0] < step / 2:
        del ticks[1]
    return Axis(low, max(high, low + 1), tuple((tick, str(tick)) for tick in ticks))


def bar_chart(rows: Sequence[tuple[str, Sequence[Series]]], *, normalised: bool) -> BarChart:
    """Place bars, the row with the longest first bar on top.

    Args:
        rows: Name of a corruption and, a model, a series of one value; models without a value are left out.
        normalised: The values are ratios to a baseline, whose 100% is drawn as a line.
    """
    every = [bar.values[0] for _, bars in rows for bar in bars if bar.values[0] is not None]
    longest = max([*every, 1.0])
    scale = (100.0 - _FIGURE) / longest  # The rest is room for the figure at the end of a bar.
    reference = scale if normalised else None
    ordered = sorted(rows, key=lambda row: -(row[1][0].values[0] or 0.0))
    placed = tuple(
        (
            name,
            tuple(
                Bar(
                    bar.name,
                    bar.style,
                    round(scale * bar.values[0], 2),
                    percent(bar.values[0]),
                    round(_beside(scale * bar.values[0], reference), 2),
                )
                for bar in bars
                if bar.values[0] is not None
            ),
        )
        for name, bars in ordered
    )
    words = "; ".join(f"{name}: " + ", ".join(f"{bar.name} {bar.text}" for bar in bars) for name, bars in placed)
    return BarChart(placed, None if reference is None else round(reference, 2), words)


def _beside(length: float, reference: float | None) -> float:
    """Where the figure of a bar begins: at its end, or behind the reference line where that would cross the figure."""
    return reference if reference is not None and reference - _FIGURE < length < reference else length


def _share(axis: Axis, value: float) -> float:
    return (value - axis.low) / (axis.high - axis.low)


def _nice_step(rough: float, factors: Sequence[float] = (1, 2, 2.5, 5, 10)) -> float:
    if rough < sys.float_info.min:  # Zero, or too small to have powers of ten.
        return 1.0
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * factor for factor in factors if power * factor >= rough * (1 - 1e-9))


def _tick_word(value: float, axis: Axis) -> str:
    named = dict(axis.ticks)
    return named.get(value, f"{value:g}")


def _place(
    series: Series, x: Sequence[float], x_axis: Axis, y_axis: Axis, frame: Frame, label_y: float | None
) -> PlacedLine:
    path, points, pen_is_down = [], [], False
    for place, value in zip(x, series.values, strict=True):
        if value is None:
            pen_is_down = False  # A gap stays a gap: nothing is drawn where nothing was measured.
            continue
        point = (frame.x(x_axis, place), frame.y(y_axis, value))
        path.append(f"{'L' if pen_is_down else 'M'}{point[0]:g} {point[1]:g}")
        points.append(point)
        pen_is_down = True
    return PlacedLine(series.name, series.style, "".join(path), () if series.plain else tuple(points), label_y)


def _label_places(series: Sequence[Series], axis: Axis, frame: Frame) -> dict[int, float]:
    """Heights for the names at the line ends, pushed apart so that none covers another."""
    last = {index: next((v for v in reversed(one.values) if v is not None), None) for index, one in enumerate(series)}
    wanted = sorted((frame.y(axis, value), index) for index, value in last.items() if value is not None)
    places: dict[int, float] = {}
    floor = -math.inf
    for height, index in wanted:
        floor = max(height, floor + _LABEL_GAP)
        places[index] = floor
    overrun = max([*places.values(), 0.0]) - (frame.height - frame.bottom)
    return {index: round(height - max(0.0, overrun), 1) for index, height in places.items()}


def _told(series: Series, say: Callable[[float | None], str]) -> list[str]:
    extents = series.extents or ("",) * len(series.values)
    return [say(value) + extent for value, extent in zip(series.values, extents, strict=True)]


def _describe(title: str, x_name: str, x_words: Sequence[str], told: Sequence[tuple[str, Sequence[str]]]) -> str:
    if len(x_words) > _MARKER_LIMIT:  # Hundreds of numbers read aloud help nobody.
        x_words = (x_words[0], x_words[-1])
        told = [(name, (words[0], words[-1])) for name, words in told]
    lines = (
        f"{name}: " + ", ".join(f"{x_word} {word}" for x_word, word in zip(x_words, words, strict=True))
        for name, words in told
    )
    return f"{title}, by {x_name}. " + ". ".join(lines) + "."
