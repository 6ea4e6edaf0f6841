"""A restorer's PSNR and SSIM: against what the definitions say of its pictures, resumable, and refused where due."""

import csv
import signal

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import rugged.benchmark.restorers.restoration as restoration
from rugged.benchmark import benchmark_restorer
from rugged.core.errors import ConfigError, Interrupted, ModelError, RunError
from rugged.corruptions import corrupt
from rugged.data import open_dataset
from rugged.models import RestorerSpec, make_restorer, save_restorer
from rugged.results import RunFolder, read_nearness, read_restoration

QUICK = {"corruptions": ("contrast", "pixelate"), "severities": (2, 5), "device": "cpu"}
SPEC = RestorerSpec(width=4, blocks=(1,), blocks_up=(), dataset="drawn", corruptions=("contrast",))


@pytest.fixture
def dataset(picture_folder):
    return open_dataset(picture_folder)


@pytest.fixture
def make_run(tmp_path):
    """A run folder whose restorer adds so many levels to every value."""

    def make(name, added=0.0):
        network = make_restorer(SPEC)
        nn.init.constant_(network.head[-1].bias, 2 * added / 255)
        for parameter in network.damage.parameters():
            nn.init.zeros_(parameter)
        save_restorer(tmp_path / name / "restorer.safetensors", network, SPEC)
        return tmp_path / name

    return make


def test_what_does_nothing_is_as_good_as_doing_nothing(dataset, make_run):
    summary = benchmark_restorer(make_run("idle"), dataset, **QUICK)
    assert summary.restorer.name == "idle"
    for quality in (summary.clean, summary.mean, *(one.mean for one in summary.corruptions.values())):
        for gains in (quality.psnr_gain, quality.ssim_gain):
            assert (gains["nothing"].value, gains["nothing"].interval) == (0, (0, 0))
    assert (summary.clean.psnr["restored"].value, summary.clean.ssim["restored"].value) == (60, pytest.approx(1))
    assert "classical" not in summary.clean.psnr


def test_values_are_those_of_the_restored_pictures(dataset, make_run):
    run = make_run("brighter", added=20)
    summary = benchmark_restorer(run, dataset, **QUICK)
    clean = torch.from_numpy(dataset.val.images.copy()).permute(0, 3, 1, 2)
    corrupted = corrupt(clean, "contrast", 5, ids=dataset.val.ids).double()
    restored = (corrupted + 20).clamp(0, 255)
    cell = read_nearness(RunFolder(run).nearness, "contrast", 5)
    assert cell.ids == dataset.val.ids
    for name, pictures in (("nothing", corrupted), ("restored", restored)):
        wanted = 10 * torch.log10(255**2 / (pictures - clean).square().mean((1, 2, 3)))
        np.testing.assert_allclose(cell.values[f"psnr_{name}"], wanted)
        assert summary.corruptions["contrast"].severities[1].psnr[name].value == pytest.approx(float(wanted.mean()))
    by_hand = np.mean([cell.values["psnr_restored"] - cell.values["psnr_nothing"]])
    gain = summary.corruptions["contrast"].severities[1].psnr_gain["nothing"]
    assert gain.value == pytest.approx(by_hand)
    assert gain.interval[0] <= gain.value <= gain.interval[1]
    means = [summary.corruptions[name].mean.ssim["classical"].value for name in QUICK["corruptions"]]
    assert summary.mean.ssim["classical"].value == pytest.approx(np.mean(means))


def test_everything_is_written_and_nothing_measured_twice(dataset, make_run, monkeypatch):
    run, measured, original = make_run("gan", 5), [], restoration._Judge.measure

    def counting(self, corruption, severity, stop, bar):
        measured.append((corruption, severity))
        return original(self, corruption, severity, stop, bar)

    monkeypatch.setattr(restoration._Judge, "measure", counting)
    first = benchmark_restorer(run, dataset, **QUICK)
    folder = RunFolder(run)
    table, sheet = folder.restoration_table.read_text(), folder.restoration_sheet.read_bytes()
    again = benchmark_restorer(run, dataset, **{**QUICK, "severities": (2,)})
    assert len(measured) == 5
    assert again == first == read_restoration(folder.restoration)
    assert (folder.restoration_table.read_text(), folder.restoration_sheet.read_bytes()) == (table, sheet)
    rows = list(csv.DictReader(table.splitlines()))
    (row,) = (one for one in rows if tuple(one.values())[:4] == ("pixelate", "5", "psnr", "classical"))
    assert float(row["Value"]) == pytest.approx(
        first.corruptions["pixelate"].severities[1].psnr["classical"].value, 1e-5
    )
    with Image.open(folder.restoration_sheet) as page:
        assert page.size[0] > 4 * 128


