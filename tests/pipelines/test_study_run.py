"""A study's rows are trained and measured, whatever happens to one of them."""

import shutil
import signal
import time
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

import rugged.pipelines.study_run as study_run
from rugged.core.configuration import load
from rugged.core.errors import ConfigError, CorruptionError, Interrupted, ModelError
from rugged.core.files import read_json
from rugged.data import content_hash, open_dataset
from rugged.engine import infer
from rugged.models import load_model
from rugged.pipelines.study import Study, StudyFolder, state
from rugged.pipelines.study_run import measure_once, run_study
from rugged.pipelines.study_tables import study_tables
from rugged.results import read_cell, read_stamp, read_summary, write_summary

RECIPE = """
epochs = 1
batch_size = 8
precision = "fp32"
development_per_class = 6
[model]
architecture = "timm/test_resnet"
[optimizer]
lr = 1e-9
"""

STUDY = """
baseline = "{folder}/base.toml"
corruptions = ["contrast"]
[one_per_image]
corruptions = ["brightness", "gaussian_noise"]
[[recipes]]
name = "b"
recipe = "{folder}/base.toml"
set = ["seed=1"]
[[recipes]]
name = "c"
recipe = "{folder}/base.toml"
data = "one_per_image"
[[models]]
name = "one"
set = ["batch_size=16"]
"""


@pytest.fixture(autouse=True)
def _in_this_process(monkeypatch):
    """Dozens of small pictures are not worth a start of worker processes."""
    monkeypatch.setattr(study_run, "write_one_per_image", partial(study_run.write_one_per_image, workers=1))


@pytest.fixture
def dataset(picture_folder):
    return open_dataset(picture_folder)


@pytest.fixture
def make_study(tmp_path):
    def make(extra=""):
        (tmp_path / "base.toml").write_text(RECIPE)
        return load(Study, STUDY.format(folder=tmp_path.as_posix()) + extra, source="test")

    return make


def contents(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file() and path.name != ".lock"}


def test_every_row_is_trained_on_its_pictures_and_measured_on_all(make_study, dataset, tmp_path, capfd, monkeypatch):
    monkeypatch.setattr("rugged.core.progress._console", None)
    study, folder = make_study(), StudyFolder(tmp_path / "out")
    assert run_study(study, study.rows, dataset, folder.path, device="cpu", command="rugged study") == []
    said = capfd.readouterr().err
    assert all(f"Row {number} of 3: {name}" in said for number, name in enumerate(("base", "one_b", "one_c"), 1))
    assert {state(study, row, folder) for row in study.rows} == {"done"}
    copy = open_dataset(folder.copy)
    trained_on = [read_json(folder.run(row).manifest)["dataset"]["content_hash"] for row in study.rows]
    assert trained_on == [dataset.content_hash, dataset.content_hash, copy.content_hash]
    summaries = [read_summary(folder.run(row).summary) for row in study.rows]
    assert [set(one.model.training_operations) >= {"brightness", "gaussian_noise"} for one in summaries] == [
        False, False, True,
    ]  # fmt: skip
    assert {one.conditions.content_hash for one in summaries} == {content_hash(dataset.classes, dataset.val)}
    assert [one.mce and one.mce.baseline.sha256 for one in summaries] == [None, *[summaries[0].model.sha256] * 2]


def test_run_again_nothing_is_done_again(make_study, dataset, tmp_path):
    study, out = make_study(), tmp_path / "out"
    run_study(study, study.rows[:2], dataset, out, device="cpu")
    # What follows from saved results in a moment is written anew each time.
    derived = ("summary.json", "classes.json", "samples.json", "curves.html")
    times = {path: stamp for path, stamp in contents(out).items() if path.name not in derived}
    run_study(study, study.rows[:2], dataset, out, device="cpu")
    assert {path: contents(out)[path] for path in times} == times
    assert read_summary(StudyFolder(out).run(study.rows[0]).summary).mce is None  # No baseline of itself.


