"""The benchmark measures what it says, once, whatever happens on the way."""

import dataclasses
import io
import signal

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import rugged.benchmark.conclusion as conclusion
import rugged.benchmark.grid as grid
import rugged.corruptions.textures as textures
import rugged.engine.subject as subject
from rugged.benchmark import benchmark
from rugged.benchmark.predictions import make_cell
from rugged.core.errors import ConfigError, DataError, IncomparableError, Interrupted, ModelError, RunError
from rugged.core.files import read_json
from rugged.corruptions import BENCHMARK, EXTRA, corrupt
from rugged.data import Split, open_dataset, write_one_per_image
from rugged.models import ModelSpec, build, load_model, preprocess, save_model
from rugged.results import RunFolder, read_cell, read_stamp, read_summary, summarise, write_cell

QUICK = {"corruptions": ("gaussian_noise", "contrast"), "severities": (1, 5), "device": "cpu"}


@pytest.fixture
def dataset(picture_folder):
    return open_dataset(picture_folder)


def make_run(folder, classes=("above", "below"), seed=0):
    """A run folder with an untrained model: its predictions depend on every pixel."""
    torch.manual_seed(seed)
    model = build("timm/resnet10t", len(classes))
    nn.init.normal_(model.fc.weight)
    spec = ModelSpec("timm/resnet10t", classes, classes, 32, training_operations=("flip", "contrast"))
    save_model(folder / "model.safetensors", model, spec)
    return folder


def test_predictions_are_those_of_the_model_on_the_corrupted_pictures(dataset, tmp_path):
    run = make_run(tmp_path / "run")
    benchmark(run, dataset, seed=3, **QUICK)
    model, spec = load_model(run / "model.safetensors")
    images = torch.from_numpy(np.array(dataset.val.images)).permute(0, 3, 1, 2)
    corrupted = corrupt(images, "gaussian_noise", 5, preset="cifar32", seed=3, ids=dataset.val.ids)
    with torch.no_grad():
        probabilities = model(preprocess(corrupted, spec)).double().softmax(1).numpy()
    cell = read_cell(run / "benchmark" / "predictions", "gaussian_noise", 5)
    assert cell.ids == dataset.val.ids
    own = probabilities[np.arange(len(dataset.val)), dataset.val.labels]
    np.testing.assert_allclose(cell.label_probability, own, atol=1e-5)
    np.testing.assert_allclose(cell.loss, -np.log(own), atol=1e-4)
    np.testing.assert_allclose(cell.sum_of_squares, (probabilities**2).sum(1), atol=1e-5)
    assert (cell.top[:, 0] == probabilities.argmax(1)).all()


def test_the_summary_says_what_was_measured(dataset, tmp_path):
    summary = benchmark(make_run(tmp_path / "run"), dataset, command="rugged benchmark run", **QUICK)
    assert summary.conditions.images == 18
    assert summary.conditions.preset == "cifar32"
    assert summary.conditions.corruptions == ("gaussian_noise", "contrast")
    assert summary.seen_in_training == ("contrast",)
    assert summary.made.command == "rugged benchmark run"
    assert read_summary(tmp_path / "run" / "benchmark" / "summary.json").errors == summary.errors
    assert read_json(tmp_path / "run" / "benchmark" / "classes.json") == [
        {"id": "above", "name": "above"},
        {"id": "below", "name": "below"},
    ]


def test_sample_strips_show_the_pictures_that_were_measured(dataset, tmp_path):
    run = make_run(tmp_path / "run")
    benchmark(run, dataset, seed=1, **QUICK)
    index = read_json(run / "benchmark" / "samples" / "samples.json")
    positions = [dataset.val.ids.index(each) for each in index["ids"]]
    images = torch.from_numpy(dataset.val.images[positions]).permute(0, 3, 1, 2)
    expected = corrupt(images, "contrast", 5, preset="cifar32", seed=1, ids=index["ids"]).permute(0, 2, 3, 1)
    strip = np.asarray(Image.open(run / "benchmark" / "samples" / "contrast-5.png"))
    np.testing.assert_array_equal(strip, np.concatenate(list(expected.numpy()), axis=1))


