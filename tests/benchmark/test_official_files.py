"""Official files are measured as they are: the right pictures, once, and never mistaken for others."""

import dataclasses
import io
import signal

import numpy as np
import pytest
import torch
from PIL import Image
from tests.data.official.archives import write_folder, write_tar

import rugged.benchmark.grid as grid
from rugged.benchmark import benchmark
from rugged.benchmark.predictions import make_cell
from rugged.benchmark.routes.official_files import _ALIKE, _likeness
from rugged.core.errors import ConfigError, DataError, IncomparableError, Interrupted, ModelError
from rugged.corruptions import choose_textures, corrupt
from rugged.data import open_dataset, write_corrupted
from rugged.data.builtin import draw
from rugged.data.official import collections
from rugged.models import ModelSpec, build, load_model, preprocess, save_model
from rugged.report import write_report
from rugged.results import RunFolder, read_cell, read_summary

QUICK = {"corruptions": ("gaussian_noise", "contrast"), "severities": (1, 5), "device": "cpu"}


@pytest.fixture
def dataset(picture_folder):
    return open_dataset(picture_folder)


def make_run(folder, seed=0):
    """A run folder with an untrained model: its predictions depend on every pixel."""
    torch.manual_seed(seed)
    model = build("timm/resnet10t", 2)
    torch.nn.init.normal_(model.fc.weight)
    save_model(folder / "model.safetensors", model, ModelSpec("timm/resnet10t", ("above", "below"), ("a", "b"), 32))
    return folder


def corrupted_tree(dataset, named=None):
    """``{path: JPEG}`` of the validation pictures with noise; other pictures where they are to have other names."""
    rng = np.random.default_rng(7)
    files = {}
    for corruption in QUICK["corruptions"]:
        for severity in QUICK["severities"]:
            for place, identifier in enumerate(dataset.val.ids):
                wnid, stem = identifier.split("/")
                pixels = dataset.val.images[place].astype(float) if named is None else rng.uniform(0, 255, (32, 32, 3))
                noisy = pixels + rng.normal(0, 8 * severity, pixels.shape)
                stream = io.BytesIO()
                Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(stream, "JPEG", quality=85, optimize=True)
                files[f"{corruption}/{severity}/{wnid}/{stem if named is None else named + stem}.JPEG"] = (
                    stream.getvalue()
                )
    return files


def losses_by_hand(run, tree, corruption, severity):
    """Of the model on the files as Pillow opens them, in the order of their names."""
    model, spec = load_model(run / "model.safetensors")
    paths = sorted(path for path in tree if path.startswith(f"{corruption}/{severity}/"))
    pixels = np.stack([np.asarray(Image.open(io.BytesIO(tree[path]))) for path in paths])
    with torch.no_grad():
        logits = model(preprocess(torch.from_numpy(pixels).permute(0, 3, 1, 2), spec))
    labels = np.array([int("/below/" in path) for path in paths])
    return make_cell(corruption, severity, paths, labels, logits).loss


def cell(run, corruption, severity):
    return read_cell(RunFolder(run).predictions, corruption, severity)


@pytest.mark.parametrize("form", ["folder", "tar"])
def test_the_files_are_measured_as_they_are(dataset, tmp_path, form):
    tree, run = corrupted_tree(dataset), make_run(tmp_path / "run")
    where = write_folder(tmp_path / "c", tree) if form == "folder" else write_tar(tmp_path / "c.tar", tree, "Mine-C/")
    summary = benchmark(run, dataset, official=where, **QUICK)
    conditions = summary.conditions
    assert (conditions.route, conditions.stored, conditions.preset) == ("official files", "jpeg85", "cifar32")
    assert (conditions.images, conditions.clean_images, conditions.collection) == (18, None, None)
    for corruption, severity in conditions.cells[1:]:
        found = cell(run, corruption, severity)
        assert found.ids == dataset.val.ids
        np.testing.assert_allclose(found.loss, losses_by_hand(run, tree, corruption, severity), rtol=1e-4, atol=1e-5)
    assert summary.clean == benchmark(make_run(tmp_path / "b"), dataset, **QUICK).clean
    assert any("no published collection" in note for note in summary.notes)
    assert write_report([run], tmp_path / "page.html").exists()


