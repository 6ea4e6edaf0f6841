"""Study files: what their rows are, what is refused, and how far a row has come."""

import shlex
from dataclasses import replace
from itertools import product

import pytest
from tests.pipelines.test_study_tables import cell, save_row
from typer.testing import CliRunner

from rugged.core.configuration import dump, load
from rugged.core.errors import ConfigError
from rugged.core.files import sha256_file
from rugged.pipelines.study import (
    Study,
    StudyFolder,
    choose_rows,
    command_for,
    load_study,
    shipped_studies,
    state,
)
from rugged.pipelines.study_tables import study_tables
from rugged.results import Stamp, write_cell
from rugged.train import load_recipe

TEXT = """
baseline = "alexnet64"
[one_per_image]
[[recipes]]
name = "b"
recipe = "cs182_b"
[[recipes]]
name = "c"
recipe = "mine.toml"
data = "one_per_image"
set = ["epochs=3", "batch_size=8"]
[[models]]
name = "small"
set = ["model.architecture=timm/test_resnet"]
[[models]]
name = "large"
set = ["model.architecture=timm/resnet18", "batch_size=4"]
"""


@pytest.fixture
def study():
    return load(Study, TEXT, source="test")


def test_the_rows_are_the_baseline_and_every_model_with_every_recipe(study):
    assert [row.name for row in study.rows] == ["alexnet64", "small_b", "small_c", "large_b", "large_c"]
    baseline, *_, last = study.rows
    assert (baseline.recipe, baseline.overrides, baseline.data) == ("alexnet64", (), "clean")
    # Where both change a value, the model has the last word: batch sizes are what it fits into memory with.
    assert (last.recipe, last.data) == ("mine.toml", "one_per_image")
    assert last.overrides == ("epochs=3", "batch_size=8", "model.architecture=timm/resnet18", "batch_size=4")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[one_per_image]", "", r"needs a table \[one_per_image\]"),
        ("[one_per_image]", '[one_per_image]\ncorruptions = ["contrats"]', "one_per_image.corruptions: 'contrats'"),
        ("[one_per_image]", "[one_per_image]\nseverities = [0]", "one_per_image.severities are 0; expected"),
        ("[one_per_image]", "[one_per_image]\nseed = -1", "one_per_image.seed is -1; it must be 0 or more"),
        ('name = "large"', 'name = "small"', "small_b, small_c would be the name of several rows"),
        ('name = "large"', 'name = "../large"', "cannot name a folder"),
        ('name = "large"', 'name = ".large"', "cannot name a folder"),
        ('name = "large"', f'name = "{"é" * 127}"', "éé_b is too long for the name of a folder: at most 255 bytes"),
        ('baseline = "alexnet64"', 'baseline = "small_b"', "small_b would be the name of several rows"),
        ('baseline = "alexnet64"', 'corruptions = ["fogg"]', "Did you mean fog"),
        ('recipe = "cs182_b"', "", "recipe is missing"),
        ('recipe = "cs182_b"', 'recipe = "cs182_b"\ndata = "dirty"', "expected one of clean, one_per_image"),
        (TEXT, "recipes = []\nmodels = []", "at least one"),
    ],
)
def test_what_makes_no_study_is_refused(old, new, message):
    with pytest.raises(ConfigError, match=message):
        load(Study, TEXT.replace(old, new), source="test")


def test_rows_are_chosen_by_name_in_the_studys_order(study):
    assert choose_rows(study, ()) == study.rows
    assert [row.name for row in choose_rows(study, ("large_c", "small_b"))] == ["small_b", "large_c"]
    with pytest.raises(ConfigError, match=r"no row 'larg_c'\. Did you mean 'large_c'"):
        choose_rows(study, ("larg_c",))


def test_a_study_is_read_by_name_or_by_path(tmp_path, monkeypatch, study):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.toml").write_text(TEXT)
    assert load_study("mine.toml") == study
    (tmp_path / "other.toml").write_bytes(b"\xff")
    for name in ("other.toml", "none.toml"):
        with pytest.raises(ConfigError, match=f"Cannot read the study {name}"):
            load_study(name)
    with pytest.raises(ConfigError, match=r"no study 'cs128'\. Did you mean 'cs182'"):
        load_study("cs128")


