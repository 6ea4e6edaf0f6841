"""What two models keep and lose, class by class, in sequences and in variants."""

from dataclasses import replace

import numpy as np
import pytest
from tests.report.test_stability import measure
from tests.report.test_variants import with_variants

from rugged.report import compare_runs, write_comparison
from rugged.report.contrasts import class_contrast
from rugged.results import Classes, RunFolder, read_cells, read_stability, read_summary, write_stability


@pytest.fixture
def runs(make_run, tmp_path):
    return [make_run(tmp_path / name, skill=skill) for name, skill in (("weak", 0.6), ("strong", 0.95))]


def test_shares_are_those_counted_from_the_predictions(runs):
    one, other = (read_cells(RunFolder(run).predictions) for run in runs)
    rows = compare_runs(runs).kept.rows
    for row, keys in zip(rows, ([("clean", 0)], [key for key in one if key[0] != "clean"]), strict=True):
        pairs = [(bool(a), bool(b)) for key in keys for a, b in zip(one[key].correct, other[key].correct, strict=True)]
        wanted = [
            pairs.count(each) / len(pairs) for each in ((True, True), (True, False), (False, True), (False, False))
        ]
        assert row[2] == len(pairs)
        assert row[3:] == pytest.approx(wanted)


def test_classes_are_ranked_by_what_the_other_model_gains(runs):
    one, other = (read_cells(RunFolder(run).predictions) for run in runs)
    forgotten = {
        key: replace(cell, top=np.where((cell.labels == 3)[:, None], (cell.top + 1) % 10, cell.top).astype(np.int32))
        for key, cell in other.items()
    }
    names = Classes(tuple(f"n{place}" for place in range(10)), tuple("abcdefghij"))
    table = class_contrast(names, ("weak", one), ("strong", forgotten))
    values = [row[4] for row in table.rows]
    assert values == sorted(values, reverse=True)
    assert len(values) == 10
    keys = [key for key in one if key[0] != "clean"]
    for row in table.rows:
        here = one["clean", 0].labels == names.find(row[0])
        first, second = (np.mean([cells[key].correct[here].mean() for key in keys]) for cells in (one, forgotten))
        assert row[2:5] == pytest.approx((first, second, second - first))
    assert [row[0] for row in table.rows if row[5] == "worse"] == ["d"]
    assert f"of 10, {sum(row[5] == 'better' for row in table.rows)} better and 1 worse" in table.title


def test_sequences_stand_side_by_side_only_where_both_saw_the_same(runs):
    assert compare_runs(runs).stability == ()
    measure(runs[0])
    assert compare_runs(runs).stability == ()
    measure(runs[1])
    measure(runs[1], difficulty=2)
    (table,) = compare_runs(runs).stability
    assert "difficulty 1" in table.title
    assert table.rows == (
        ("Mean over 2 sequences", *["18.8% (15.0–20.0)"] * 2),
        ("Gaussian noise", *["12.5% (10.0–15.0)"] * 2),
        ("Rotate", *["25.0% (20.0–30.0)"] * 2),
    )
    place = RunFolder(runs[1]).stability(1)
    other = read_stability(place)
    write_stability(place, replace(other, conditions=replace(other.conditions, preset="cifar32")))
    assert compare_runs(runs).stability == ()


def test_variants_stand_side_by_side_only_where_both_have_them(runs):
    with_variants(runs[0])
    assert compare_runs(runs).variants == ()
    summaries = [read_summary(RunFolder(runs[0]).summary), with_variants(runs[1])]
    batchnorm, pgd = compare_runs(runs).variants
    assert batchnorm.columns == ("With 95% interval", "weak", "strong")
    rows = {row[0]: row[1:] for row in batchnorm.rows}
    assert rows["Clean top-1"] == tuple(f"{100 - 100 * one.clean.error:.1f}% (80.0–90.0)" for one in summaries)
    assert pgd.rows[0] == ("Clean top-1", *["25.0% (20.0–30.0)"] * 2)
    assert "Corrupted top-1" not in [row[0] for row in pgd.rows]


def test_the_page_shows_them(runs, tmp_path, parse):
    for run in runs:
        measure(run)
    compared = compare_runs(runs)
    page = parse(write_comparison(compared, tmp_path / "page.html").read_text(encoding="utf-8"))
    cells = {element.text for element in page.elements if element.tag in ("td", "th")}
    for table in (compared.kept, *compared.classes, *compared.stability):
        assert {cell for row in table.words(1) for cell in row} <= cells
        assert any(head.text == table.title for head in page.find("h3"))
