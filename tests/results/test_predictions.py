"""Cells come back from their files as they went in."""

import numpy as np
import pyarrow.parquet as pq
import pytest

from rugged.core.errors import ResultsError
from rugged.results import Cell, Stamp, read_cell, read_cells, read_stamp, write_cell
from rugged.results.predictions import cell_path

STAMP = Stamp({"seed": 1, "limit": None, "size": [64, 64]}, 1.5)


def make_cell(corruption="contrast", severity=3, count=4, top=3):
    random = np.random.default_rng(count)
    return Cell(
        corruption,
        severity,
        tuple(f"a class/ä{number}" for number in range(count)),
        np.arange(count, dtype=np.int32) % top,
        random.permuted(np.tile(np.arange(top, dtype=np.int32), (count, 1)), axis=1),
        *(random.random(shape, dtype=np.float32) for shape in ((count, top), count, count, count)),
    )


@pytest.mark.parametrize("count", [1, 4, 300])
def test_a_cell_comes_back_whole(tmp_path, count):
    cell = make_cell(count=count)
    write_cell(tmp_path, cell, STAMP)
    found = read_cell(tmp_path, "contrast", 3)
    for name, expected in vars(cell).items():
        np.testing.assert_array_equal(getattr(found, name), expected, err_msg=name)
        if isinstance(expected, np.ndarray):
            assert getattr(found, name).dtype == expected.dtype


def test_right_and_wrong_follow_from_the_columns():
    cell = make_cell(count=50)
    expected = [row[0] == label for row, label in zip(cell.top, cell.labels, strict=True)]
    assert cell.correct.tolist() == expected
    assert cell.in_top5.all()  # All three classes are among the first five.


def test_a_stranger_can_read_the_table(tmp_path):
    write_cell(tmp_path, make_cell(), STAMP)
    table = pq.read_table(cell_path(tmp_path, "contrast", 3)).to_pylist()
    assert table[0]["corruption"] == "contrast"
    assert table[0]["severity"] == 3
    assert table[1]["id"] == "a class/ä1"
    assert len(table[0]["top_classes"]) == 3


def test_the_stamp_tells_what_a_cell_was_measured_under(tmp_path):
    assert read_stamp(tmp_path, "contrast", 3) is None
    write_cell(tmp_path, make_cell(), STAMP)
    assert read_stamp(tmp_path, "contrast", 3) == STAMP
    cell_path(tmp_path, "contrast", 3).write_bytes(b"PAR1 cut short")
    assert read_stamp(tmp_path, "contrast", 3) is None


def test_all_cells_of_a_folder(tmp_path):
    for severity in (1, 5):
        write_cell(tmp_path, make_cell(severity=severity), STAMP)
    write_cell(tmp_path, make_cell("clean", 0), STAMP)
    (tmp_path / "notes.parquet").write_bytes(b"not one of ours")
    assert sorted(read_cells(tmp_path)) == [("clean", 0), ("contrast", 1), ("contrast", 5)]


@pytest.mark.parametrize("content", [b"", b"PAR1", b"x" * 1000])
def test_damage_is_named(tmp_path, content):
    cell_path(tmp_path, "contrast", 3).write_bytes(content)
    with pytest.raises(ResultsError, match=r"contrast-3\.parquet cannot be read"):
        read_cell(tmp_path, "contrast", 3)


def test_absence_is_named(tmp_path):
    with pytest.raises(ResultsError, match="was not measured"):
        read_cell(tmp_path, "contrast", 3)
    with pytest.raises(ResultsError, match="no predictions"):
        read_cells(tmp_path)