def test_a_rows_state_follows_its_files(study, tmp_path):
    study = replace(study, corruptions=("fog", "contrast"))
    folder, row = StudyFolder(tmp_path), study.rows[1]
    run = folder.run(row)
    seen = [state(study, row, folder)]
    for path in (run.manifest, run.model):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        seen.append(state(study, row, folder))
    save_row(study, tmp_path, 1, (8, 10), fog=6, contrast=4)
    seen.append(state(study, row, folder))
    for measured in ("an older model's", sha256_file(run.model)):
        write_cell(folder.on_copy(row), cell("clean", 0, 6, 9), Stamp({"model_sha256": measured}, 0.0))
        seen.append(state(study, row, folder))
    run.model.write_text("trained anew")
    seen.append(state(study, row, folder))
    assert seen == ["not begun", "training", "trained", "benchmarked", "benchmarked", "done", "trained"]


def test_a_row_is_not_done_once_the_study_asks_for_more(study, tmp_path):
    save_row(study, tmp_path, 0, (8, 10), fog=6, contrast=4, copy=(6, 9))
    folder, row = StudyFolder(tmp_path), study.rows[0]
    for corruptions, how in {("fog",): "done", ("fog", "contrast"): "done", ("extra",): "partly benchmarked"}.items():
        assert state(replace(study, corruptions=corruptions), row, folder) == how


@pytest.mark.parametrize("quick", [{"severities": (5,)}, {"limit": 10}], ids=["severities", "limit"])
def test_a_row_that_was_measured_in_a_hurry_is_not_done(study, tmp_path, quick):
    save_row(study, tmp_path, 0, (8, 10), fog=6, contrast=4, copy=(6, 9), **quick)
    assert state(replace(study, corruptions=("fog",)), study.rows[0], StudyFolder(tmp_path)) == "partly benchmarked"


def test_a_row_of_another_recipe_is_not_done(study, tmp_path):
    """What the recipe leaves to the machine is no difference."""
    study = replace(study, corruptions=("fog",))
    save_row(study, tmp_path, 1, (8, 10), fog=6, contrast=4, copy=(6, 9))
    folder, row = StudyFolder(tmp_path), study.rows[1]
    wanted = load_recipe(row.recipe, row.overrides)
    open_ones = replace(row, overrides=(*row.overrides, "precision=auto", "micro_batch=0"))
    for saved, of, how in (
        (wanted, row, "done"),
        (replace(wanted, precision="fp32", micro_batch=4), open_ones, "done"),
        (replace(wanted, epochs=wanted.epochs + 1), row, "of another recipe"),
        (replace(wanted, model=replace(wanted.model, mean=(0.5, 0.5, 0.5))), row, "of another recipe"),
    ):
        folder.run(row).recipe.write_text(dump(saved))
        assert state(study, of, folder) == how
    tables = study_tables(study, "mine", tmp_path)
    assert tables.accuracy.rows == ()
    assert [(name, how) for name, how, _ in tables.missing][1] == (row.name, "of another recipe")


def test_the_command_of_a_row_is_one_that_is_understood(study, tmp_path, monkeypatch):
    from rugged.cli import app

    (tmp_path / "my study.toml").write_text(TEXT)
    words = shlex.split(command_for(str(tmp_path / "my study.toml"), study.rows[2], "my pictures", tmp_path / "a b"))
    assert words[0] == "rugged"
    monkeypatch.setattr("rugged.core.progress._console", None)
    answer = CliRunner().invoke(app, words[1:])
    assert "no data set 'my pictures'" in answer.stderr


def test_the_students_report_is_eight_models_twice_at_their_sizes():
    rows = load_study("cs182").rows
    models = ("squeezenet", "resnet", "densenet", "b0", "b1", "b2", "b3", "b4")
    assert [row.name for row in rows] == ["alexnet64", *(f"{m}_{r}" for m, r in product(models, "bc"))]
    sizes = {"b1": 240, "b2": 260, "b3": 300, "b4": 380}
    batches = {"b2": 32, "b3": 32, "b4": 16}
    for row in rows[1:]:
        model = row.name[:-2]
        assert f"model.input_size={sizes.get(model, 224)}" in row.overrides
        assert f"batch_size={batches.get(model, 64)}" in row.overrides
    assert {row.data for row in rows if row.name.endswith("_c")} == {"one_per_image"}


@pytest.mark.parametrize("name", sorted(shipped_studies()))
def test_every_row_of_a_shipped_study_can_be_trained(name):
    from rugged.pipelines.study_run import read_recipe

    for row in load_study(name).rows:
        assert read_recipe(row).model.architecture
