"""Exported files, run by ONNX Runtime on raw pictures, against the networks themselves."""

import json
import sys
from dataclasses import replace

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from PIL import Image
from torch import nn

from rugged import Classifier
from rugged.benchmark import benchmark
from rugged.cli import main
from rugged.core.errors import ConfigError, ModelError
from rugged.data import open_dataset
from rugged.engine import Network
from rugged.export import export_model, graph
from rugged.export.verifying import TOLERANCE, some_pictures
from rugged.models import ModelSpec, build, load_model, preprocess, save_model
from rugged.results import RunFolder, read_summary

CLASSES, NAMES = ("n1", "n2", "n3"), ("hen", "crane", "crane")
ODD = {"mean": (0.3, 0.4, 0.5), "std": (0.2, 0.25, 0.3), "training_operations": ("flip", "gaussian_noise")}


def saved(path, architecture, size, classes=CLASSES, names=NAMES, seed=0):
    torch.manual_seed(seed)
    model = build(architecture, len(classes))
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):  # As after training: statistics that are not the initial ones.
            nn.init.uniform_(module.running_var, 0.5, 2)
    save_model(path, model, ModelSpec(architecture, classes, names, size, **ODD))
    return path


@pytest.mark.parametrize(
    ("architecture", "size"),
    [
        ("timm/test_vit", 160),
        ("timm/test_efficientnet", 48),
        ("torchvision/squeezenet1_0", 64),
        ("rugged/alexnet64", 64),
        ("rugged/resnet12_slim", 64),
    ],
)
def test_the_file_answers_for_raw_pictures_as_the_network_does(architecture, size, tmp_path):
    file = saved(tmp_path / "run" / "model.safetensors", architecture, size)
    exported = export_model(file.parent, tmp_path / "out.onnx")
    assert exported.difference < TOLERANCE
    session = onnxruntime.InferenceSession(tmp_path / "out.onnx")
    model, spec = load_model(file)
    rng = np.random.default_rng(0)
    for count, height, width in ((1, size, size), (3, 3 * size + 1, size // 2), (2, 40, 61)):
        pictures = rng.integers(0, 256, (count, height, width, 3), dtype=np.uint8)
        probabilities, logits = session.run(["probabilities", "logits"], {"images": pictures})
        with torch.no_grad():
            expected = model(preprocess(torch.from_numpy(pictures).permute(0, 3, 1, 2), spec))
        np.testing.assert_allclose(logits, expected, atol=1e-4)
        np.testing.assert_allclose(probabilities, expected.softmax(1), atol=1e-5)


def test_the_file_says_what_it_is(tmp_path):
    export_model(saved(tmp_path / "model.safetensors", "timm/test_resnet", 32), tmp_path / "out.onnx")
    file = onnx.load(tmp_path / "out.onnx")
    onnx.checker.check_model(file, full_check=True)
    told = json.loads({each.key: each.value for each in file.metadata_props}["rugged.model"])
    assert (told["classes"], told["class_names"], told["input_size"]) == (list(CLASSES), list(NAMES), 32)
    assert {key: tuple(told[key]) for key in ODD} == ODD
    [entry] = file.graph.input
    assert entry.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert [dim.dim_param or dim.dim_value for dim in entry.type.tensor_type.shape.dim] == [
        "batch",
        "height",
        "width",
        3,
    ]
    assert [result.name for result in file.graph.output] == ["probabilities", "logits"]
    assert [each.version for each in file.opset_import if not each.domain] == [18]


def test_the_same_model_gives_the_same_bytes(tmp_path):
    file = saved(tmp_path / "model.safetensors", "timm/test_resnet", 32)
    for name in ("a.onnx", "b.onnx"):
        export_model(file, tmp_path / name)
    assert (tmp_path / "a.onnx").read_bytes() == (tmp_path / "b.onnx").read_bytes()


def test_the_file_is_benchmarked_with_the_models_own_table(picture_folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    dataset = open_dataset(picture_folder)
    ids = tuple(info.id for info in dataset.classes)
    saved(tmp_path / "run" / "model.safetensors", "timm/test_resnet", 48, ids, ids)
    export_model("run", tmp_path / "out.onnx", dataset)
    options = {"corruptions": ("contrast", "shot_noise"), "severities": (2, 4), "device": "cpu"}
    ours, theirs = benchmark("run", dataset, **options), benchmark("out.onnx", dataset, **options)
    assert read_summary(RunFolder(tmp_path / "runs" / "out").summary) == theirs
    assert theirs.model.architecture == "onnx of timm/test_resnet"
    assert theirs.model.training_operations == ODD["training_operations"]
    assert theirs.seen_in_training == ours.seen_in_training == ("gaussian_noise",)
    assert theirs.clean.loss == pytest.approx(ours.clean.loss, abs=1e-5)
    for name in options["corruptions"]:
        assert theirs.corruptions[name].error == ours.corruptions[name].error
        assert theirs.corruptions[name].loss == pytest.approx(ours.corruptions[name].loss, abs=1e-5)


def test_a_file_for_other_classes_is_not_benchmarked(picture_folder, tmp_path):
    export_model(saved(tmp_path / "model.safetensors", "timm/test_resnet", 32), tmp_path / "out.onnx")
    with pytest.raises(ModelError, match="knows 3 classes"):
        benchmark(tmp_path / "out.onnx", open_dataset(picture_folder), out=tmp_path / "out")


def test_the_file_is_a_classifier_as_the_run_is(tmp_path):
    saved(tmp_path / "run" / "model.safetensors", "timm/test_resnet", 32)
    export_model(tmp_path / "run", tmp_path / "out.onnx")
    ours, theirs = (Classifier.load(tmp_path / name, device="cpu") for name in ("run", "out.onnx"))
    assert theirs.spec == ours.spec
    assert theirs.classes == ours.classes
    assert theirs.notes == ()
    picture = Image.effect_noise((50, 40), 80).convert("RGB")
    np.testing.assert_allclose(theirs.probabilities(picture), ours.probabilities(picture), atol=1e-5)


def test_a_file_that_answers_differently_is_not_left(tmp_path, monkeypatch):
    file = saved(tmp_path / "model.safetensors", "timm/test_resnet", 32)
    other, spec = load_model(saved(tmp_path / "other.safetensors", "timm/test_resnet", 32, seed=1))
    wrong = graph.to_onnx(Network(other, spec))
    monkeypatch.setattr("rugged.export.job.to_onnx", lambda network: wrong)
    (tmp_path / "out.onnx").write_bytes(b"mine")
    with pytest.raises(ModelError, match="answers differently: by up to 0"):
        export_model(file, tmp_path / "out.onnx")
    assert (tmp_path / "out.onnx").read_bytes() == b"mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model.safetensors", "other.safetensors", "out.onnx"]


def test_a_difference_among_many_classes_is_seen(tmp_path, monkeypatch):
    """Untrained, a network gives each of 1,000 classes about a thousandth, whatever it is shown."""
    names = tuple(map(str, range(1000)))
    file = saved(tmp_path / "model.safetensors", "timm/test_efficientnet", 48, names, names)
    model, spec = load_model(file)
    swapped = Network(model, replace(spec, mean=spec.mean[::-1], std=spec.std[::-1]))
    pictures = some_pictures(None)
    with torch.no_grad():
        ours, theirs = (network.logits(pictures).softmax(1) for network in (Network(model, spec), swapped))
    assert (ours - theirs).abs().max() < TOLERANCE / 10
    wrong = graph.to_onnx(swapped)
    monkeypatch.setattr("rugged.export.job.to_onnx", lambda network: wrong)
    with pytest.raises(ModelError, match=r"answers differently: .* in a logit"):
        export_model(file, tmp_path / "out.onnx")
    assert not (tmp_path / "out.onnx").exists()


class Pixels(nn.Module):
    """Logits that are the pixels after preprocessing."""

    def forward(self, images):
        return images.flatten(1)


@pytest.mark.parametrize(("height", "width"), [(16, 16), (16, 40), (33, 50), (200, 77), (5, 9), (17, 15)])
def test_resizing_is_pytorchs_to_a_hundredth_of_a_level(height, width):
    """At the edges too, where ONNX's own default differs by ten levels."""
    spec = ModelSpec("pixels", CLASSES, NAMES, 16, (0.0,) * 3, (1 / 255,) * 3)
    file = graph.to_onnx(Network(Pixels(), spec))
    pictures = np.random.default_rng(0).integers(0, 256, (2, height, width, 3), dtype=np.uint8)
    session = onnxruntime.InferenceSession(file.SerializeToString())
    [levels] = session.run(["logits"], {"images": pictures})
    values = torch.from_numpy(pictures).permute(0, 3, 1, 2).float()
    expected = nn.functional.interpolate(values, (16, 16), mode="bilinear", antialias=True, align_corners=False)
    np.testing.assert_allclose(levels.reshape(2, 3, 16, 16), expected, atol=0.01)


@pytest.mark.parametrize("pool", [nn.AdaptiveAvgPool2d, nn.AdaptiveMaxPool2d])
@pytest.mark.parametrize(("side", "size"), [(7, 3), (7, (4, 7)), (4, 7), (8, 4), (5, 1), (9, (2, 1))])
def test_adaptive_pooling_is_written_for_any_pair_of_sizes(pool, side, size):
    spec = ModelSpec("pool", CLASSES, NAMES, side)
    network = Network(nn.Sequential(pool(size), nn.Flatten()), spec)
    pictures = np.random.default_rng(1).integers(0, 256, (2, side, side, 3), dtype=np.uint8)
    session = onnxruntime.InferenceSession(graph.to_onnx(network).SerializeToString())
    [found] = session.run(["logits"], {"images": pictures})
    np.testing.assert_allclose(found, network.logits(torch.from_numpy(pictures).permute(0, 3, 1, 2)), atol=1e-5)


class Unwritable(nn.Module):
    def forward(self, images):
        return torch.linalg.eigvals(images.mean(1)).real


def test_a_network_that_cannot_be_written_is_one_message(capfd):
    with pytest.raises(ModelError, match="net cannot be written as ONNX"):
        graph.to_onnx(Network(Unwritable(), ModelSpec("net", CLASSES, NAMES, 8)))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("missing", ["onnx", "onnxruntime"])
def test_without_the_packages_the_way_out_is_named(missing, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(
        ConfigError, match=rf"{missing} is not installed\. In the clone of rugged: .*pip install '\.\[onnx\]'"
    ):
        export_model("anything", tmp_path / "out.onnx")


def test_what_cannot_be_exported_is_refused(tmp_path):
    file = saved(tmp_path / "model.safetensors", "timm/test_resnet", 32)
    with pytest.raises(ConfigError, match=r"out\.pt2 does not end in \.onnx"):
        export_model(file, tmp_path / "out.pt2")
    export_model(file, tmp_path / "out.onnx")
    with pytest.raises(ModelError, match="only answers"):
        export_model(tmp_path / "out.onnx", tmp_path / "again.onnx")


def test_the_command_says_how_far_it_agrees(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    saved(tmp_path / "run" / "model.safetensors", "timm/test_resnet", 32)
    monkeypatch.setattr(sys, "argv", ["rugged", "export", "run", "out.onnx"])
    monkeypatch.setattr("rugged.core.progress._console", None)
    with pytest.raises(SystemExit) as ended:
        main()
    out, err = capsys.readouterr()
    assert (ended.value.code or 0, out) == (0, "out.onnx\n")
    assert "verified on 20 pictures in several sizes: largest difference of a probability" in err
