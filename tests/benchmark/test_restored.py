"""A restorer before the classifier: what it must not change, what it does, resumable, and refused where it is none."""

import signal

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import rugged.benchmark.grid as grid
from rugged.benchmark import benchmark
from rugged.benchmark.predictions import make_cell
from rugged.core.errors import ConfigError, Interrupted, ModelError
from rugged.corruptions import corrupt
from rugged.data import open_dataset
from rugged.models import (
    ModelSpec,
    RestorerSpec,
    build,
    load_model,
    make_restorer,
    preprocess,
    save_model,
    save_restorer,
)
from rugged.results import RunFolder, read_cell, read_cells, read_restored, read_summary, restored_path

QUICK = {"corruptions": ("contrast", "pixelate"), "severities": (2, 5), "device": "cpu"}
COLUMNS = ("top", "top_probabilities", "label_probability", "loss", "sum_of_squares")
SPEC = RestorerSpec(
    width=4, blocks=(1,), blocks_up=(), dataset="drawn", corruptions=("contrast", "gaussian_blur"), content_model="net"
)


@pytest.fixture
def dataset(picture_folder):
    return open_dataset(picture_folder)


@pytest.fixture
def run(tmp_path):
    torch.manual_seed(0)
    model = build("timm/resnet10t", 2)
    nn.init.normal_(model.get_classifier().weight)
    save_model(
        tmp_path / "run" / "model.safetensors", model, ModelSpec("timm/resnet10t", *[("above", "below")] * 2, 32)
    )
    return tmp_path / "run"


def make_restorer_file(path, added=0.0):
    """One that adds so many levels to every value."""
    network = make_restorer(SPEC)
    nn.init.constant_(network.head[-1].bias, 2 * added / 255)
    for parameter in network.damage.parameters():  # A gate of a half.
        nn.init.zeros_(parameter)
    save_restorer(path, network, SPEC)
    return path


def assert_same(cell, other):
    for column in COLUMNS:
        np.testing.assert_array_equal(getattr(cell, column), getattr(other, column))


def test_a_restorer_that_does_nothing_changes_nothing(dataset, run, tmp_path):
    gan = make_restorer_file(tmp_path / "gan" / "restorer.safetensors")
    summary = benchmark(run, dataset, restorers=[gan.parent], **QUICK)
    (row,) = summary.variants
    assert row.label == "restored by gan"
    assert "contrast, gaussian_blur on pictures of drawn, to look right to net) restores every picture" in row.how
    plain, restored = (read_cells(one) for one in (RunFolder(run).predictions, RunFolder(run).variant(row.name)))
    assert plain.keys() == restored.keys()
    for key, cell in plain.items():
        assert_same(cell, restored[key])
    for change in (row.changes.clean, row.changes.mean, *row.changes.corruptions.values()):
        assert (change.points, change.interval) == (0, (0, 0))
    assert row.clean == summary.clean
    assert {name: one.error for name, one in row.corruptions.items()} == summary.errors


def test_the_classifier_sees_restored_pictures_clean_ones_too(dataset, run, tmp_path):
    gan = make_restorer_file(tmp_path / "brighter.safetensors", added=50)
    summary = benchmark(run, dataset, restorers=[gan], **QUICK)
    (row,) = summary.variants
    model, spec = load_model(run / "model.safetensors")
    clean = torch.from_numpy(dataset.val.images.copy()).permute(0, 3, 1, 2)
    pictures = {("clean", 0): clean, ("contrast", 5): corrupt(clean, "contrast", 5, ids=dataset.val.ids)}
    for (name, severity), images in pictures.items():
        brighter = (images.float() + 50).clamp(0, 255).to(torch.uint8)
        assert (brighter != images).any()
        with torch.no_grad():
            wanted = make_cell(name, severity, (), dataset.val.labels, model(preprocess(brighter, spec)))
        cell = read_cell(RunFolder(run).variant(row.name), name, severity)
        for column in COLUMNS:
            np.testing.assert_allclose(getattr(cell, column), getattr(wanted, column), rtol=2e-3, atol=2e-4)


def test_restorers_do_not_take_each_others_place_and_nothing_is_measured_twice(
    dataset, run, tmp_path, monkeypatch, capsys
):
    measured, original = [], grid.GridBench.measure

    def counting(self, corruption, severity, stop, bar):
        measured.append(corruption)
        return original(self, corruption, severity, stop, bar)

    monkeypatch.setattr(grid.GridBench, "measure", counting)
    first, second = (
        make_restorer_file(tmp_path / f"{name}.safetensors", added) for name, added in (("a", 9), ("b", 90))
    )
    one = benchmark(run, dataset, restorers=[first], **QUICK)
    two = benchmark(run, dataset, restorers=[second], **QUICK)
    assert "add --restore for a again" in capsys.readouterr().err
    both = benchmark(run, dataset, restorers=[first, second], **QUICK)
    assert len(measured) == 15
    assert both.variants == (*one.variants, *two.variants)
    assert read_summary(RunFolder(run).summary) == both
    assert len({row.name for row in both.variants}) == 2