def test_strips_of_a_measurement_that_was_broken_off_do_not_stay(dataset, tmp_path, monkeypatch):
    run = make_run(tmp_path / "run")
    samples = RunFolder(run).samples
    benchmark(run, dataset, **QUICK)
    before = {path.name: path.read_bytes() for path in samples.iterdir()}

    def broken(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(grid.GridBench, "measure", broken)
        with pytest.raises(KeyboardInterrupt):
            benchmark(run, dataset, seed=1, replace_results=True, **QUICK)
    assert (samples / "contrast-5.png").read_bytes() == before["contrast-5.png"]  # It draws nothing at random.
    assert (samples / "gaussian_noise-5.png").read_bytes() != before["gaussian_noise-5.png"]
    benchmark(run, dataset, **QUICK)
    assert {path.name: path.read_bytes() for path in samples.iterdir()} == before


def test_without_its_textures_a_frost_has_no_samples_and_keeps_its_figures(dataset, tmp_path, monkeypatch, capsys):
    run = make_run(tmp_path / "run")
    frost = {"corruptions": ("frost",), "severities": (1,), "device": "cpu"}
    before = benchmark(run, dataset, textures="procedural", **frost)
    index = RunFolder(run).samples / "samples.json"
    index.write_text('{"marks": []}')

    def gone(*_):
        raise ConfigError("no such textures")

    monkeypatch.setattr("rugged.benchmark.routes.in_memory.choose_textures", gone)
    joined = benchmark(run, dataset, corruptions=("contrast",), severities=(1,), device="cpu")
    assert joined.corruptions["frost"] == before.corruptions["frost"]
    assert not index.exists()
    assert "The report will lack samples: no such textures" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("model", "message"), [("nomine:x", "nomine cannot be imported"), ("timm/test_resnet", "none of ImageNet-1k's")]
)
def test_a_model_that_cannot_answer_is_refused_before_photographs_are_fetched(model, message, dataset, monkeypatch):
    monkeypatch.setattr(textures, "_download", lambda folder: pytest.fail("fetched"))
    with pytest.raises(ModelError, match=message):
        benchmark(model, dataset, corruptions=("frost",), severities=(1,), device="cpu")


def test_mce_against_itself_is_one(dataset, tmp_path):
    run = make_run(tmp_path / "run")
    benchmark(run, dataset, **QUICK)
    summary = benchmark(run, dataset, baseline=run, **QUICK)
    assert summary.mce.value == pytest.approx(1.0)


def count_cells(monkeypatch):
    measured = []
    original = grid.GridBench.measure

    def counting(self, corruption, severity, stop, bar):
        measured.append((corruption, severity))
        return original(self, corruption, severity, stop, bar)

    monkeypatch.setattr(grid.GridBench, "measure", counting)
    return measured


def test_nothing_is_measured_twice_and_anything_new_is(dataset, tmp_path, monkeypatch):
    run = make_run(tmp_path / "run")
    measured = count_cells(monkeypatch)
    benchmark(run, dataset, **QUICK)
    assert len(measured) == 5
    benchmark(run, dataset, **QUICK)
    assert len(measured) == 5
    benchmark(run, dataset, **(QUICK | {"severities": (1, 3, 5)}))
    assert measured[5:] == [("gaussian_noise", 3), ("contrast", 3)]
    benchmark(run, dataset, **QUICK, seed=1, replace_results=True)
    assert len(measured) == 12
    make_run(run, seed=1)
    benchmark(run, dataset, **QUICK, seed=1)
    assert len(measured) == 17