def test_predictions_on_the_copy_are_those_of_a_plain_loop(make_study, dataset, tmp_path):
    study, folder = make_study(), StudyFolder(tmp_path / "out")
    row = study.rows[2]
    assert run_study(study, [row], dataset, folder.path, device="cpu") == []
    model, spec = load_model(folder.run(row).model)
    pictures = open_dataset(folder.copy).val
    assert not np.array_equal(pictures.images, dataset.val.images)
    mean, std = (np.array(values, dtype=np.float32) for values in (spec.mean, spec.std))
    logits = []
    for picture in pictures.images:
        pixels = torch.from_numpy((picture.astype(np.float32) / 255 - mean) / std).permute(2, 0, 1)
        with torch.no_grad():
            logits.append(model.eval()(pixels[None])[0])
    wanted = torch.stack(logits).softmax(1).numpy()
    cell = read_cell(folder.on_copy(row), "clean", 0)
    assert cell.ids == pictures.ids
    np.testing.assert_allclose(cell.label_probability, wanted[np.arange(len(wanted)), pictures.labels], rtol=1e-4)
    np.testing.assert_allclose(cell.top_probabilities[:, 0], wanted.max(1), rtol=1e-4)
    assert len(np.unique(cell.label_probability)) == len(pictures)  # Else the order of the pictures would not show.
    assert (cell.correct == (wanted.argmax(1) == pictures.labels)).all()


def test_a_model_trained_anew_is_measured_anew(make_study, dataset, tmp_path, monkeypatch):
    study, folder = make_study(), StudyFolder(tmp_path / "out")
    first, second = (folder.run(row) for row in study.rows[:2])
    run_study(study, study.rows[:2], dataset, folder.path, device="cpu")
    place = folder.on_copy(study.rows[0])
    before = read_cell(place, "clean", 0)
    shutil.copy(second.model, first.model)
    monkeypatch.setattr(study_run, "infer", lambda *given: [time.sleep(0.3), infer(*given)][1])
    measure_once(first, open_dataset(folder.copy), place, device="cpu")
    assert not np.array_equal(read_cell(place, "clean", 0).loss, before.loss)
    assert read_stamp(place, "clean", 0).seconds >= 0.3


def test_damaged_predictions_are_made_anew(make_study, dataset, tmp_path):
    study, folder = make_study(), StudyFolder(tmp_path / "out")
    row = study.rows[2]
    run_study(study, [row], dataset, folder.path, device="cpu")
    whole = read_cell(folder.on_copy(row), "clean", 0)
    (file,) = folder.on_copy(row).glob("*.parquet")
    data = file.read_bytes()
    file.write_bytes(data[:4] + bytes(200) + data[204:])  # The stamp lies at the end.
    assert read_stamp(folder.on_copy(row), "clean", 0) is not None
    measure_once(folder.run(row), open_dataset(folder.copy), folder.on_copy(row), device="cpu")
    np.testing.assert_array_equal(read_cell(folder.on_copy(row), "clean", 0).loss, whole.loss)


def test_figures_of_another_copy_than_the_study_asks_for_are_not_its_own(make_study, dataset, tmp_path):
    study, folder = make_study(), StudyFolder(tmp_path / "out")
    rows = (study.rows[0], study.rows[2])
    assert run_study(study, rows, dataset, folder.path, device="cpu") == []

    def found(study):
        table = study_tables(study, "mine", folder.path).accuracy
        column = table.columns.index("One-per-image top-1")
        return [state(study, row, folder) for row in rows], [(row[0], row[column] is not None) for row in table.rows]

    assert found(study) == (["done", "done"], [("base", True), ("one_c", True)])
    for change in ({"seed": 7}, {"severities": (3,)}, {"corruptions": ("brightness",)}):
        changed = replace(study, one_per_image=replace(study.one_per_image, **change))
        assert found(changed) == (["benchmarked", "of another copy"], [("base", False)])
    shutil.rmtree(folder.copy)
    assert run_study(changed, rows[:1], dataset, folder.path, device="cpu") == []
    assert found(changed) == (["done", "of another copy"], [("base", True)])


