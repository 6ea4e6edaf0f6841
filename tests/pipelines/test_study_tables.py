"""A study's tables: every figure worked out by hand from predictions whose right answers are counted."""

import csv
import io
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from rugged.core.catalogue import SEVERITIES
from rugged.core.configuration import dump, load
from rugged.core.files import sha256_file
from rugged.pipelines.study import Study, StudyFolder
from rugged.pipelines.study_tables import as_csv, as_markdown, study_tables, write_study_tables
from rugged.results import (
    Cell,
    Conditions,
    Made,
    ModelFacts,
    Stamp,
    baseline_of,
    normalise,
    read_summary,
    summarise,
    write_cell,
    write_summary,
)
from rugged.train import load_recipe

STUDY = """
baseline = "alexnet64"
corruptions = ["fog", "contrast"]
[one_per_image]
[[recipes]]
name = "b"
recipe = "plain64"
[[recipes]]
name = "c"
recipe = "plain64"
data = "one_per_image"
[[models]]
name = "net"
set = []
"""

IMAGES = 10


def cell(name, severity, right, in_top5):
    """Of ten pictures of ten classes the first ``right`` are right, the first ``in_top5`` among the first five."""
    labels = np.arange(IMAGES, dtype=np.int32)
    place = np.where(labels < right, 0, np.where(labels < in_top5, 3, 7))
    top = ((labels - place)[:, None] + np.arange(5)) % IMAGES
    ones = np.ones(IMAGES, np.float32)
    return Cell(
        name, severity, tuple(f"n{label}/0" for label in labels), labels, top.astype(np.int32), np.ones((10, 5), "f4"),
        ones, ones, ones,
    )  # fmt: skip


@pytest.fixture
def study():
    return load(Study, STUDY, source="test")


@pytest.fixture
def save(study, tmp_path):
    return partial(save_row, study, tmp_path)


def save_row(study, out, index, clean, fog, contrast, copy=None, *, seen=(), **conditions):
    """Write a row's results: right answers on clean pictures and, the same at all severities, under each corruption."""
    row, folder = study.rows[index], StudyFolder(out)
    run = folder.run(row)
    run.path.mkdir(parents=True, exist_ok=True)
    run.model.write_text(row.name)
    model = ModelFacts(row.name, "timm/resnet10t", 5, sha256_file(run.model), 64, seen)
    facts = {
        "dataset": "pictures", "content_hash": "ab" * 32, "split": "val", "images": IMAGES, "classes": 10,
        "size": (64, 64), "route": "in memory", "stored": "no", "preset": "tiny64", "textures": "none", "seed": 0,
        "stream_version": 1, "corruptions": ("fog", "contrast"), "severities": SEVERITIES, **conditions,
    }  # fmt: skip
    cells = {("clean", 0): cell("clean", 0, *clean)}
    for name, right in {"fog": fog, "contrast": contrast}.items():
        cells |= {(name, level): cell(name, level, right, right) for level in SEVERITIES}
    cells = {key: one for key, one in cells.items() if key[0] in ("clean", *facts["corruptions"])}
    write_summary(run.summary, summarise(cells, model, Conditions(**facts), Made("rugged study", 1.0, {}, {})))
    if copy:
        stamp = Stamp({"model_sha256": model.sha256, "content_hash": "cd" * 32}, 0.0)
        write_cell(folder.on_copy(row), cell("clean", 0, *copy), stamp)


def values(table):
    return {row[0]: dict(zip(table.columns[1:], row[1:], strict=True)) for row in table.rows}