def test_files_of_other_pictures_are_said_to_be_others(dataset, tmp_path):
    """As Tiny ImageNet-C is made from other photographs than Tiny ImageNet's validation split."""
    tree, run = corrupted_tree(dataset, "test_"), make_run(tmp_path / "run")
    tree = {path: data for path, data in tree.items() if not path.endswith("8.JPEG")}
    summary = benchmark(run, dataset, official=write_folder(tmp_path / "c", tree), **QUICK)
    assert (summary.conditions.images, summary.conditions.clean_images) == (16, 18)
    assert any("are not those of pictures's validation split" in note for note in summary.notes)
    assert cell(run, "clean", 0).ids == dataset.val.ids
    assert all(each.startswith(("above/test_", "below/test_")) for each in cell(run, "contrast", 5).ids)
    assert benchmark(run, dataset, official=tmp_path / "c", **QUICK).errors == summary.errors
    assert write_report([run], tmp_path / "page.html").exists()


def test_a_look_at_pictures_of_no_common_class_keeps_no_samples(dataset, tmp_path):
    tree = {path: data for path, data in corrupted_tree(dataset, "test_").items() if "/below/" in path}
    run, where = make_run(tmp_path / "run"), write_folder(tmp_path / "c", tree)
    benchmark(run, dataset, official=where, **QUICK)
    assert (RunFolder(run).samples / "samples.json").exists()
    assert benchmark(run, dataset, official=where, limit=1, replace_results=True, **QUICK).conditions.images == 1
    assert not (RunFolder(run).samples / "samples.json").exists()
    assert write_report([run], tmp_path / "page.html").exists()


def test_arrays_are_measured_row_by_row(dataset, tmp_path):
    """CIFAR-10-C's layout, whose rows have no names: nobody knows which clean picture is whose."""
    rng, run = np.random.default_rng(3), make_run(tmp_path / "run")
    arrays = {name: rng.integers(0, 256, (5 * 7, 32, 32, 3), dtype=np.uint8) for name in QUICK["corruptions"]}
    labels = np.array([1, 0, 0, 1, 0, 1, 1])
    (tmp_path / "c").mkdir()
    for name, array in {**arrays, "labels": np.tile(labels, 5)}.items():
        np.save(tmp_path / "c" / f"{name}.npy", array)
    summary = benchmark(run, dataset, official=tmp_path / "c", **QUICK)
    model, spec = load_model(run / "model.safetensors")
    with torch.no_grad():
        logits = model(preprocess(torch.from_numpy(arrays["contrast"][28:]).permute(0, 3, 1, 2), spec))
    wanted = make_cell("contrast", 5, labels, labels, logits)
    np.testing.assert_allclose(cell(run, "contrast", 5).loss, wanted.loss, rtol=1e-4, atol=1e-5)
    assert (summary.conditions.images, summary.conditions.clean_images, summary.conditions.stored) == (7, 18, "no")
    assert any("cannot be paired" in note for note in summary.notes)


def test_the_names_alone_do_not_make_pictures_the_same(dataset, tmp_path):
    tree = corrupted_tree(dataset, "")
    summary = benchmark(make_run(tmp_path / "run"), dataset, official=write_folder(tmp_path / "c", tree), **QUICK)
    assert summary.conditions.clean_images == 18


@pytest.mark.parametrize(
    "corruption", ["fog", "gaussian_noise", "zoom_blur", "frost", "brightness", "elastic_transform"]
)
def test_the_same_picture_is_known_under_the_heaviest_corruption(corruption):
    """Else a look at fog alone would take the data set's own pictures for others."""
    clean = np.stack([draw("val", name, index)[0] for name in ("bird", "car", "house", "tree") for index in range(2)])
    images = torch.from_numpy(clean).permute(0, 3, 1, 2).contiguous()
    corrupted = corrupt(images, corruption, 5, textures=choose_textures("procedural")).permute(0, 2, 3, 1).numpy()
    same, others = (np.mean(list(map(_likeness, corrupted, each))) for each in (clean, np.roll(clean, 3, axis=0)))
    assert others < _ALIKE - 0.05 < _ALIKE + 0.05 < same