@pytest.mark.parametrize("failing", [0, 1])
def test_a_row_that_fails_does_not_stop_the_others(make_study, dataset, tmp_path, monkeypatch, failing):
    study, folder = make_study(), StudyFolder(tmp_path / "out")
    original = study_run.benchmark

    def break_one(run, *arguments, **options):
        if run == folder.run(study.rows[failing]).path:
            raise ZeroDivisionError("a defect")
        return original(run, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(study_run, "benchmark", break_one)
        failures = run_study(study, study.rows[:2], dataset, folder.path, device="cpu")
    assert [(each.row, each.message) for each in failures] == [
        (study.rows[failing].name, "ZeroDivisionError: a defect")
    ]
    assert state(study, study.rows[failing], folder) == "trained"
    assert state(study, study.rows[1 - failing], folder) == "done"
    assert run_study(study, study.rows[:2], dataset, folder.path, device="cpu") == []
    assert {state(study, row, folder) for row in study.rows[:2]} == {"done"}


def test_a_baseline_without_errors_stops_no_row(make_study, dataset, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr("rugged.core.progress._console", None)
    study, folder = make_study(), StudyFolder(tmp_path / "out")
    run_study(study, study.rows[:1], dataset, folder.path, device="cpu")
    first = folder.run(study.rows[0])
    saved = read_summary(first.summary)
    perfect = replace(saved.corruptions["contrast"], error=(0.0,) * 5)
    write_summary(first.summary, replace(saved, corruptions={"contrast": perfect}))
    assert run_study(study, study.rows[1:2], dataset, folder.path, device="cpu") == []
    assert state(study, study.rows[1], folder) == "done"
    assert read_summary(folder.run(study.rows[1]).summary).mce is None
    assert "one_b gets no mCE" in capfd.readouterr().err


def test_several_processes_are_refused_before_anything_is_done(make_study, dataset, tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    study = make_study()
    with pytest.raises(ConfigError, match="one process"):
        run_study(study, study.rows, dataset, tmp_path / "out", device="cpu")
    assert not (tmp_path / "out").exists()


def test_a_users_error_in_a_row_keeps_its_words(make_study, dataset, tmp_path):
    study = make_study('[[models]]\nname = "vit"\nset = ["model.architecture=timm/vit_tiny_patch16_224"]\n')
    row = next(row for row in study.rows if row.name == "vit_b")
    (failure,) = run_study(study, [row], dataset, tmp_path / "out", device="cpu")
    assert "Set model.input_size" in failure.message
    assert "ModelError" not in failure.message


@pytest.mark.parametrize(
    ("assignment", "error"), [("model.architecture=timm/resnet81", ModelError), ("epocs=3", ConfigError)]
)
def test_a_row_that_cannot_be_trained_is_known_before_anything_is_done(
    make_study, dataset, tmp_path, assignment, error
):
    study = make_study(f'[[models]]\nname = "odd"\nset = ["{assignment}"]\n')
    with pytest.raises(error, match=r"resnet|epochs"):
        run_study(study, study.rows, dataset, tmp_path / "out", device="cpu")
    assert not (tmp_path / "out").exists()


def test_textures_that_are_not_there_are_known_before_anything_is_done(make_study, dataset, tmp_path):
    study = replace(make_study(), corruptions=("contrast", "frost"), textures=str(tmp_path / "nowhere"))
    with pytest.raises(CorruptionError, match=r"there is no folder .*nowhere"):
        run_study(study, study.rows[:1], dataset, tmp_path / "out", device="cpu")
    assert not (tmp_path / "out").exists()


def test_an_interrupted_study_stops_and_goes_on(make_study, dataset, tmp_path, monkeypatch):
    study, folder = make_study(), StudyFolder(tmp_path / "out")
    original = study_run.infer

    def infer_then_stop(*arguments):
        signal.raise_signal(signal.SIGTERM)
        return original(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(study_run, "infer", infer_then_stop)
        with pytest.raises(Interrupted) as stopped:
            run_study(study, study.rows[:2], dataset, folder.path, device="cpu")
    assert stopped.value.signal_number == signal.SIGTERM
    assert [state(study, row, folder) for row in study.rows[:2]] == ["benchmarked", "not begun"]
    assert run_study(study, study.rows[:2], dataset, folder.path, device="cpu") == []
    assert [state(study, row, folder) for row in study.rows[:2]] == ["done", "done"]
