"""The whole job: what is saved, that it can be read, and that it is whole or not there."""

import dataclasses
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import nn
from typer.testing import CliRunner

from rugged.cli import app
from rugged.core.errors import ConfigError, DataError, Interrupted, ModelError, ResultsError
from rugged.core.stopping import StopRequest
from rugged.data import ClassInfo, Dataset, open_dataset
from rugged.data.dataset import Split
from rugged.engine import published_network
from rugged.explain import Wanted, depthwise_filters, explain_run, first_filters
from rugged.explain.activations import as_grey, mean_and_strongest
from rugged.explain.measuring import Condition, Look, Measurement, drift_results
from rugged.explain.opening import read_pictures
from rugged.explain.panels import save
from rugged.explain.run import _validation
from rugged.explain.sheets import draw_sheet, mosaic
from rugged.models import ModelSpec, build, save_model
from rugged.results import RunFolder, read_explanations

CLASSES = ("above", "below")


@pytest.fixture
def runs(tmp_path):
    """Two run folders with models that have learnt nothing."""
    folders = []
    for seed, name in enumerate(("b0", "b1")):
        torch.manual_seed(seed)
        spec = ModelSpec("timm/test_resnet", CLASSES, CLASSES, 32)
        folders.append(tmp_path / name)
        save_model(RunFolder(folders[-1]).model, build(spec.architecture, 2), spec)
    return folders


@pytest.fixture
def dataset(picture_folder):
    return open_dataset(picture_folder)


QUICK = Wanted(corruptions=("contrast",), severities=(2, 5), count=6, shown=2)


def test_what_is_saved_can_be_read_without_torch(runs, dataset):
    folder = explain_run(runs, dataset, wanted=QUICK, device="cpu", command="rugged explain")
    assert folder == RunFolder(runs[0]).explanations
    found = read_explanations(folder)
    assert [model.name for model in found.models] == ["b0", "b1"]
    assert all("×" in model.layer for model in found.models)
    assert [picture.label for picture in found.pictures] == [0, 1]
    kinds = [panel.kind for panel in found.panels]
    assert kinds == ["models", "severities", "severities", "filters", "activations", "filters", "activations"]
    assert len(found.tiles) == 2 * 3 * 2
    for tile in found.tiles:
        assert (tile.drift is None) == (tile.corruption == "clean" or tile.empty)
        with Image.open(folder / tile.file) as image:
            assert image.size == (32, 32)
        assert tile.probability >= 0.5 >= 1 - tile.probability
    assert [(each.model, each.severity, each.images + each.undefined) for each in found.drifts] == [
        (0, 2, 6), (1, 2, 6), (0, 5, 6), (1, 5, 6),
    ]  # fmt: skip
    assert found.pointing == ()
    for panel in found.panels:
        with Image.open(folder / panel.file) as image:
            assert min(image.size) > 100
    code = "import sys; from rugged.results import read_explanations; from pathlib import Path\n"
    code += "read_explanations(Path(sys.argv[1])); print('torch' in sys.modules)"
    told = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True)
    assert told.stdout == "False\n"


def test_a_rerun_gives_the_same_bytes_and_leaves_nothing_old(runs, dataset):
    folder = explain_run(runs[:1], dataset, wanted=QUICK, device="cpu")
    before = {path.name: path.read_bytes() for path in folder.rglob("*.*") if path.is_file()}
    (folder / "mine.txt").write_text("kept")
    assert explain_run(runs[:1], dataset, wanted=QUICK, device="cpu") == folder
    assert {path.name: path.read_bytes() for path in folder.rglob("*.*") if path.is_file()} == {
        **before, "mine.txt": b"kept",
    }  # fmt: skip
    next((folder / "tiles").iterdir()).unlink()  # Of an index that is not whole the rest is as old.
    explain_run(runs[:1], dataset, wanted=Wanted(count=2, shown=1), device="cpu")
    assert len(list((folder / "tiles").iterdir())) == 1
    assert "1 picture, one to a row" in read_explanations(folder).panels[0].alternative
    assert not list(folder.glob("severities*"))