def test_on_clean_pictures_alone_a_restorer_has_its_name_and_its_difference(dataset, run, tmp_path, capsys):
    gan = make_restorer_file(tmp_path / "gan.safetensors", 90)
    summary = benchmark(run, dataset, restorers=[gan], corruptions=(), device="cpu")
    (row,) = summary.variants
    assert row.label == "restored by gan"
    assert row.changes.clean.points == pytest.approx(row.clean.error - summary.clean.error)
    benchmark(run, dataset, corruptions=(), device="cpu")
    assert "add --restore for gan again" in capsys.readouterr().err


def test_an_interrupted_measurement_goes_on(dataset, run, tmp_path, monkeypatch):
    gan, original = make_restorer_file(tmp_path / "gan.safetensors", 40), grid.GridBench.measure

    def stop_in_the_third(self, corruption, severity, stop, bar):
        if self.variant is not None and severity == 5:
            signal.raise_signal(signal.SIGTERM)
        return original(self, corruption, severity, stop, bar)

    with monkeypatch.context() as patch:
        patch.setattr(grid.GridBench, "measure", stop_in_the_third)
        with pytest.raises(Interrupted, match="2 of 5 cells were measured and saved"):
            benchmark(run, dataset, restorers=[gan], **QUICK)
    resumed = benchmark(run, dataset, restorers=[gan], **QUICK)
    again = benchmark(run, dataset, out=tmp_path / "again", restorers=[gan], **QUICK)
    assert resumed.variants == again.variants


def test_what_the_restorer_was_trained_on_counts_as_seen(dataset, run, tmp_path):
    gan = make_restorer_file(tmp_path / "gan.safetensors", 40)
    summary = benchmark(run, dataset, restorers=[gan], **QUICK)
    assert summary.seen_in_training == ()
    assert summary.variants[0].seen_in_training == ("contrast",)  # Gaussian blur is no part of the benchmark.


def test_pictures_are_kept_as_they_are_and_restored(dataset, run, tmp_path):
    gan = make_restorer_file(tmp_path / "gan.safetensors", 50)
    (row,) = benchmark(run, dataset, restorers=[gan], **QUICK).variants
    folder = RunFolder(run).variant(row.name)
    index = read_restored(folder)
    assert [(strip.corruption, strip.severities) for strip in index.strips] == [
        ("contrast", (0, 2, 5)),
        ("pixelate", (0, 2, 5)),
    ]
    page = np.asarray(Image.open(restored_path(folder)))
    strip = index.strips[1]
    place = dataset.val.ids.index(strip.id)
    clean = torch.from_numpy(dataset.val.images[place : place + 1].copy()).permute(0, 3, 1, 2)
    worst = corrupt(clean, "pixelate", 5, ids=[strip.id])
    brighter = (worst.float() + 50).clamp(0, 255).to(torch.uint8)
    side = index.width
    shown = [page[side : 2 * side, left : left + side] for left in (0, 4 * side, 5 * side)]
    for pixels, wanted in zip(shown, (clean, worst, brighter), strict=True):
        np.testing.assert_allclose(pixels, wanted[0].permute(1, 2, 0), atol=1)
    restored_path(folder).unlink()
    benchmark(run, dataset, restorers=[gan], **QUICK)
    assert (np.asarray(Image.open(restored_path(folder))) == page).all()


def test_what_is_no_restorer_is_refused_before_anything_is_measured(dataset, run, tmp_path):
    gan = make_restorer_file(tmp_path / "gan.safetensors")
    with pytest.raises(ModelError, match="is a classifier"):
        benchmark(run, dataset, restorers=[run / "model.safetensors"], **QUICK)
    with pytest.raises(ModelError, match=r"restorer\.safetensors"):
        benchmark(run, dataset, restorers=[run], **QUICK)
    with pytest.raises(ConfigError, match="Expected a list of restorers, not the path"):
        benchmark(run, dataset, restorers=gan, **QUICK)
    with pytest.raises(ConfigError, match="given twice"):
        benchmark(run, dataset, restorers=[gan, gan], **QUICK)
    assert not (run / "benchmark").exists()