def test_what_rugged_corrupt_wrote_without_loss_gives_the_figures_in_memory(dataset, tmp_path):
    in_memory = benchmark(make_run(tmp_path / "memory"), dataset, seed=3, **QUICK)
    for file_format in ("png", "npy"):
        out, run = tmp_path / file_format, make_run(tmp_path / f"run-{file_format}")
        parts = {"corruptions": QUICK["corruptions"], "severities": QUICK["severities"]}
        write_corrupted(dataset, out, file_format=file_format, seed=3, workers=1, **parts)
        summary = benchmark(run, dataset, official=out, **QUICK)
        conditions = summary.conditions
        assert summary.errors == in_memory.errors
        assert summary.clean == in_memory.clean
        assert (conditions.route, conditions.stored, conditions.seed) == ("files of rugged corrupt", "no", 3)
        assert conditions.clean_images is None
        np.testing.assert_array_equal(cell(run, "contrast", 5).loss, cell(tmp_path / "memory", "contrast", 5).loss)


def test_variants_of_files_are_those_of_memory(dataset, tmp_path, monkeypatch):
    """Also when pictures are fetched ahead, and adaptation has looked at them in another order before."""
    monkeypatch.setattr("rugged.engine.inference.CHUNK", 5)
    rows, out = ("batchnorm", "pgd"), tmp_path / "png"
    parts = {"corruptions": QUICK["corruptions"], "severities": QUICK["severities"]}
    write_corrupted(dataset, out, file_format="png", workers=1, **parts)
    memory, files = make_run(tmp_path / "memory"), make_run(tmp_path / "files")
    wanted = benchmark(memory, dataset, variants=rows, **QUICK).variants
    assert benchmark(files, dataset, official=out, variants=rows, **QUICK).variants == wanted
    assert len(wanted[0].corruptions) == 2


def test_a_limit_takes_the_same_pictures_of_both(dataset, tmp_path):
    run, where = make_run(tmp_path / "run"), write_folder(tmp_path / "c", corrupted_tree(dataset))
    summary = benchmark(run, dataset, official=where, limit=6, **QUICK)
    assert (summary.conditions.images, summary.conditions.limit, summary.conditions.clean_images) == (6, 6, None)
    assert cell(run, "clean", 0).ids == cell(run, "contrast", 1).ids
    assert np.bincount(cell(run, "contrast", 1).labels).tolist() == [3, 3]


def test_an_interrupted_measurement_goes_on_and_changed_files_are_measured_anew(dataset, tmp_path, monkeypatch):
    tree = corrupted_tree(dataset)
    where = write_folder(tmp_path / "c", tree)
    whole = benchmark(make_run(tmp_path / "whole"), dataset, official=where, **QUICK)
    run, original, measured = make_run(tmp_path / "cut"), grid.GridBench.measure, []

    def watched(self, corruption, severity, stop, bar):
        measured.append((corruption, severity))
        if len(measured) == 3:
            signal.raise_signal(signal.SIGTERM)
        return original(self, corruption, severity, stop, bar)

    monkeypatch.setattr(grid.GridBench, "measure", watched)
    with pytest.raises(Interrupted, match="2 of 5 cells"):
        benchmark(run, dataset, official=where, **QUICK)
    assert benchmark(run, dataset, official=where, **QUICK).errors == whole.errors
    assert len(measured) == 6
    path = f"contrast/5/{dataset.val.ids[0]}.JPEG"
    (where / path).write_bytes(tree[path.replace("/5/", "/1/")])
    benchmark(run, dataset, official=where, **QUICK)
    assert measured[6:] == [("contrast", 5)]


def test_the_second_part_of_a_collection_joins_the_first_where_both_are_there(dataset, tmp_path):
    tree, run = corrupted_tree(dataset), make_run(tmp_path / "run")
    for part in QUICK["corruptions"]:
        write_tar(tmp_path / "c" / f"{part}.tar", {path: data for path, data in tree.items() if path.startswith(part)})
    first, second = (QUICK | {"corruptions": (part,)} for part in QUICK["corruptions"])
    noise = benchmark(run, dataset, official=tmp_path / "c" / "gaussian_noise.tar", **first)
    with pytest.raises(DataError, match=r"also holds gaussian_noise 1, which is not in .*contrast\.tar.*--out"):
        benchmark(run, dataset, official=tmp_path / "c" / "contrast.tar", **second)
    assert read_summary(RunFolder(run).summary) == noise
    both = benchmark(run, dataset, official=tmp_path / "c", **second)
    assert list(both.errors) == ["gaussian_noise", "contrast"]
    assert both.errors["gaussian_noise"] == noise.errors["gaussian_noise"]