def test_clean_pictures_alone_are_measured_where_no_corruption_is_named(dataset, tmp_path, monkeypatch, capsys):
    run, measured = make_run(tmp_path / "run"), count_cells(monkeypatch)
    summary = benchmark(run, dataset, corruptions=set(), device="cpu")
    assert measured == [("clean", 0)]
    cell = read_cell(run / "benchmark" / "predictions", "clean", 0)
    assert summary.clean.error == 1 - cell.correct.mean()
    assert (summary.errors, summary.mean_corruption_accuracy, summary.without_noise) == ({}, None, None)
    low, high = summary.intervals.clean_error
    assert low <= summary.clean.error <= high
    assert (summary.intervals.mean_corruption_accuracy, summary.intervals.loss) == (None, None)
    assert "Clean pictures alone were measured." in summary.notes
    assert not any("corrupt" in note.lower() for note in summary.notes)
    assert read_summary(run / "benchmark" / "summary.json") == summary
    for change in ({"baseline": run}, {"as_baseline": "mine"}, {"official": tmp_path}):
        with pytest.raises(ConfigError, match="Name corruptions"):
            benchmark(run, dataset, corruptions=(), device="cpu", **change)
    full = benchmark(run, dataset, **QUICK)
    assert measured[1:] == [(name, level) for name in QUICK["corruptions"] for level in QUICK["severities"]]
    assert full.clean == summary.clean
    again = benchmark(run, dataset, corruptions=(), device="cpu")
    assert (again.errors, len(measured)) == (full.errors, 5)


def test_a_quick_look_takes_nothing_from_a_fuller_result(dataset, tmp_path, monkeypatch):
    run = make_run(tmp_path / "run")
    full = benchmark(run, dataset, **QUICK)
    measured = count_cells(monkeypatch)
    again = benchmark(run, dataset, corruptions=["contrast"], severities=[5], device="cpu")
    assert not measured
    assert again.errors == full.errors
    with pytest.raises(RunError, match="--replace"):
        benchmark(run, dataset, limit=4, **QUICK)
    with pytest.raises(RunError, match=r"other conditions: seed is 0, here 1\..*--replace"):
        benchmark(run, dataset, seed=1, **QUICK)
    with pytest.raises(RunError, match=r"other conditions: precision is fp32, here bf16\..*--replace"):
        benchmark(run, dataset, precision="bf16", **QUICK)
    assert read_summary(run / "benchmark" / "summary.json").errors == full.errors


def test_other_corruptions_at_the_same_severities_join_a_result(dataset, tmp_path, monkeypatch):
    run, other = make_run(tmp_path / "run"), make_run(tmp_path / "other", seed=1)
    full = benchmark(run, dataset, **QUICK)
    benchmark(other, dataset, **QUICK)
    measured = count_cells(monkeypatch)
    both = benchmark(run, dataset, baseline=other, **(QUICK | {"corruptions": ("extra",)}))
    assert {corruption for corruption, _ in measured} == set(EXTRA)
    assert both.conditions.corruptions == ("gaussian_noise", "contrast", *EXTRA)
    assert {name: both.errors[name] for name in full.errors} == full.errors
    assert both.mean_corruption_accuracy == full.mean_corruption_accuracy  # Over the benchmark's alone.
    assert both.mce.over == ("gaussian_noise", "contrast")
    assert both.corruptions["spatter"].ce is None  # The baseline was not measured under it, and need not be.


def test_cells_of_another_processor_of_the_same_name_are_measured_again(dataset, tmp_path, monkeypatch):
    """Virtual machines call two kinds of processor by one name."""
    run = make_run(tmp_path / "run")
    measured = count_cells(monkeypatch)
    for capability, cells in (("AVX2", 5), ("AVX2", 5), ("AVX512", 10)):
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda capability=capability: capability)
        assert benchmark(run, dataset, **QUICK).made.hardware["cpu_capability"] == capability
        assert len(measured) == cells


def test_extra_corruptions_alone_get_no_ce(dataset, tmp_path, capsys):
    """No mCE would say whose errors divide."""
    run, other = make_run(tmp_path / "run"), make_run(tmp_path / "other", seed=1)
    extra = QUICK | {"corruptions": ("saturate",)}
    benchmark(other, dataset, **extra)
    capsys.readouterr()
    found = benchmark(run, dataset, baseline=other, **extra)
    assert "none of the benchmark's 15 corruptions is measured" in " ".join(capsys.readouterr().err.split())
    assert (found.mce, found.corruptions["saturate"].ce) == (None, None)


