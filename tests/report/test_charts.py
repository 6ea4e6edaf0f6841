"""Geometry of the charts, against cases worked out by hand."""

import itertools
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rugged.report.charts import (
    Axis,
    Frame,
    Series,
    bar_chart,
    fitted_percent_axis,
    in_powers_of_ten,
    line_chart,
    nice_axis,
    percent,
    percent_axis,
    whole_axis,
)

FRAME = Frame(width=120, height=70, left=10, right=10, top=10, bottom=10)  # A plot of 100 × 50 units.


def chart(*series: Series, **options):
    return line_chart(
        "Fog", [0, 1, 2], series, Axis(0, 2, ((0, "clean"), (2, "2"))), percent_axis((0, 50, 100)),
        x_name="severity", say=percent, frame=FRAME, **options,
    )  # fmt: skip


def test_points_lie_where_a_ruler_puts_them():
    (line,) = chart(Series("a", 0, (1.0, 0.5, 0.0))).lines
    assert line.points == ((10, 10), (60, 35), (110, 60))
    assert line.path == "M10 10L60 35L110 60"


def test_ticks_lie_on_the_scale():
    made = chart(Series("a", 0, (1.0, 0.5, 0.0)))
    assert made.y_ticks == ((60, "0"), (35, "50"), (10, "100"))
    assert made.x_ticks == ((10, "clean"), (110, "2"))


def test_what_was_not_measured_is_a_gap_and_not_zero():
    made = chart(Series("a", 0, (1.0, None, 0.0)))
    assert made.lines[0].path == "M10 10M110 60"
    assert made.reading["lines"][0]["text"] == ["100.0%", "–", "0.0%"]


def test_description_carries_every_value():
    assert chart(Series("a", 0, (1.0, 0.5, 0.25))).description == (
        "Fog, by severity. a: clean 100.0%, 1 50.0%, 2 25.0%."
    )


def test_names_at_the_ends_are_pushed_apart():
    lines = chart(
        Series("a", 0, (0.5, 0.5, 0.5)), Series("b", 1, (0.5, 0.5, 0.5)), Series("c", 2, (0, 0, 0)), label_ends=True
    ).lines
    heights = sorted(line.label_y for line in lines)
    assert all(second - first >= 15 for first, second in itertools.pairwise(heights))
    assert heights[-1] <= 60


@pytest.mark.parametrize(
    ("highest", "words"),
    [
        (1.84, ["0.0", "0.5", "1.0", "1.5", "2.0"]),
        (0.1, ["0.000", "0.025", "0.050", "0.075", "0.100"]),
        (7.0, ["0", "2", "4", "6", "8"]),
        (0.0, ["0", "1"]),
    ],
)
def test_nice_axis_has_round_ticks(highest, words):
    assert [word for _, word in nice_axis([highest / 2, highest]).ticks] == words


@pytest.mark.parametrize(
    ("highest", "exponent", "words"),
    [
        (0.0019, -3, ["0", "0.5", "1", "1.5", "2"]),
        (7.4e-12, -12, ["0", "2", "4", "6", "8"]),
        (1.9e300, 300, ["0", "0.5", "1", "1.5", "2"]),
        (3.6e5, 5, ["0", "1", "2", "3", "4"]),
    ],
)
def test_values_far_from_one_are_labelled_in_powers_of_ten(highest, exponent, words):
    axis, found = in_powers_of_ten(nice_axis([highest]))
    assert found == exponent
    assert [word for _, word in axis.ticks] == words


@pytest.mark.parametrize("highest", [0.0, 0.1, 1.84, 40_000.0])
def test_other_labels_stay(highest):
    axis = nice_axis([highest])
    assert in_powers_of_ten(axis) == (axis, 0)


@pytest.mark.parametrize(
    ("highest", "words"), [(0.125, ["0", "5", "10", "15"]), (0.33, ["0", "10", "20", "30", "40"]), (0.0, ["0", "1"])]
)
def test_a_fitted_axis_is_in_percent(highest, words):
    axis = fitted_percent_axis([0.0, highest])
    assert [word for _, word in axis.ticks] == words
    assert [value for value, _ in axis.ticks] == pytest.approx([int(word) / 100 for word in words])
    assert axis.high == pytest.approx(int(words[-1]) / 100)


@given(
    st.lists(st.floats(0, 1e-300) | st.floats(1e-300, 1e-8) | st.floats(1e-8, 1e8) | st.floats(1e8, 1e300), min_size=1)
)
def test_nice_axis_covers_the_values_with_few_true_labels(values):
    axis = nice_axis(values)
    assert axis.low == 0
    assert max(values) <= axis.high * (1 + 1e-6)
    assert 2 <= len(axis.ticks) <= 6
    assert all(math.isclose(float(word), value, rel_tol=1e-9) for value, word in axis.ticks)


@given(st.integers(0, 500), st.integers(0, 500))
def test_whole_axis_labels_lie_within_and_do_not_crowd(low, length):
    axis = whole_axis(low, low + length)
    ticks = [value for value, _ in axis.ticks]
    assert ticks[0] == low
    assert ticks == sorted(set(ticks))
    assert ticks[-1] <= axis.high
    assert len(ticks) <= 10


@pytest.mark.parametrize(
    ("last", "wanted"),
    [(4, [1, 2, 3, 4]), (11, [1, 2, 4, 6, 8, 10]), (16, [1, 5, 10, 15]), (60, [1, 10, 20, 30, 40, 50, 60])],
)
def test_ticks_of_epochs_are_the_first_and_round_ones_at_one_distance(last, wanted):
    assert [value for value, _ in whole_axis(1, last).ticks] == wanted


def test_bars_are_sorted_and_share_one_scale():
    rows = [("Fog", [Series("a", 0, (0.5,)), Series("b", 1, (2.0,))]), ("Snow", [Series("a", 0, (1.0,))])]
    made = bar_chart(rows, normalised=True)
    assert [label for label, _ in made.rows] == ["Snow", "Fog"]
    snow, fog = made.rows[0][1][0], made.rows[1][1]
    assert snow.length == pytest.approx(made.reference) == pytest.approx(fog[0].length * 2) == pytest.approx(44)
    assert fog[1].length == pytest.approx(88)
    assert fog[1].text == "200.0%"


def test_the_line_of_the_baseline_crosses_no_figure():
    """Where the figure behind a bar would reach over the line at 88% of the width, it stands behind the line."""
    rows = [(name, [Series("a", 0, (value,))]) for name, value in (("Fog", 0.941), ("Snow", 0.5), ("Frost", 1.0))]
    made = bar_chart(rows, normalised=True)
    assert [(label, bar.text_at) for label, (bar,) in made.rows] == [("Frost", 88.0), ("Fog", 88.0), ("Snow", 44.0)]
    assert [bar.text_at for _, (bar,) in bar_chart(rows, normalised=False).rows] == [88.0, 82.81, 44.0]


def test_bars_without_a_baseline_have_no_reference():
    assert bar_chart([("Fog", [Series("a", 0, (0.5,))])], normalised=False).reference is None
