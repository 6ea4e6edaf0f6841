"""Tables as CSV that other programs read back."""

import csv
import io

import pytest

from rugged.core.tables import Table, as_csv, csv_text, markdown_table, signed


def test_what_is_written_is_read_back():
    rows = [("a, b", 3), ('say "so"', None), ("two\nlines", 0.5), (True, "–")]
    text = csv_text(("name", "value"), (iter(row) for row in rows))
    assert list(csv.reader(io.StringIO(text, newline=""))) == [
        ["name", "value"], ["a, b", "3"], ['say "so"', ""], ["two\nlines", "0.5"], ["True", "–"],
    ]  # fmt: skip


def test_lines_end_as_on_unix_and_a_table_may_be_empty():
    assert csv_text(("a", "b"), []) == "a,b\n"
    assert csv_text(("a", "b"), [(1, 2)]) == "a,b\n1,2\n"


@pytest.mark.parametrize("value", [1 / 3, 1e-7 / 3, 123456.789, 1e20, 0.0])
def test_floats_keep_six_digits(value):
    (_, (read,)) = csv.reader(io.StringIO(csv_text(("x",), [(value,)])))
    assert float(read) == pytest.approx(value, rel=5e-6)
    assert len(read.split("e")[0].replace(".", "").lstrip("0")) <= 6


TABLE = Table(
    "Made", ("Name", "Share", "Loss", "n"), (("=a|b", 0.125, 1.5, 1234), ("c", -0.5, float("nan"), None)), ("Loss",)
)


def test_fractions_are_read_in_percent_and_numbers_as_they_are():
    assert TABLE.words() == [("=a|b", "12.50", "1.50", "1,234"), ("c", "−50.00", "–", "–")]
    assert TABLE.words(digits=0)[0] == ("=a|b", "12", "2", "1,234")


def test_what_rounds_to_zero_has_no_sign():
    texts = {-0.04: "0.0", -0.0: "0.0", 0.04: "0.0", -0.05001: "−0.1", 1: "+1.0", -1234.56: "−1234.6"}
    assert {value: signed(value, 1) for value in texts} == texts
    small = Table("Small", ("Share", "Loss"), ((-0.0004, -0.004), (-0.0006, -0.06)), ("Loss",))
    assert small.words(digits=1) == [("0.0", "0.0"), ("−0.1", "−0.1")]


def test_csv_keeps_fractions_and_makes_no_formulas():
    assert as_csv(TABLE) == "Name,Share,Loss,n\n'=a|b,0.125,1.5,1234\nc,-0.5,,\n"


def test_markdown_keeps_bars_within_their_cells():
    assert markdown_table(TABLE).splitlines() == [
        "| Name | Share | Loss | n |",
        "|---|---:|---:|---:|",
        "| =a\\|b | 12.50 | 1.50 | 1,234 |",
        "| c | −50.00 | – | – |",
    ]


def test_a_part_of_a_table_says_so():
    assert TABLE.head(2) is TABLE
    assert TABLE.head(1).rows == TABLE.rows[:1]
    assert TABLE.head(1).title == "Made, first 1 of 2"
    assert TABLE.without("Share", "n").rows[0] == ("=a|b", 1.5)
    assert TABLE.without("Share").columns == ("Name", "Loss", "n")