def test_a_look_that_no_summary_can_hold_beside_the_rest_is_refused(dataset, tmp_path):
    run = make_run(tmp_path / "run")
    full = benchmark(run, dataset, **QUICK)
    other = {"corruptions": ("fog",), "severities": (3,), "device": "cpu"}
    with pytest.raises(RunError, match=r"other corruptions at other severities.*--replace"):
        benchmark(run, dataset, **other)
    assert read_summary(run / "benchmark" / "summary.json").errors == full.errors
    assert list(benchmark(run, dataset, **other, replace_results=True).errors) == ["fog"]


def test_a_baseline_must_cover_what_stays_in_the_summary(dataset, tmp_path):
    run, other = make_run(tmp_path / "run"), make_run(tmp_path / "other", seed=1)
    full = benchmark(run, dataset, **QUICK)
    benchmark(other, dataset, corruptions=["contrast"], severities=(1, 5), device="cpu")
    with pytest.raises(IncomparableError, match="lacks gaussian_noise"):
        benchmark(run, dataset, corruptions=["contrast"], severities=(1, 5), device="cpu", baseline=other)
    assert read_summary(run / "benchmark" / "summary.json").errors == full.errors


def test_a_baseline_of_fewer_severities_than_stay_is_refused(dataset, tmp_path):
    run, other = make_run(tmp_path / "run"), make_run(tmp_path / "other", seed=1)
    benchmark(run, dataset, **QUICK)
    benchmark(other, dataset, **(QUICK | {"severities": (1,)}))
    with pytest.raises(IncomparableError, match="severities is 1, here 1, 5"):
        benchmark(run, dataset, baseline=other, **(QUICK | {"severities": (1,)}))


def test_losing_an_mce_is_said(dataset, tmp_path, capsys):
    run = make_run(tmp_path / "run")
    benchmark(run, dataset, **QUICK)
    benchmark(run, dataset, baseline=run, **QUICK)
    assert "mCE" not in capsys.readouterr().err
    assert benchmark(run, dataset, **QUICK).mce is None
    assert "--baseline again" in capsys.readouterr().err


def test_a_refused_baseline_leaves_the_old_result(dataset, tmp_path):
    run = make_run(tmp_path / "run")
    full = benchmark(run, dataset, **QUICK)
    with pytest.raises(IncomparableError):
        benchmark(run, dataset, limit=4, baseline=run, replace_results=True, **QUICK)
    assert read_summary(run / "benchmark" / "summary.json").errors == full.errors


def test_a_replaced_result_never_stands_beside_new_cells(dataset, tmp_path, monkeypatch):
    run = make_run(tmp_path / "run")
    benchmark(run, dataset, **QUICK)

    original = grid.GridBench.measure

    def stop_at_once(self, *arguments):
        signal.raise_signal(signal.SIGTERM)
        return original(self, *arguments)

    monkeypatch.setattr(grid.GridBench, "measure", stop_at_once)
    with pytest.raises(Interrupted, match="0 of 5 cells"):
        benchmark(run, dataset, seed=1, replace_results=True, **QUICK)
    assert not (run / "benchmark" / "summary.json").exists()


def of_another_machine(monkeypatch):
    """From now on, predictions are those of another version of torch."""
    original = grid.measured_on

    def elsewhere(fabric):
        found = original(fabric)
        return {**found, "versions": {**found["versions"], "torch": "0.0"}}

    monkeypatch.setattr(grid, "measured_on", elsewhere)


