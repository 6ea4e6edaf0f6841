"""Missing, damaged and incomparable runs: one clear error, and no half-made page."""

import json
import re
import shutil
from dataclasses import replace

import pytest
from PIL import Image

from rugged.core.errors import ConfigError, IncomparableError, ResultsError, RuggedError
from rugged.report import accuracy_rows, write_report
from rugged.report.figures import error_bars
from rugged.report.reading import read_epochs, read_runs, relative_to_one
from rugged.results import RunFolder, load_baseline, read_summary, write_summary
from rugged.results.summary import summary_text


def _cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _small(path):
    Image.new("RGB", (64, 64)).save(path)


DAMAGES = {
    "benchmark/summary.json": [lambda path: path.unlink(), _cut, lambda path: path.write_text("[]")],
    "benchmark/classes.json": [lambda path: path.unlink(), _cut, lambda path: path.write_text("[]")],
    "benchmark/predictions/contrast-3.parquet": [lambda path: path.unlink(), _cut],
    "benchmark/samples/contrast-3.png": [lambda path: path.unlink(), _cut, _small],
    "benchmark/samples/samples.json": [_cut, lambda path: path.write_text('{"ids": []}')],
    "metrics.csv": [
        lambda path: path.write_text("epoch,split\n1,train\n"),
        lambda path: path.write_bytes(b"\xff\xfe\x00"),
    ],
}


@pytest.mark.parametrize(
    ("name", "damage"), [(name, damage) for name, damages in DAMAGES.items() for damage in damages]
)
def test_damage_is_one_error_that_names_the_file(make_run, tmp_path, name, damage):
    run = make_run(tmp_path / "run", corruptions=("contrast",))
    damage(run / name)
    with pytest.raises(RuggedError, match=name.split("/")[-1].split(".")[0]):
        write_report([run], tmp_path / "out.html")
    assert not (tmp_path / "out.html").exists()


def test_predictions_about_other_images_are_refused(make_run, tmp_path):
    run, other = make_run(tmp_path / "run", corruptions=("fog",)), make_run(tmp_path / "b", classes=("x", "y", "z"))
    shutil.copy(*(RunFolder(each).predictions / "clean-0.parquet" for each in (other, run)))
    with pytest.raises(ResultsError, match=r"clean-0 in .* are about 60 images, the summary about 200"):
        write_report([run], tmp_path / "out.html")


@pytest.mark.parametrize("subject", [0, 1])
def test_missing_cells_are_named_in_one_error_even_without_pictures(make_run, tmp_path, subject):
    runs = [RunFolder(make_run(tmp_path / name, skill=0.5 + i / 5)) for i, name in enumerate("ab")]
    for run in runs:
        shutil.rmtree(run.samples)
    for severity in (2, 5):
        (runs[1].predictions / f"contrast-{severity}.parquet").unlink()
    folders = [runs[subject].path, runs[1 - subject].path]
    with pytest.raises(ResultsError, match=r"lacks 2 of the 31 cells .* \(contrast-2, contrast-5\)"):
        write_report(folders, tmp_path / "out.html")


def test_figures_of_an_earlier_training_are_not_shown_beside_the_curves_of_the_last(make_run, tmp_path):
    run, other = RunFolder(make_run(tmp_path / "run")), make_run(tmp_path / "other")
    run.model.write_bytes(b"trained anew")
    with pytest.raises(ResultsError, match=r"another model than .*, which was trained since"):
        write_report([run.path], tmp_path / "out.html")
    with pytest.raises(ResultsError, match=r"another model than .*, which was trained since"):
        load_baseline(run.path, read_runs([other], 1)[0].summary.conditions)


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(ResultsError, match="no such folder"):
        write_report([tmp_path / "nothing"], tmp_path / "out.html")


@pytest.mark.parametrize("part", ["samples", "metrics"])
def test_what_a_benchmark_may_lack_is_left_out(make_run, tmp_path, parse, part):
    run = RunFolder(make_run(tmp_path / "run", corruptions=("contrast",)))
    if part == "samples":
        (run.samples / "samples.json").unlink()
    else:
        run.metrics.unlink()
    page = parse(write_report([run.path], tmp_path / "out.html").read_text(encoding="utf-8"))
    assert bool(page.find("section", id="pictures")) == (part != "samples")
    assert ("No learning curves" in page.find("section", id="training")[0].text) == (part == "metrics")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("content_hash", "cd" * 32),
        ("preset", "cifar32"),
        ("route", "official files"),
        ("stored", "jpeg85"),
        ("classes", tuple("abcdefghi")),
        ("severities", (1, 3)),
    ],
)
def test_runs_measured_otherwise_are_refused(make_run, tmp_path, field, value):
    runs = [make_run(tmp_path / "a"), make_run(tmp_path / "b", skill=0.8, **{field: value})]
    with pytest.raises(IncomparableError, match=field.replace("_", " ")):
        write_report(runs, tmp_path / "out.html")


