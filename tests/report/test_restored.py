"""What a restorer does for the classifier stands in the report: figures, pictures, and what it was trained on."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from rugged.core.errors import ResultsError
from rugged.report import change_tables, compare_runs, write_report
from rugged.report.changes import change_table
from rugged.results import (
    ErrorChange,
    RestoredPictures,
    RestorerFacts,
    RunFolder,
    Stamp,
    Strip,
    read_cells,
    read_summary,
    restored_path,
    variant_result,
    write_cell,
    write_restored,
    write_summary,
)

NAME = "restored-0123456789ab"
FACTS = RestorerFacts("gan <1>", "01" * 32, 1_200_000, "drawn", ("defocus_blur", "gaussian_blur"))


def mended(cell):
    """Every other picture of a cell is right now."""
    top = cell.top.copy()
    top[::2, 0] = cell.labels[::2]
    return replace(cell, top=top)


def restore(folder):
    """Give a run a restorer that mends defocus blur, and pictures of its work."""
    run = RunFolder(folder)
    summary, plain = read_summary(run.summary), read_cells(run.predictions)
    cells = {key: mended(cell) if key[0] == "defocus_blur" else cell for key, cell in plain.items()}
    for cell in cells.values():
        write_cell(run.variant(NAME), cell, Stamp({}, 1.0))
    row = variant_result(NAME, "Restores <every> picture.", cells, plain, summary, None, FACTS)
    write_summary(run.summary, replace(summary, variants=(row,)))
    first = plain["clean", 0].ids
    strips = tuple(
        Strip("restored", first[place], int(plain["clean", 0].labels[place]), name, (0, 3, 5))
        for place, name in ((6, "defocus_blur"), (47, "fog"))
    )
    shades = np.arange(12, dtype=np.uint8).reshape(2, 6).repeat(16, 0).repeat(16, 1) * 20
    Image.fromarray(shades).convert("RGB").save(restored_path(run.variant(NAME)))
    write_restored(run.variant(NAME), RestoredPictures(strips, 16, 16, "x"))
    return plain, cells, strips


@pytest.fixture
def run(make_run, tmp_path):
    return make_run(tmp_path / "run", corruptions=("defocus_blur", "fog"))


def test_the_table_is_what_the_predictions_give(run):
    plain, cells, _ = restore(run)
    (table,) = change_tables(read_summary(RunFolder(run).summary))
    rows = {row[0]: row[1:] for row in table.rows}
    before, after = (
        100 * np.mean([1 - which["defocus_blur", severity].correct.mean() for severity in range(1, 6)])
        for which in (plain, cells)
    )
    first, second, difference, relative = rows["Defocus blur"]
    assert (first, second) == (f"{before:.1f}", f"{after:.1f}")
    assert difference.startswith(f"−{before - after:.1f} (−")
    assert difference.endswith(") better")
    assert relative.startswith(f"−{100 * (1 - after / before):.1f}% (−")
    assert rows["Fog"][2:] == ("0.0 (0.0 to 0.0)", "0.0% (0.0 to 0.0)")
    assert rows["Mean over 2"][2].startswith(f"−{(before - after) / 2:.1f} (")


def test_n_is_that_of_clean_and_of_corrupted_pictures(run):
    restore(run)
    summary = read_summary(RunFolder(run).summary)
    assert change_table(summary, summary.variants[0]).title.endswith("n = 200")
    others = replace(summary, conditions=replace(summary.conditions, clean_images=50))
    assert change_table(others, summary.variants[0]).title.endswith("n = 50 clean and 200 corrupted")


def test_a_mark_needs_the_paired_test_as_well(run):
    """Five pictures that the restorer has right, and the plain classifier wrong, are no proof: p = 2/32; six are."""
    restore(run)
    summary = read_summary(RunFolder(run).summary)
    (variant,) = summary.variants
    marks = []
    for p in (2 / 32, 2 / 64):
        changes = replace(variant.changes, clean=ErrorChange(-0.1, (-0.2, -0.05), p=p))
        table = change_table(summary, replace(variant, changes=changes))
        marks.append(table.rows[0][3])
    assert marks == ["−10.0 (−20.0 to −5.0)", "−10.0 (−20.0 to −5.0) better"]


def test_pictures_stand_as_they_are_and_restored_with_the_answers_to_each(run, tmp_path, parse):
    plain, cells, strips = restore(run)
    page = parse(write_report([run], tmp_path / "page.html").read_text(encoding="utf-8"))
    (section,) = page.find("section", id="restored")
    figures = page.find("figure", within=section)
    wanted = [(which[key], strip) for strip in strips for key in strip.cells for which in (plain, cells)]
    assert len(figures) == len(wanted) == 12
    for figure, (cell, strip) in zip(figures, wanted, strict=True):
        right = cell.correct[cell.ids.index(strip.id)]
        assert figure.attributes["class"] == f"exhibit {'right' if right else 'wrong'}"
    captions = [page.find("figcaption", within=figure)[0].text for figure in figures[:4]]
    assert [caption.split(" ✓")[0].split(" ✗")[0] for caption in captions] == [
        "clean", "clean, restored", "severity 3", "severity 3, restored",
    ]  # fmt: skip
    assert any(link.text == "Restored" for link in page.find("a"))


def test_what_the_restorer_was_trained_on_is_said(run, tmp_path, parse):
    plain = write_report([run], tmp_path / "page.html").read_text(encoding="utf-8")
    assert 'id="restored"' not in plain
    restore(run)
    page = parse(write_report([run], tmp_path / "page.html").read_text(encoding="utf-8"))
    said = "The restorer gan <1> was trained on 1 corruption of the benchmark (Defocus blur)."
    assert any(item.text.startswith(said) for item in page.find("li"))
    assert said in page.find("section", id="restored")[0].text
    assert read_summary(RunFolder(run).summary).variants[0].seen_in_training == ("defocus_blur",)


def test_without_pictures_the_figures_stay_and_damage_is_one_error(run, tmp_path, parse):
    restore(run)
    folder = RunFolder(run).variant(NAME)
    index = (folder / "restored.json").read_text()
    (folder / "restored.json").write_text("{}")
    with pytest.raises(ResultsError, match="--restore again"):
        write_report([run], tmp_path / "page.html")
    (folder / "restored.json").write_text(index)
    (folder / "restored.png").write_bytes(b"x")
    with pytest.raises(ResultsError, match=r"restored\.png cannot be read"):
        write_report([run], tmp_path / "page.html")
    (folder / "restored.json").unlink()
    page = parse(write_report([run], tmp_path / "page.html").read_text(encoding="utf-8"))
    assert not page.find("figure", within=page.find("section", id="restored")[0])


def test_runs_with_the_same_restorer_are_compared_by_it(run, make_run, tmp_path):
    other = make_run(tmp_path / "other", skill=0.8, corruptions=("defocus_blur", "fog"))
    restore(run)
    assert compare_runs([run, other]).variants == ()
    restore(other)
    (table,) = compare_runs([run, other]).variants
    assert table.title == "Test-time variant restored by gan <1>"
    shutil.rmtree(RunFolder(other).benchmark / "variants")
    assert compare_runs([run, other]).variants == (table,)