@pytest.mark.parametrize("change", ["versions", "none"])
def test_a_summary_stands_until_a_saved_cell_is_replaced(dataset, tmp_path, monkeypatch, change):
    """After an upgrade the cells are measured anew one by one, and no figures of the old ones may stand beside them."""
    run = make_run(tmp_path / "run")
    full, path = benchmark(run, dataset, **QUICK), run / "benchmark" / "summary.json"
    if change == "versions":
        of_another_machine(monkeypatch)
    else:
        (run / "benchmark" / "predictions" / "contrast-5.parquet").unlink()
    original = grid.GridBench.measure

    def stop_at_the_last(self, corruption, severity, *arguments):
        if (corruption, severity) == ("contrast", 5):
            signal.raise_signal(signal.SIGTERM)
        return original(self, corruption, severity, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(grid.GridBench, "measure", stop_at_the_last)
        with pytest.raises(Interrupted):
            benchmark(run, dataset, **QUICK)
    assert path.exists() == (change == "none")
    assert benchmark(run, dataset, **QUICK).errors == full.errors
    assert path.exists()


def test_an_interrupted_look_takes_nothing_from_a_fuller_result_that_is_measured_anew(dataset, tmp_path, monkeypatch):
    run = make_run(tmp_path / "run")
    full, look = benchmark(run, dataset, **QUICK), QUICK | {"corruptions": ("gaussian_noise",)}
    of_another_machine(monkeypatch)
    original = grid.GridBench.measure

    def stop_at_the_second(self, corruption, severity, *arguments):
        if (corruption, severity) == ("gaussian_noise", 1):
            signal.raise_signal(signal.SIGTERM)
        return original(self, corruption, severity, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(grid.GridBench, "measure", stop_at_the_second)
        for _ in range(2):
            with pytest.raises(Interrupted):
                benchmark(run, dataset, **look)
    with pytest.raises(RunError, match=r"other conditions: seed is 0, here 1\..*--replace"):
        benchmark(run, dataset, seed=1, **QUICK)
    assert benchmark(run, dataset, **look).errors == full.errors
    assert [path.name for path in (run / "benchmark").glob("*.json")].count("summary.outdated.json") == 0
    assert list(benchmark(run, dataset, seed=1, replace_results=True, **look).errors) == ["gaussian_noise"]


def test_losing_an_mce_is_said_where_all_is_measured_anew(dataset, tmp_path, monkeypatch, capsys):
    run = make_run(tmp_path / "run")
    benchmark(run, dataset, **QUICK)
    benchmark(run, dataset, baseline=run, **QUICK)
    of_another_machine(monkeypatch)
    assert benchmark(run, dataset, **QUICK).mce is None
    assert "--baseline again" in capsys.readouterr().err


@pytest.mark.parametrize("damage", [lambda text: text[:-40], lambda text: text.replace('"format": 2', '"format": 3')])
def test_a_summary_that_cannot_be_read_is_replaced_only_where_that_is_said(dataset, tmp_path, monkeypatch, damage):
    run = make_run(tmp_path / "run")
    full, path = benchmark(run, dataset, **QUICK), run / "benchmark" / "summary.json"
    path.write_text(damage(path.read_text()))
    before, measured = path.read_bytes(), count_cells(monkeypatch)
    with pytest.raises(RunError, match=r"summary\.json is not a benchmark summary of format 2 .*--replace"):
        benchmark(run, dataset, **QUICK)
    assert path.read_bytes() == before
    again = benchmark(run, dataset, replace_results=True, **QUICK)
    assert read_summary(path) == again
    assert again.errors == full.errors
    assert not measured


@pytest.mark.parametrize("damage", ["cut short", "other images", "other labels"])
def test_damaged_cells_are_measured_anew(dataset, tmp_path, monkeypatch, damage):
    run = make_run(tmp_path / "run")
    folder = run / "benchmark" / "predictions"
    first = benchmark(run, dataset, **QUICK)
    cell, stamp = read_cell(folder, "contrast", 5), read_stamp(folder, "contrast", 5)
    if damage == "cut short":
        (folder / "contrast-5.parquet").write_bytes((folder / "contrast-5.parquet").read_bytes()[:-50])
    elif damage == "other images":
        write_cell(folder, dataclasses.replace(cell, ids=cell.ids[::-1]), stamp)
    else:
        write_cell(folder, dataclasses.replace(cell, labels=1 - cell.labels), stamp)
    measured = count_cells(monkeypatch)
    assert benchmark(run, dataset, **QUICK).errors == first.errors
    assert measured == [("contrast", 5)]


def test_lost_sample_strips_are_made_again(dataset, tmp_path, monkeypatch):
    run = make_run(tmp_path / "run")
    benchmark(run, dataset, **QUICK)
    strip = run / "benchmark" / "samples" / "contrast-5.png"
    before = strip.read_bytes()
    strip.unlink()
    measured = count_cells(monkeypatch)
    benchmark(run, dataset, **QUICK)
    assert strip.read_bytes() == before
    assert not measured


def test_the_duration_is_that_of_the_measurement_not_of_the_last_command(dataset, tmp_path):
    run = make_run(tmp_path / "run")
    first = benchmark(run, dataset, **QUICK)
    seconds = [read_stamp(run / "benchmark" / "predictions", *cell).seconds for cell in first.conditions.cells]
    again = benchmark(run, dataset, baseline=run, **QUICK)
    assert first.made.seconds == again.made.seconds == round(sum(seconds), 1)


def test_what_the_reader_must_know_of_data_and_model_is_noted(dataset, tmp_path):
    run = make_run(tmp_path / "run")
    noted = dataclasses.replace(dataset, notes=("Three pictures were set aside.",))
    assert benchmark(run, noted, **QUICK).notes[-1] == "Three pictures were set aside."
    (run / "manifest.json").write_text('{"dataset": {"content_hash": "feedfeedfeedfeed"}}')
    assert any("trained on other data" in note for note in benchmark(run, dataset, **QUICK).notes)
    (run / "manifest.json").write_text(f'{{"dataset": {{"content_hash": "{dataset.content_hash}"}}}}')
    assert not any("trained on other data" in note for note in benchmark(run, dataset, **QUICK).notes)


def test_a_baseline_counts_whatever_the_training_pictures_were(dataset, tmp_path):
    run, baseline = make_run(tmp_path / "run"), make_run(tmp_path / "baseline", seed=1)
    fewer = dataclasses.replace(dataset, train=dataset.train.take(np.arange(3)), content_hash="0" * 64)
    benchmark(baseline, fewer, **QUICK)
    assert benchmark(run, dataset, baseline=baseline, **QUICK).mce is not None
    images = dataset.val.images.copy()
    images[0, 0, 0, 0] ^= 1
    other = dataclasses.replace(dataset, val=dataclasses.replace(dataset.val, images=images))
    with pytest.raises(IncomparableError, match="content hash is"):
        benchmark(run, other, baseline=baseline, replace_results=True, **QUICK)


def test_the_storage_step_is_that_of_the_official_files(dataset, tmp_path):
    """Pillow's JPEG of quality 85, on corrupted pictures alone."""
    run = make_run(tmp_path / "run")
    plain = benchmark(run, dataset, **QUICK)
    before = read_cell(run / "benchmark" / "predictions", "gaussian_noise", 1)
    summary = benchmark(run, dataset, stored="jpeg85", replace_results=True, **QUICK)
    assert summary.conditions.stored == "jpeg85"
    assert summary.clean == plain.clean
    images = torch.from_numpy(dataset.val.images.copy()).permute(0, 3, 1, 2)
    noisy = corrupt(images, "gaussian_noise", 1, ids=dataset.val.ids).permute(0, 2, 3, 1).numpy()
    stored = []
    for picture in noisy:
        file = io.BytesIO()
        Image.fromarray(picture).save(file, "JPEG", quality=85, optimize=True)
        stored.append(np.asarray(Image.open(file)))
    model, spec = load_model(run / "model.safetensors")
    with torch.no_grad():
        logits = model(preprocess(torch.from_numpy(np.stack(stored)).permute(0, 3, 1, 2), spec))
    cell = read_cell(run / "benchmark" / "predictions", "gaussian_noise", 1)
    wanted = make_cell("gaussian_noise", 1, cell.ids, dataset.val.labels, logits)
    np.testing.assert_allclose(cell.loss, wanted.loss, rtol=1e-4, atol=1e-5)
    assert np.abs(cell.loss - before.loss).max() > 1e-3


def test_of_all_pictures_predictions_are_held_but_neither_logits_nor_names_again(dataset, tmp_path, monkeypatch):
    """Eighteen pictures in chunks of seven; a thousand logits of each would be fifty times what is kept of them."""
    run, lengths, held = make_run(tmp_path / "run"), [], []

    def noted(corruption, severity, ids, labels, logits):
        lengths.append(len(logits))
        return make_cell(corruption, severity, ids, labels, logits)

    def summarised(cells, *rest):
        held.extend(cells.values())
        return summarise(cells, *rest)

    monkeypatch.setattr("rugged.engine.inference.CHUNK", 7)
    monkeypatch.setattr(grid, "make_cell", noted)
    monkeypatch.setattr(conclusion, "summarise", summarised)
    first = benchmark(run, dataset, **QUICK)
    assert lengths == [7, 7, 4] * len(held)
    assert benchmark(run, dataset, **QUICK).corruptions == first.corruptions
    assert len(held) == 2 * len(lengths) / 3
    assert all(cell.ids is dataset.val.ids for cell in held)


def test_a_model_that_answers_with_nan_is_refused_at_once(dataset, tmp_path, monkeypatch):
    run = make_run(tmp_path / "run")
    monkeypatch.setattr(subject, "infer", lambda *_: torch.full((18, 2), torch.nan))
    with pytest.raises(ModelError, match="not numbers"):
        benchmark(run, dataset, **QUICK)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"corruptions": ["contrats"]}, "Did you mean contrast?"),
        ({"severities": (0, 6)}, "expected some of 1 to 5"),
        ({"severities": ()}, "expected some of 1 to 5"),
        ({"limit": 0}, "at least 1,"),
        ({"preset": "tiny46"}, "no preset"),
        ({"stored": "jpeg"}, "expected no or jpeg85"),
    ],
)
def test_what_cannot_be_measured_is_refused_before_anything_is(dataset, tmp_path, change, message):
    run = make_run(tmp_path / "run")
    with pytest.raises(ConfigError, match=message):
        benchmark(run, dataset, **(QUICK | change))
    assert not (run / "benchmark").exists()