def test_every_figure_is_what_a_person_counts(study, save, tmp_path):
    save(0, (5, 8), fog=2, contrast=5, copy=(3, 6))
    save(1, (8, 10), fog=6, contrast=4, copy=(6, 9))
    save(2, (7, 9), fog=8, contrast=8, copy=(7, 8), seen=("fog", "contrast", "spatter"))
    tables = study_tables(study, "mine", tmp_path)
    found = values(tables.accuracy)
    assert list(found) == ["alexnet64", "net_b", "net_c"]
    assert [one["Trained on"] for one in found.values()] == ["clean", "clean", "one-per-image"]
    for column, wanted in {
        "Clean top-1": (0.5, 0.8, 0.7),
        "Clean top-5": (0.8, 1.0, 0.9),
        "One-per-image top-1": (0.3, 0.6, 0.7),
        "One-per-image top-5": (0.6, 0.9, 0.8),
        "Mean corruption accuracy": (0.35, 0.5, 0.8),
        # Errors 0.8 and 0.5 of the baseline; 0.4 and 0.6; 0.2 and 0.2.
        "mCE over 2 of 15": (1.0, (0.4 / 0.8 + 0.6 / 0.5) / 2, (0.2 / 0.8 + 0.2 / 0.5) / 2),
        "Benchmark corruptions seen in training": (0, 0, 2),
    }.items():
        assert [one[column] for one in found.values()] == pytest.approx(wanted), column
    errors = values(tables.errors)
    assert tables.errors.title == "Corruption error relative to alexnet64"
    assert [one["Fog"] for one in errors.values()] == pytest.approx([1, 0.5, 0.25])
    assert [one["Contrast"] for one in errors.values()] == pytest.approx([1, 1.2, 0.4])
    assert tables.missing == ()


def test_without_a_baseline_errors_are_plain(save, tmp_path, study):
    save(1, (8, 10), fog=6, contrast=4)
    alone = load(Study, STUDY.replace('baseline = "alexnet64"', ""), source="test")
    tables = study_tables(alone, "mine", tmp_path)
    assert tables.errors.title == "Mean error"
    assert values(tables.errors)["net_b"] == pytest.approx({"Fog": 0.4, "Contrast": 0.6})
    assert values(tables.accuracy)["net_b"]["mCE"] is None


def test_rows_that_are_not_finished_are_listed_with_their_command(study, save, tmp_path):
    save(1, (8, 10), fog=6, contrast=4)
    tables = study_tables(study, "my study.toml", tmp_path, "tiny-imagenet")
    command = f"rugged study 'my study.toml' --data tiny-imagenet --out {tmp_path} --only"
    assert tables.missing == (
        ("alexnet64", "not begun", f"{command} alexnet64"),
        ("net_b", "benchmarked", f"{command} net_b"),
        ("net_c", "not begun", f"{command} net_c"),
    )
    row = values(tables.accuracy)["net_b"]
    assert (row["mCE"], row["One-per-image top-1"], row["Clean top-1"]) == (None, None, 0.8)
    text = as_markdown(tables, "my study.toml")
    assert f"- `net_c` (not begun): `{command} net_c`" in text
    assert "| net_b | clean | 80.00 | 100.00 | – | – | 50.00 | – | 0 |" in text


def test_figures_on_the_copy_of_an_older_model_are_not_shown(study, save, tmp_path):
    save(1, (8, 10), fog=6, contrast=4, copy=(6, 9))
    folder = StudyFolder(tmp_path).on_copy(study.rows[1])
    write_cell(folder, cell("clean", 0, 6, 9), Stamp({"model_sha256": "f" * 64, "content_hash": "cd" * 32}, 0.0))
    assert values(study_tables(study, "mine", tmp_path).accuracy)["net_b"]["One-per-image top-1"] is None
    assert [how for row, how, _ in study_tables(study, "mine", tmp_path).missing if row == "net_b"] == ["benchmarked"]


def test_figures_of_an_older_model_are_not_those_of_the_one_that_was_trained_since(study, save, tmp_path):
    for index in (0, 1):
        save(index, (8, 10), fog=6, contrast=4, copy=(6, 9))
    assert [row for row, *_ in study_tables(study, "mine", tmp_path).missing] == ["net_c"]
    for index in (0, 1):
        StudyFolder(tmp_path).run(study.rows[index]).model.write_text("trained anew")
    tables = study_tables(study, "mine", tmp_path)
    assert tables.accuracy.rows == ()
    assert [(row, how) for row, how, _ in tables.missing[:2]] == [("alexnet64", "trained"), ("net_b", "trained")]


def test_a_model_that_is_gone_takes_its_figures_with_it(study, save, tmp_path):
    save(1, (8, 10), fog=6, contrast=4)
    save(2, (8, 10), fog=6, contrast=4)
    StudyFolder(tmp_path).run(study.rows[1]).model.unlink()
    tables = study_tables(study, "mine", tmp_path)
    assert list(values(tables.accuracy)) == ["net_c"]
    assert ("net_b", "not begun") in [missing[:2] for missing in tables.missing]