def test_what_a_killed_run_has_drawn_is_known_by_its_name(runs, dataset):
    wanted = dataclasses.replace(QUICK, methods=("grad_cam", "integrated_gradients"))
    folder = explain_run(runs, dataset, wanted=wanted, device="cpu")
    kinds = {panel.kind for panel in read_explanations(folder).panels}
    assert kinds == {"methods", "models", "severities", "filters", "activations"}
    (folder / "index.json").unlink()  # It is written last.
    mine = {"models-mine.png", "filters-first.png", "tiles/mine.png", "tiles/0-0-grad_cam-contrast-2.jpg"}
    for name in mine:
        (folder / name).write_text("kept")
    explain_run(runs[:1], dataset, wanted=Wanted(("saliency",), count=2, shown=1), device="cpu")
    left = {path.relative_to(folder).as_posix() for path in folder.rglob("*.*") if path.is_file()}
    assert left - mine == {*read_explanations(folder).files, "index.json", ".lock"}
    assert mine <= left


def test_in_a_folder_where_nothing_was_explained_a_file_of_such_a_name_is_somebody_elses(runs, dataset, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "filters-12.png").write_text("kept")
    explain_run(runs[:1], dataset, wanted=Wanted(("saliency",), count=2, shown=1), out=tmp_path / "out", device="cpu")
    assert (tmp_path / "out" / "filters-12.png").read_text() == "kept"


@pytest.mark.parametrize("theirs", ['{"name": "my page", "version": 3}', '["a.html"]', "no JSON", '{"format": 1}'])
def test_an_index_of_somebody_elses_is_kept(theirs, runs, dataset, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "index.json").write_text(theirs)
    with pytest.raises(ConfigError, match=r"is no index of explanations; it would be lost\. Choose another folder"):
        explain_run(runs[:1], dataset, wanted=QUICK, out=tmp_path / "out", device="cpu")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["index.json"]
    assert (tmp_path / "out" / "index.json").read_text() == theirs


def test_explanations_of_another_version_are_replaced(runs, dataset):
    """As the message about them says."""
    folder = explain_run(runs[:1], dataset, wanted=Wanted(count=2, shown=1), device="cpu")
    index = json.loads((folder / "index.json").read_text())
    (folder / "index.json").write_text(json.dumps({**index, "format": 2}))
    with pytest.raises(ResultsError, match="Run `rugged explain` again"):
        read_explanations(folder)
    explain_run(runs[:1], dataset, wanted=Wanted(count=2, shown=1), device="cpu")
    assert read_explanations(folder).tiles


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--severities", "3"), "--severities means nothing without --corruptions"),
        (("--preset", "tiny64"), "--preset means nothing without --corruptions"),
        (("--textures", "procedural"), "--textures means nothing without --corruptions"),
        (("--seed", "1"), "--seed means nothing without --corruptions"),
        (("--ids", "above/0", "--limit", "3"), "--limit means nothing with --ids"),
        (("--pictures", "cat.png", "--shown", "3"), "--shown means nothing with --ids or --pictures"),
    ],
)
def test_options_that_would_not_be_obeyed_are_refused(options, message, monkeypatch):
    monkeypatch.setattr("rugged.core.progress._console", None)
    called = CliRunner().invoke(app, ["explain", "run", *options])
    assert called.exit_code == 1
    assert message in " ".join(called.output.split())


def test_interrupted_explanations_are_not_there(runs, dataset, monkeypatch):
    folder = explain_run(runs[:1], dataset, wanted=QUICK, device="cpu")
    whole = Measurement.looks
    monkeypatch.setattr(Measurement, "looks", lambda self, stop: whole(self, StopRequest(2)))
    with pytest.raises(Interrupted, match="run the same command again"):
        explain_run(runs[:1], dataset, wanted=QUICK, device="cpu")
    with pytest.raises(ResultsError, match="no explanations yet"):
        read_explanations(folder)
    monkeypatch.undo()
    explain_run(runs[:1], dataset, wanted=QUICK, device="cpu")
    assert read_explanations(folder).tiles


def test_several_methods_and_a_class_by_name(runs, dataset, tmp_path):
    wanted = Wanted(("saliency", "occlusion"), target="BELOW", count=2, shown=2)
    found = read_explanations(explain_run(runs[:1], dataset, wanted=wanted, out=tmp_path / "out", device="cpu"))
    assert [panel.kind for panel in found.panels] == ["methods", "filters", "activations"]
    assert {tile.target for tile in found.tiles} == {1}
    assert found.models[0].layer is None