def test_an_interrupted_benchmark_goes_on_to_the_same_table(dataset, tmp_path, monkeypatch):
    whole = benchmark(make_run(tmp_path / "whole"), dataset, **QUICK)
    run = make_run(tmp_path / "cut")
    original = grid.GridBench.measure

    def stop_at_third(self, corruption, severity, stop, bar):
        if (corruption, severity) == ("gaussian_noise", 5):
            signal.raise_signal(signal.SIGTERM)
        return original(self, corruption, severity, stop, bar)

    with monkeypatch.context() as patch:
        patch.setattr(grid.GridBench, "measure", stop_at_third)
        with pytest.raises(Interrupted, match="2 of 5 cells"):
            benchmark(run, dataset, **QUICK)
    assert not (run / "benchmark" / "summary.json").exists()
    measured = count_cells(monkeypatch)
    resumed = benchmark(run, dataset, **QUICK)
    assert len(measured) == 3
    assert resumed.errors == whole.errors
    assert resumed.clean == whole.clean


def test_chunks_do_not_change_the_predictions(dataset, tmp_path, monkeypatch):
    run = make_run(tmp_path / "run")
    benchmark(run, dataset, **QUICK)
    first = read_cell(run / "benchmark" / "predictions", "gaussian_noise", 5)
    monkeypatch.setattr("rugged.engine.inference.CHUNK", 5)
    monkeypatch.setattr("rugged.benchmark.cells.read_stamp", lambda *_: None)
    benchmark(run, dataset, **QUICK)
    second = read_cell(run / "benchmark" / "predictions", "gaussian_noise", 5)
    np.testing.assert_allclose(first.label_probability, second.label_probability, atol=1e-6)


