"""Names that a spreadsheet would compute."""

import pytest

from rugged.core.spreadsheet import as_text


@pytest.mark.parametrize("cell", ["=cmd()", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"])
def test_a_formula_becomes_text(cell):
    assert as_text(cell) == "'" + cell


@pytest.mark.parametrize("cell", ["", "cat", "a=b", "n01443537", " =1", "'quoted"])
def test_other_text_stays(cell):
    assert as_text(cell) == cell
