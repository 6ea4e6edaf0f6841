"""Tables as CSV that other programs read back."""

import csv
import io

import pytest

from rugged.core.tables import csv_text


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