def test_a_quick_run_says_that_it_is_one(dataset, tmp_path):
    run = make_run(tmp_path / "run")
    summary = benchmark(run, dataset, limit=6, **QUICK)
    assert summary.conditions.images == 6
    assert any("Quick run" in note for note in summary.notes)
    cell = read_cell(run / "benchmark" / "predictions", "clean", 0)
    assert np.bincount(cell.labels).tolist() == [3, 3]
    assert benchmark(run, dataset, limit=1000, **QUICK).conditions.limit is None  # A fuller result replaces it.


def test_the_fifteen_are_measured_unless_named(dataset, tmp_path):
    summary = benchmark(make_run(tmp_path / "run"), dataset, limit=2, textures="procedural", device="cpu")
    assert summary.conditions.corruptions == BENCHMARK
    assert summary.conditions.severities == (1, 2, 3, 4, 5)


def test_drawn_frost_is_called_so_and_belongs_to_its_own_cells_alone(dataset, tmp_path, monkeypatch):
    run = make_run(tmp_path / "run")
    assert benchmark(run, dataset, **QUICK).conditions.textures == "none"
    measured, measure_cell = [], grid.GridBench.measure

    def watched(self, corruption, *rest):
        measured.append(corruption)
        return measure_cell(self, corruption, *rest)

    monkeypatch.setattr(grid.GridBench, "measure", watched)
    names = (*QUICK["corruptions"], "frost")
    frosty = benchmark(run, dataset, **{**QUICK, "corruptions": names}, textures="procedural")
    assert measured == ["frost", "frost"]
    assert frosty.conditions.textures == "procedural"
    assert any("procedural frost, not comparable with published numbers" in note for note in frosty.notes)
    assert benchmark(run, dataset, **QUICK).conditions == frosty.conditions