def test_refusals(dataset, tmp_path):
    run, where = make_run(tmp_path / "run"), write_folder(tmp_path / "c", corrupted_tree(dataset))
    with pytest.raises(DataError, match="lacks fog 1, fog 5"):
        benchmark(run, dataset, official=where, **QUICK | {"corruptions": ("contrast", "fog")})
    for option in ({"seed": 1}, {"preset": "tiny64"}, {"textures": "procedural"}, {"stored": "jpeg85"}):
        with pytest.raises(ConfigError, match="those of the files"):
            benchmark(run, dataset, official=where, **option, **QUICK)
    other = make_run(tmp_path / "other", seed=1)
    benchmark(other, dataset, **QUICK)
    with pytest.raises(IncomparableError, match="route is in memory, here official files"):
        benchmark(run, dataset, official=where, baseline=other, **QUICK)
    with pytest.raises(IncomparableError, match=r"pictures and classes are those of ImageNet-C, here 18 pictures"):
        benchmark(run, dataset, official=where, baseline="imagenet-c-alexnet", **QUICK)
    with pytest.raises(ModelError, match="no run folder"):
        benchmark(tmp_path / "nothing", dataset, official=where, **QUICK)


def test_the_published_baseline_of_a_known_collection_is_taken_unasked(dataset, tmp_path, monkeypatch, capsys):
    """With a stand-in: a collection of eighteen pictures instead of fifty thousand."""
    listed = "".join(f"{info.id}\n" for info in dataset.classes)
    small = collections._Collection("pictures", "jpeg85", 2, collections.sha256(listed.encode()).hexdigest(), 18, 32)
    monkeypatch.setitem(collections._KNOWN, "ImageNet-C", small)
    where = write_folder(tmp_path / "c", corrupted_tree(dataset))
    run, every = make_run(tmp_path / "run"), QUICK | {"severities": (1, 2, 3, 4, 5)}
    for severity in (2, 3, 4):
        for name in QUICK["corruptions"]:
            (where / name / f"{severity}").symlink_to(where / name / "1")
    with pytest.raises(DataError, match="lacks gaussian_noise 2"):  # Links below the top are not followed.
        benchmark(run, dataset, official=where, **every)
    tree = corrupted_tree(dataset)
    tree |= {p.replace("/1/", f"/{s}/"): data for p, data in tree.items() if "/1/" in p for s in (2, 3, 4)}
    summary = benchmark(run, dataset, official=write_folder(tmp_path / "d", tree), **every)
    assert summary.conditions.collection == "ImageNet-C"
    assert any("of another crop" in note for note in summary.notes)
    assert summary.mce.baseline.name == "ImageNet-C's AlexNet"
    assert summary.corruptions["contrast"].ce == pytest.approx(np.mean(summary.errors["contrast"]) / 0.853204)
    assert "ImageNet-C's AlexNet" in capsys.readouterr().err
    quick = benchmark(make_run(tmp_path / "b"), dataset, official=tmp_path / "d", **QUICK)
    assert quick.mce is None  # Means over five severities are no measure for two.


def test_a_measured_model_becomes_a_baseline(dataset, tmp_path, monkeypatch):
    monkeypatch.setenv("RUGGED_CACHE", str(tmp_path / "cache"))
    first, second = make_run(tmp_path / "first"), make_run(tmp_path / "second", seed=1)
    measured = benchmark(first, dataset, as_baseline="mine", **QUICK)
    own = benchmark(first, dataset, baseline="mine", **QUICK)
    assert own.mce.value == pytest.approx(1.0)
    against = benchmark(second, dataset, baseline="mine", **QUICK)
    assert against == dataclasses.replace(
        benchmark(second, dataset, baseline=first, **QUICK),
        mce=dataclasses.replace(against.mce, baseline=against.mce.baseline),
    )
    assert against.mce.baseline.sha256 == measured.model.sha256
    third = make_run(tmp_path / "third", seed=2)
    for name, message in (("mine", "baseline of another model"), ("", "no name"), ("imagenet-c-alexnet", "comes with")):
        with pytest.raises(ConfigError, match=message):  # Before anything is measured.
            benchmark(third, dataset, as_baseline=name, **QUICK)
    assert not RunFolder(third).predictions.exists()
    benchmark(second, dataset, as_baseline=str(tmp_path / "theirs.json"), **QUICK)
    assert benchmark(second, dataset, baseline=tmp_path / "theirs.json", **QUICK).mce.value == pytest.approx(1.0)
    assert read_summary(RunFolder(second).summary).mce.baseline.name == "theirs"