def test_classes_of_one_name_are_told_apart(runs, dataset, monkeypatch):
    """A crane is a bird and a machine: in the index, beside pictures, beneath maps and in the line on top."""
    sheets = []
    monkeypatch.setattr("rugged.explain.panels.draw_sheet", lambda sheet: sheets.append(sheet) or draw_sheet(sheet))
    cranes = dataclasses.replace(dataset, classes=tuple(ClassInfo(name, "crane") for name in CLASSES))
    wanted = Wanted(target="below", count=2, shown=2)
    found = read_explanations(explain_run(runs[:1], cranes, wanted=wanted, device="cpu"))
    assert found.classes == ("crane (above)", "crane (below)")
    page = sheets[0]
    assert "speaks for crane (below)" in page.note
    assert [row.labels[0] for row in page.rows] == list(found.classes)
    answers = [found.classes[tile.predicted] for tile in found.tiles]
    beneath = [row.cells[1].lines for row in page.rows]
    assert all(answer in lines[0] for answer, lines in zip(answers, beneath, strict=True))
    assert all(second in ("map of crane (below)", "empty: nothing for it") for _, second in beneath)


def test_pages_keep_every_colour(tmp_path):
    """A palette of 256 would bend these; a page's maps would change with what else stands on it."""
    pixels = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    save(Image.fromarray(pixels), tmp_path / "page.png")
    with Image.open(tmp_path / "page.png") as image:
        assert image.mode == "RGB"
        np.testing.assert_array_equal(np.asarray(image), pixels)


def test_a_mean_over_few_pictures_has_no_interval():
    def result(drifts):
        look = Look(0, "grad_cam", Condition("fog", 1), *[np.zeros(1)] * 3, 0, np.array(drifts))
        return next(drift_results([look]))

    few = result([*[0.25] * 4, 0.75, np.nan])
    assert (few.images, few.undefined, few.mean, few.interval) == (5, 1, pytest.approx(0.35), None)
    assert result([np.nan]).mean is None
    enough = result([0.25] * 10)
    assert enough.interval == (0.25, 0.25)


def test_where_maps_are_empty_another_layer_is_named(runs, dataset, monkeypatch):
    monkeypatch.setattr("rugged.explain.measuring.maps_of", lambda network, images, *_, **__: images[:, 0] * 0.0)
    for method, advice in (("grad_cam", " Another --layer may help."), ("saliency", "")):
        found = read_explanations(explain_run(runs[:1], dataset, wanted=Wanted((method,), count=2), device="cpu"))
        assert f"In 2 of 2 maps nothing speaks for the class: they are empty and have no drift.{advice}" in found.notes


@pytest.mark.parametrize(("empty", "undefined"), [((1,), [6, 0]), ((0,), [6, 6]), ((), [0, 0])])
def test_signed_maps_that_are_empty_have_no_drift(empty, undefined, runs, dataset, monkeypatch):
    """They vary below zero, so that a correlation could be had; the note says that they have no drift."""
    made = iter(range(3))  # Clean, and two severities.
    monkeypatch.setattr(
        "rugged.explain.measuring.maps_of",
        lambda network, images, *_, **__: images[:, 0].float() - 256 * (next(made) in empty),
    )
    wanted = dataclasses.replace(QUICK, methods=("occlusion",))
    found = read_explanations(explain_run(runs[:1], dataset, wanted=wanted, device="cpu"))
    assert [each.undefined for each in found.drifts] == undefined
    assert [each.mean is None for each in found.drifts] == [count == 6 for count in undefined]
    assert [any("6 of 18 maps" in note for note in found.notes)] == [bool(empty)]
    corrupted = [tile for tile in found.tiles if tile.severity]
    assert [tile.drift is None for tile in corrupted] == [undefined[tile.severity == 5] == 6 for tile in corrupted]


def test_files_are_explained_too(runs, tmp_path):
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8)).save(tmp_path / "my.png")
    runner = CliRunner()
    done = runner.invoke(app, ["explain", str(runs[0]), "--pictures", str(tmp_path / "my.png"), "--device", "cpu"])
    assert done.exit_code == 0, done.output
    folder = RunFolder(runs[0]).explanations
    *_, pages = done.stdout.partition("Pages to look at:\n")
    assert pages.splitlines() == [
        *(f"  {folder}/{name}" for name in ("models-grad_cam.png", "filters-0.png", "activations-0.png")), str(folder),
    ]  # fmt: skip
    found = read_explanations(RunFolder(runs[0]).explanations)
    assert [(picture.id, picture.label) for picture in found.pictures] == [("my", None)]
    assert found.classes == CLASSES