def test_pictures_that_are_corrupted_already_are_called_so(dataset, tmp_path):
    mixed = write_one_per_image(dataset, tmp_path / "mixed", corruptions=("contrast",), workers=1)
    summary = benchmark(make_run(tmp_path / "run"), mixed, **QUICK)
    assert any("corrupted twice" in note for note in summary.notes)
    assert not any("corrupted twice" in note for note in benchmark(make_run(tmp_path / "b"), dataset, **QUICK).notes)


def test_other_textures_are_other_conditions(dataset, tmp_path, shared):
    run, frost = make_run(tmp_path / "run"), {**QUICK, "corruptions": ("frost",)}
    benchmark(run, dataset, **frost, textures="procedural")
    photographs = str(shared / "data" / "frost")
    with pytest.raises(RunError, match="textures is procedural, here photographs"):
        benchmark(run, dataset, **frost, textures=photographs)
    assert (
        benchmark(run, dataset, **frost, textures=photographs, replace_results=True).conditions.textures
        == "photographs"
    )
    other = make_run(tmp_path / "other", seed=1)
    with pytest.raises(IncomparableError, match="textures is photographs, here procedural"):
        benchmark(other, dataset, **frost, textures="procedural", baseline=run)


def test_refusals(dataset, tmp_path):
    with pytest.raises(ModelError, match=r"no run folder, model file or callable .*nothing"):
        benchmark(tmp_path / "nothing", dataset, **QUICK)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="no model file"):
        benchmark(tmp_path / "empty", dataset, **QUICK)
    with pytest.raises(ModelError, match="knows 3 classes"):
        benchmark(make_run(tmp_path / "three", ("a", "b", "c")), dataset, **QUICK)
    run = make_run(tmp_path / "run")
    empty = Split("val", dataset.val.images[:0], dataset.val.labels[:0], ())
    with pytest.raises(DataError, match="no validation images"):
        benchmark(run, dataclasses.replace(dataset, val=empty), **QUICK)
    benchmark(run, dataset, **QUICK)
    with pytest.raises(IncomparableError, match="preset"):
        benchmark(run, dataset, preset="tiny64", baseline=run, replace_results=True, **QUICK)


def test_cells_from_logits_agree_with_float64_by_hand():
    logits = torch.tensor([[1.0, 3.0, 2.0], [0.0, 0.0, 0.0]])
    cell = make_cell("clean", 0, ["a", "b"], np.array([2, 0]), logits)
    weights = np.exp([1.0, 3.0, 2.0])
    assert cell.top.tolist() == [[1, 2, 0], [0, 1, 2]]  # Equal logits rank by class index.
    assert cell.label_probability == pytest.approx([weights[2] / weights.sum(), 1 / 3])
    assert cell.loss == pytest.approx([np.log(weights.sum()) - 2.0, np.log(3)])
    assert cell.sum_of_squares == pytest.approx([(weights**2).sum() / weights.sum() ** 2, 1 / 3])