def test_an_interrupted_measurement_goes_on(dataset, make_run, tmp_path, monkeypatch):
    run, original = make_run("gan", 5), restoration._Judge.measure

    def stop_in_the_third(self, corruption, severity, stop, bar):
        if severity == 5:
            signal.raise_signal(signal.SIGTERM)
        return original(self, corruption, severity, stop, bar)

    with monkeypatch.context() as patch:
        patch.setattr(restoration._Judge, "measure", stop_in_the_third)
        with pytest.raises(Interrupted, match="2 of 5 cells were measured and saved"):
            benchmark_restorer(run, dataset, **QUICK)
    assert not RunFolder(run).restoration.exists()
    resumed = benchmark_restorer(run, dataset, **QUICK)
    whole = benchmark_restorer(run, dataset, out=tmp_path / "whole", **QUICK)
    assert (resumed.mean, resumed.corruptions) == (whole.mean, whole.corruptions)
    damaged = RunFolder(run).nearness / "contrast-2.parquet"
    damaged.write_bytes(damaged.read_bytes()[:-40])
    assert benchmark_restorer(run, dataset, **QUICK).mean == whole.mean
    # Measured anew after an upgrade: a look at fewer cells that is interrupted takes none away either.
    on, look = restoration.measured_on, {**QUICK, "severities": (2,)}
    monkeypatch.setattr(restoration, "measured_on", lambda fabric: {**on(fabric), "versions": {"torch": "0.0"}})
    with monkeypatch.context() as patch:
        patch.setattr(restoration._Judge, "measure", stop_in_the_third)
        with pytest.raises(Interrupted, match="2 of 5 cells were measured and saved"):
            benchmark_restorer(run, dataset, **look)
    assert not RunFolder(run).restoration.exists()
    assert benchmark_restorer(run, dataset, **look).corruptions == whole.corruptions


def test_corruptions_join_a_frost_that_was_measured_before(dataset, make_run, capsys, monkeypatch):
    """Also where its textures are gone: then the page of pictures is all that is missing."""
    run = make_run("gan", 5)
    frost = {"corruptions": ("frost",), "severities": (2,), "device": "cpu"}
    before = benchmark_restorer(run, dataset, textures="procedural", **frost)
    joined = benchmark_restorer(run, dataset, **{**frost, "corruptions": ("contrast",)})
    assert list(joined.corruptions) == ["frost", "contrast"]
    assert joined.corruptions["frost"] == before.corruptions["frost"]
    assert RunFolder(run).restoration_sheet.exists()

    def gone(*_):
        raise ConfigError("no such textures")

    monkeypatch.setattr("rugged.benchmark.routes.in_memory.choose_textures", gone)
    more = benchmark_restorer(run, dataset, **{**frost, "corruptions": ("pixelate",)})
    assert list(more.corruptions) == ["frost", "contrast", "pixelate"]
    assert read_restoration(RunFolder(run).restoration) == more
    assert not RunFolder(run).restoration_sheet.exists()
    assert "no page of pictures: no such textures" in capsys.readouterr().err


def test_nothing_of_replaced_figures_stays_beside_new_cells(dataset, make_run, monkeypatch):
    run = make_run("gan", 5)
    benchmark_restorer(run, dataset, **QUICK)
    folder = RunFolder(run)
    assert folder.restoration_table.exists()

    def stop(*_):
        signal.raise_signal(signal.SIGTERM)
        return original(*_)

    original = restoration._Judge.measure
    monkeypatch.setattr(restoration._Judge, "measure", stop)
    with pytest.raises(Interrupted):
        benchmark_restorer(run, dataset, seed=1, replace_results=True, **QUICK)
    assert not any(path.exists() for path in (folder.restoration, folder.restoration_table, folder.restoration_sheet))


def test_figures_that_cannot_be_read_are_replaced_only_where_that_is_said(dataset, make_run):
    run = make_run("gan", 5)
    full, path = benchmark_restorer(run, dataset, **QUICK), RunFolder(run).restoration
    path.write_bytes(path.read_bytes()[:-40])
    before = path.read_bytes()
    with pytest.raises(RunError, match=r"restoration\.json is not a restorer's benchmark of format 1 .*--replace"):
        benchmark_restorer(run, dataset, **QUICK)
    assert path.read_bytes() == before
    assert benchmark_restorer(run, dataset, replace_results=True, **QUICK).mean == full.mean


def test_a_restorer_that_was_trained_anew_takes_the_place_of_its_old_figures(dataset, make_run):
    benchmark_restorer(make_run("gan", 5), dataset, **QUICK)
    anew = benchmark_restorer(make_run("gan", 9), dataset, **QUICK)
    assert read_restoration(RunFolder(make_run("gan", 9)).restoration) == anew


def test_what_cannot_be_is_refused(dataset, picture_folder, make_run, tmp_path):
    run, other = make_run("gan", 5), make_run("other", 9)
    benchmark_restorer(run, dataset, **QUICK)
    with pytest.raises(RunError, match="other conditions"):
        benchmark_restorer(run, dataset, seed=1, **QUICK)
    (tmp_path / "there").mkdir()
    benchmark_restorer(run, dataset, out=tmp_path / "there", limit=4, **QUICK)
    with pytest.raises(RunError, match="another restorer"):
        benchmark_restorer(other, dataset, out=tmp_path / "there", **QUICK)
    before = RunFolder(run).restoration.read_bytes()
    for replace in (False, True):
        with pytest.raises(RunError, match="gan is the run folder of something else"):
            benchmark_restorer(other, dataset, out=run, replace_results=replace, **QUICK)
    assert RunFolder(run).restoration.read_bytes() == before
    with pytest.raises(ModelError, match="There is no model file"):
        benchmark_restorer(tmp_path / "none", dataset, **QUICK)
    with pytest.raises(ConfigError, match="'contrats'"):
        benchmark_restorer(run, dataset, corruptions=("contrats",))
    with pytest.raises(ConfigError, match="SSIM needs at least 11 × 11"):
        benchmark_restorer(run, open_dataset(picture_folder, size=10), **QUICK)