def test_published_weights_bring_their_classes_and_are_known_by_their_hash(tmp_path, monkeypatch):
    weights = tmp_path / "weights.safetensors"
    save_file(build("torchvision/squeezenet1_1", 1000).state_dict(), weights)
    monkeypatch.setattr(
        "rugged.engine.subject.published_network",
        lambda name, data, fabric, _: published_network(name, data, fabric, weights),
    )
    Image.new("RGB", (64, 64), "red").save(tmp_path / "red.png")
    folder = explain_run(
        ["squeezenet1_1"],
        files=[tmp_path / "red.png"],
        wanted=Wanted(target="Goldfish"),
        out=tmp_path / "out",
        device="cpu",
    )
    found = read_explanations(folder)
    assert (len(found.classes), found.tiles[0].target) == (1000, 1)
    assert re.fullmatch("[0-9a-f]{64}", found.models[0].sha256)


def test_what_only_answers_cannot_be_explained(dataset, tmp_path, monkeypatch):
    (tmp_path / "theirs.py").write_text("def answer(images):\n    return images.float().mean((2, 3))[:, :2]\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModelError, match="nobody can look inside"):
        explain_run(["theirs:answer"], dataset, device="cpu")


def test_a_method_named_twice_is_asked_once(runs, dataset):
    wanted = dataclasses.replace(QUICK, methods=("saliency", "saliency"))
    found = read_explanations(explain_run(runs[:1], dataset, wanted=wanted, device="cpu"))
    assert found.methods == ("saliency",)
    assert [panel.kind for panel in found.panels] == ["models", "severities", "filters", "activations"]
    assert [(each.corruption, each.severity) for each in found.drifts] == [("contrast", 2), ("contrast", 5)]


def test_those_to_be_shown_are_some_of_those_that_figures_are_over():
    """Of ten classes with a picture each every other one, and of these five the first and the third."""
    infos = tuple(ClassInfo(name, name) for name in "abcdefghij")
    split = Split("val", np.zeros((10, 8, 8, 3), np.uint8), np.arange(10), tuple(f"{info.id}/0" for info in infos))
    found = _validation(Dataset("ten", infos, split, split, "0" * 64, (), Path()), Wanted(count=5, shown=2))
    assert found.ids == ("a/0", "e/0", "c/0", "g/0", "i/0")


def test_named_pictures_are_shown(runs, dataset):
    ids = (dataset.val.ids[5], dataset.val.ids[1])
    found = read_explanations(explain_run(runs[:1], dataset, wanted=Wanted(ids=ids), device="cpu"))
    assert tuple(picture.id for picture in found.pictures) == ids


def test_what_does_not_fit_is_refused_before_anything_is_written(runs, dataset, tmp_path):
    def refused(error, match, models=runs[:1], data=dataset, files=(), **wanted):
        with pytest.raises(error, match=match):
            explain_run(models, data, files=files, wanted=Wanted(**wanted), device="cpu")

    refused(ConfigError, "at least one model", models=[])
    refused(ConfigError, "Say what to explain", data=None)
    refused(ConfigError, "no method 'cam'", methods=("cam",))
    refused(ConfigError, "no class 'abov'. Did you mean 'above'", target="abov")
    refused(ConfigError, "--layer is for grad_cam", methods=("saliency",), layer="layer1")
    refused(ModelError, "no layer 'layerx'", layer="layerx")
    refused(ModelError, "no layer 'layerx'", activations=("layer1", "layerx"))
    refused(ConfigError, "no corruption", corruptions=("fogg",))
    for wrong in (0, 2.5, float("nan"), "3"):
        refused(ConfigError, f"The count is {wrong!r}; expected at least 1, and a whole number", count=wrong)
        refused(ConfigError, f"The number of pictures shown is {wrong!r}; expected at least 1,", shown=wrong)
    refused(DataError, "no validation picture 'x/y'", ids=("x/y",))
    refused(ConfigError, "was named twice", ids=(dataset.val.ids[0],) * 2)
    refused(ModelError, "no run folder, model file or callable resnet19", models=["resnet19"])
    refused(DataError, "cannot be explained: unreadable", files=(tmp_path / "x.png",))
    (tmp_path / "x.png").write_text("no")
    refused(DataError, "cannot be explained: not a picture", files=(tmp_path / "x.png",))
    assert not RunFolder(runs[0]).explanations.exists()


def test_a_damaged_index_is_told(runs, dataset):
    folder = explain_run(runs[:1], dataset, wanted=Wanted(count=2, shown=1), device="cpu")
    index = folder / "index.json"
    good = json.loads(index.read_text())
    for change, match in (
        ({"format": 2}, "not an index of explanations of format 1"),
        ({"panels": [{**good["panels"][0], "file": "../x.png"}]}, "not in its folder"),
        ({"tiles": [{**good["tiles"][0], "model": 3}]}, "does not list"),
        ({"tiles": [{**good["tiles"][0], "predicted": 2}]}, "does not list"),
    ):
        index.write_text(json.dumps({**good, **change}))
        with pytest.raises(ResultsError, match=match):
            read_explanations(folder)
    index.write_text(json.dumps(good))
    (folder / good["tiles"][0]["file"]).unlink()
    with pytest.raises(ResultsError, match="not in its folder"):
        read_explanations(folder)


def test_files_of_one_name_are_told_apart_by_their_paths(tmp_path):
    files = [tmp_path / place for place in ("a/cat.png", "b/cat.png", "b/dog.png")]
    for file in files:
        file.parent.mkdir(exist_ok=True)
        Image.new("RGB", (8, 8)).save(file)
    assert read_pictures(files, 8).ids == (str(files[0]), str(files[1]), "dog")
    assert read_pictures(files[1:], 8).ids == ("cat", "dog")


def test_filters_are_pictures_of_weights():
    network = build("torchvision/mobilenet_v2", 2)
    layer = network.features[0][0]
    with torch.no_grad():
        layer.weight.zero_()
        layer.weight[0, 0, 1, 1] = 2.0
        layer.weight[0, 2, 0, 0] = -2.0
    name, filters = first_filters(network)
    assert (name, filters.shape) == ("features.0.0", (32, 3, 3, 3))
    assert filters[0, 1, 1].tolist() == [255, 128, 128]
    assert filters[0, 0, 0].tolist() == [128, 128, 0]
    assert (filters[1] == 128).all()
    names = [name for name, _ in depthwise_filters(network)]
    assert names == ["features.1.conv.0.0", "features.2.conv.1.0", "features.3.conv.1.0"]
    assert depthwise_filters(build("torchvision/resnet18", 2)) == []


@pytest.mark.parametrize("weight", [float("inf"), float("nan")])
def test_filters_that_are_not_finite_are_refused(weight):
    network = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Conv2d(2, 2, 3, groups=2))
    for layer, filters in zip(network, (first_filters, depthwise_filters), strict=True):
        with torch.no_grad():
            layer.weight[0, 0, 1, 1] = weight
        with pytest.raises(ModelError, match="filters are not finite"):
            filters(network)