def test_another_seed_may_stand_beside_but_its_answers_are_to_other_pictures(make_run, tmp_path, parse):
    runs = [make_run(tmp_path / "a"), make_run(tmp_path / "b", skill=0.8, seed=7)]
    page = parse(write_report(runs, tmp_path / "out.html").read_text(encoding="utf-8"))
    answers = page.find("p", within=page.find("table", id="samples")[0])
    assert {answer.attributes["data-model"] for answer in answers} == {"0"}
    assert not page.find("fieldset", id="pick-model")


def test_models_of_one_name_are_told_apart(make_run, tmp_path):
    runs = [make_run(tmp_path / f / "run", name="demo", skill=0.5 + i / 5) for i, f in enumerate("ab")]
    other = make_run(tmp_path / "c", name="demo", skill=0.9)
    names = [run.summary.model.name for run in read_runs([*runs, other], limit=8)]
    assert names == ["demo (a/run)", "demo (b/run)", "demo (c)"]


def test_of_what_is_relative_to_another_baseline_no_ce_is_left(two_baselines, make_run, tmp_path):
    """Neither of its variants; and of the baseline itself, once measured against another, none but its own 100%."""
    x = make_run(tmp_path / "again" / "x", skill=0.6, baseline=tmp_path / "y", corruptions=("fog", "contrast"))
    before = read_runs([*two_baselines, x], limit=8)
    (even, odd, x), (note,) = relative_to_one(before)
    assert even is before[0]
    assert note.startswith("The mCE of odd is relative to y, not to x")
    given = r'"(ce|ce_interval|relative_ce|mce)": (?!null)'
    assert re.search(given, summary_text(before[1].summary))
    assert not re.search(given, summary_text(odd.summary))
    assert odd.summary.variants[0].changes.mean.points == before[1].summary.variants[0].changes.mean.points
    assert (x.summary.mce.value, x.summary.mce.baseline.name) == (1, "x")
    assert {one.ce for one in x.summary.corruptions.values()} == {1}


def test_a_model_of_the_baselines_hash_with_other_errors_is_not_the_baseline(make_run, tmp_path):
    """A Python function keeps its hash when the weights that it loads are others."""
    old = make_run(tmp_path / "old", skill=0.6)
    run = RunFolder(make_run(tmp_path / "new", skill=0.9, baseline=old))
    summary, sha256 = read_summary(run.summary), read_summary(RunFolder(old).summary).model.sha256
    write_summary(run.summary, replace(summary, model=replace(summary.model, sha256=sha256)))
    runs, _ = relative_to_one(read_runs([run.path, old], limit=8))
    new, old = (each.summary for each in runs)
    assert new.mce == summary.mce
    assert old.mce.value == 1
    assert [row.is_baseline for row in accuracy_rows([new, old])] == [False, True]
    assert error_bars([new, old]).legend == (("new", 0),)
    assert error_bars([old, new]).legend == (("old", 0), ("new", 1))


def test_none_twice_and_too_many_are_refused(make_run, tmp_path):
    run = make_run(tmp_path / "run", corruptions=("fog",))
    for runs in ([], [run, run], [tmp_path / str(index) for index in range(9)]):
        with pytest.raises(ConfigError):
            write_report(runs, tmp_path / "out.html")


def test_a_resumed_epoch_counts_once_and_a_diverged_loss_is_a_gap(make_run, tmp_path):
    run = RunFolder(make_run(tmp_path / "run", corruptions=("fog",)))
    head = "epoch,step,split,loss,top1,learning_rate,images_per_second,seconds\n"
    run.metrics.write_text(f"{head}1,9,train,2.0,0.1,0.1,9,9\n2,9,train,1.5,0.2,,,\n2,9,train,nan,0.3,,,\n")
    found = read_epochs(run.metrics)
    assert [(epoch.epoch, epoch.loss, epoch.top1) for epoch in found] == [(1, 2.0, 0.1), (2, None, 0.3)]


def test_answers_that_do_not_fit_the_samples_are_refused(make_run, tmp_path):
    run = RunFolder(make_run(tmp_path / "run", corruptions=("fog",)))
    path = run.samples / "samples.json"
    table = json.loads(path.read_text())
    path.write_text(json.dumps({**table, "ids": ["n0/unknown", *table["ids"][1:]]}))
    with pytest.raises(ResultsError, match="n0/unknown"):
        write_report([run.path], tmp_path / "out.html")