def test_a_baseline_of_another_recipe_divides_nothing(study, save, tmp_path):
    save(0, (5, 8), fog=2, contrast=5)
    save(1, (8, 10), fog=6, contrast=4)
    row = study.rows[0]
    recipe = load_recipe(row.recipe, row.overrides)
    StudyFolder(tmp_path).run(row).recipe.write_text(dump(replace(recipe, epochs=recipe.epochs + 1)))
    tables = study_tables(study, "mine", tmp_path)
    (figures,) = values(tables.accuracy).values()
    assert figures["mCE"] is None
    assert values(tables.errors)["net_b"] == {"Fog": None, "Contrast": None}
    assert "No row has CE or mCE: the baseline alexnet64 is of another recipe." in tables.notes


@pytest.mark.parametrize(
    ("conditions", "message"),
    [({"content_hash": "ef" * 32}, "content hash is efefefefefef"), ({"corruptions": ("fog",)}, "means are over fog")],
)
def test_a_row_measured_otherwise_is_left_out_and_said(study, save, tmp_path, conditions, message):
    save(0, (5, 8), fog=2, contrast=5)
    save(1, (8, 10), fog=6, contrast=4, **conditions)
    tables = study_tables(study, "mine", tmp_path)
    assert list(values(tables.accuracy)) == list(values(tables.errors)) == ["alexnet64"]
    assert any("net_b is left out" in note and message in note for note in tables.notes)


def test_a_baseline_without_errors_is_no_baseline(study, save, tmp_path):
    save(0, (5, 8), fog=10, contrast=5)
    save(1, (8, 10), fog=6, contrast=4)
    tables = study_tables(study, "mine", tmp_path)
    assert values(tables.errors)["net_b"] == {"Fog": None, "Contrast": None}
    assert any(note.startswith("net_b has no mCE") and "no errors under fog" in note for note in tables.notes)


def test_a_note_is_told_once_with_its_rows(study, save, tmp_path):
    save(0, (5, 8), fog=2, contrast=5)
    save(1, (8, 10), fog=6, contrast=4, limit=10)
    notes = study_tables(study, "mine", tmp_path).notes
    assert sum("2 of the 15 benchmark corruptions were measured" in note for note in notes) == 1
    assert any(note.startswith("net_b: Quick run") for note in notes)


def test_an_mce_relative_to_another_model_is_not_shown(study, save, tmp_path):
    save(0, (5, 8), fog=2, contrast=5)
    save(1, (8, 10), fog=6, contrast=4)
    run, other = (StudyFolder(tmp_path).run(study.rows[index]) for index in (1, 0))
    write_summary(run.summary, normalise(read_summary(run.summary), baseline_of(read_summary(other.summary))))
    other.summary.unlink()
    tables = study_tables(study, "mine", tmp_path)
    assert values(tables.accuracy)["net_b"]["mCE"] is None
    assert values(tables.errors)["net_b"] == {"Fog": None, "Contrast": None}


def test_what_training_has_seen_is_said(study, save, tmp_path):
    save(1, (8, 10), fog=6, contrast=4, seen=("flip", "spatter"))
    assert not any("seen some of the 15" in note for note in study_tables(study, "mine", tmp_path).notes)
    save(2, (8, 10), fog=6, contrast=4, seen=("fog",))
    assert any("seen some of the 15" in note for note in study_tables(study, "mine", tmp_path).notes)


def test_nothing_measured_is_said_and_everything_is_still_to_be_run(study, tmp_path):
    tables = study_tables(study, "mine", tmp_path)
    assert "Nothing has been measured yet." in as_markdown(tables, "mine")
    assert [name for name, _, _ in tables.missing] == [row.name for row in study.rows]


def test_the_files_hold_the_tables(study, save, tmp_path):
    save(0, (5, 8), fog=2, contrast=5, copy=(3, 6))
    save(1, (8, 10), fog=6, contrast=4)
    tables = study_tables(study, "mine", tmp_path)
    text = write_study_tables(tables, "mine", tmp_path)
    assert (tmp_path / "tables.md").read_text(encoding="utf-8") == text
    for name, table in {"accuracy": tables.accuracy, "errors": tables.errors}.items():
        assert (tmp_path / f"{name}.csv").read_text(encoding="utf-8") == as_csv(table)
    rows = list(csv.DictReader(io.StringIO(as_csv(tables.accuracy))))
    assert [float(row["Clean top-1"]) for row in rows] == [0.5, 0.8]
    assert [row["One-per-image top-5"] for row in rows] == ["0.6", ""]
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    assert len({line.count("|") for line in lines[:3]}) == 1