def test_activations_are_the_mean_and_the_strongest():
    maps = torch.tensor([[[1.0, 1]], [[-9, 0]], [[0, 2]]])
    assert mean_and_strongest(maps, 2).tolist() == [[[pytest.approx(-8 / 3), 1]], [[-9, 0]], [[1, 1]]]
    assert as_grey(np.array([[[1.0, 3], [2, 1]], [[4, 4], [4, 4]]]))[..., 0].tolist() == [
        [[0, 255], [128, 0]], [[0, 0], [0, 0]],
    ]  # fmt: skip


def test_a_mosaic_lays_tiles_out_in_rows():
    tiles = np.arange(3, dtype=np.uint8)[:, None, None, None] * np.ones((1, 1, 2, 3), np.uint8)
    page = mosaic(tiles, columns=2, scale=2, gap=1)
    assert page.shape == (5, 9, 3)
    assert (page[:2, :4] == 0).all()
    assert (page[:2, 5:] == 1).all()
    assert (page[3:, :4] == 2).all()


@pytest.mark.parametrize(
    ("asked", "what"),
    [
        ({"models": "runs/a"}, "models, not the text 'runs/a'"),
        ({"models": Path("runs/a")}, "models, not the path 'runs/a'"),
        ({"files": "a.png"}, "picture files, not the text 'a.png'"),
        ({"wanted": Wanted(methods="saliency")}, "methods, not the text 'saliency'"),
        ({"wanted": Wanted(ids="a/1")}, "ids, not the text 'a/1'"),
    ],
)
def test_one_text_is_no_list(asked, what):
    with pytest.raises(ConfigError, match=f"Expected a list of {what}"):
        explain_run(**{"models": ["runs/a"], "files": ["a.png"], **asked})
