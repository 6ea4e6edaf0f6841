"""Any classifier is measured alike: ours, others' networks by name, ONNX files and Python functions."""

import sys

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from PIL import Image
from safetensors.torch import save_file
from torch import nn

from rugged.benchmark import benchmark
from rugged.core.errors import ConfigError, ModelError, RunError
from rugged.data import open_dataset
from rugged.models import ModelSpec, build, imagenet_indices, load_model, preprocess, save_model
from rugged.models.spec import IMAGENET_MEAN, IMAGENET_STD, to_metadata
from rugged.predict import Classifier
from rugged.results import RunFolder, read_cell, read_summary

WNIDS = ("n01443537", "n02123045", "n03179701")  # goldfish, tabby, desk
QUICK = {"corruptions": ("contrast",), "severities": (3,), "device": "cpu"}


@pytest.fixture
def dataset(tmp_path):
    """Three of ImageNet's classes, six pictures each, of 32 × 32 pixels."""
    rng = np.random.default_rng(0)
    for split, count in (("train", 2), ("val", 6)):
        for wnid in WNIDS:
            folder = tmp_path / "wnids" / split / wnid
            folder.mkdir(parents=True)
            for number in range(count):
                Image.fromarray(rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)).save(folder / f"{number}.png")
    return open_dataset(tmp_path / "wnids")


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def clean_cell(run):
    return read_cell(run.predictions, "clean", 0)


def pictures(dataset):
    return torch.from_numpy(dataset.val.images.copy()).permute(0, 3, 1, 2)


def probabilities(logits, labels):
    return logits.double().softmax(1).numpy()[np.arange(len(labels)), labels]


def test_a_published_network_answers_for_the_classes_at_hand(dataset, tmp_path):
    torch.manual_seed(0)
    network = build("torchvision/squeezenet1_1", 1000).eval()
    nn.init.normal_(network.classifier[1].weight)
    save_file(network.state_dict(), tmp_path / "theirs.safetensors")
    summary = benchmark("torchvision/squeezenet1_1", dataset, weights=tmp_path / "theirs.safetensors", **QUICK)
    run = RunFolder(tmp_path / "runs" / "squeezenet1_1")
    assert read_summary(run.summary) == summary
    assert summary.model.training_operations == ("weights of theirs.safetensors",)
    assert any("ImageNet-1k's 1,000 classes" in note for note in summary.notes)
    spec = ModelSpec("torchvision/squeezenet1_1", (), (), 224, IMAGENET_MEAN, IMAGENET_STD)
    with torch.no_grad():
        logits = network(preprocess(pictures(dataset), spec))[:, imagenet_indices(WNIDS)]
    cell = clean_cell(run)
    np.testing.assert_allclose(cell.label_probability, probabilities(logits, cell.labels), rtol=1e-3)


def test_a_model_file_is_measured_where_it_lies_or_elsewhere(dataset, tmp_path):
    model = build("timm/test_resnet", 3)
    spec = ModelSpec("timm/test_resnet", WNIDS, WNIDS, 32)
    save_model(tmp_path / "shared.safetensors", model, spec)
    save_model(tmp_path / "mine" / "model.safetensors", model, spec)
    files = (tmp_path / "shared.safetensors", tmp_path / "mine" / "model.safetensors", tmp_path / "mine")
    places = ("runs/shared", "mine", "mine")
    summaries = [benchmark(file, dataset, **QUICK) for file in files]
    for summary, place in zip(summaries, places, strict=True):
        assert read_summary(RunFolder(tmp_path / place).summary).clean == summary.clean == summaries[0].clean
    benchmark(str(files[0]), dataset, out=tmp_path / "out", **QUICK)
    assert (clean_cell(RunFolder(tmp_path / "out")).loss == clean_cell(RunFolder(tmp_path / "mine")).loss).all()


def test_results_of_another_model_are_not_overwritten(dataset, tmp_path):
    spec = ModelSpec("timm/test_resnet", WNIDS, WNIDS, 32)
    for name in ("a", "b"):
        save_model(tmp_path / name / "same.safetensors", build("timm/test_resnet", 3), spec)
    benchmark(tmp_path / "a" / "same.safetensors", dataset, **QUICK)
    with pytest.raises(RunError, match="figures of another model"):
        benchmark(tmp_path / "b" / "same.safetensors", dataset, **QUICK)
    benchmark(tmp_path / "b" / "same.safetensors", dataset, replace_results=True, **QUICK)
    (tmp_path / "trained").mkdir()
    (tmp_path / "trained" / "manifest.json").write_text("{}")
    with pytest.raises(RunError, match="run folder of another model"):
        benchmark(tmp_path / "a" / "same.safetensors", dataset, out=tmp_path / "trained", **QUICK)


def test_a_python_function_is_measured(dataset, tmp_path):
    (tmp_path / "mine_to_measure.py").write_text(
        "import numpy as np\n"
        "def answer(images):\n"
        "    assert images.dtype.is_floating_point is False\n"
        "    return images.float().mean(dim=(2, 3)).numpy() / 10\n"
        "def one(images):\n    return np.zeros((len(images), 1))\n"
        "def broken(images):\n    raise ZeroDivisionError('no')\n"
    )
    command = "rugged benchmark mine_to_measure:answer"
    summary = benchmark("mine_to_measure:answer", dataset, command=command, **QUICK)
    with pytest.raises(ModelError, match=f"holds the results of a model that lies elsewhere, made by `{command}`"):
        load_model(RunFolder("runs/mine_to_measure-answer").model)
    assert summary.model.name == "mine_to_measure-answer"
    assert any("Python function" in note for note in summary.notes)
    cell = clean_cell(RunFolder(tmp_path / "runs" / "mine_to_measure-answer"))
    logits = pictures(dataset).float().mean(dim=(2, 3)) / 10
    np.testing.assert_allclose(cell.label_probability, probabilities(logits, cell.labels), rtol=1e-5)
    for name, message in (
        ("one", r"expected \(2, 3\)"),
        ("broken", r"ZeroDivisionError: no \(mine_to_measure\.py, line 8\)"),
        ("none", "no function"),
    ):
        with pytest.raises(ModelError, match=message):
            benchmark(f"mine_to_measure:{name}", dataset, **QUICK)
    with pytest.raises(ModelError, match="cannot be imported"):
        benchmark("not_there:answer", dataset, **QUICK)
    assert str(tmp_path) not in sys.path


def test_probabilities_are_told_from_logits(dataset, tmp_path):
    """Taken for logits they would all seem to be unsure: their softmax is nearly flat."""
    (tmp_path / "softly.py").write_text(
        "import torch\n"
        "def logits(images):\n    return images.float().mean(dim=(2, 3))\n"
        "def answer(images):\n    return torch.softmax(logits(images), 1)\n"
    )
    (plain, soft) = (benchmark(f"softly:{name}", dataset, **QUICK) for name in ("logits", "answer"))
    assert any("with probabilities" in note for note in soft.notes)
    assert not any("with probabilities" in note for note in plain.notes)
    assert soft.clean.loss == pytest.approx(plain.clean.loss, rel=1e-4)
    assert soft.clean.ece == pytest.approx(plain.clean.ece, abs=1e-4)


def test_two_functions_of_one_file_are_two_models(dataset, tmp_path):
    (tmp_path / "two_models.py").write_text(
        "def one(images):\n    return images.float().mean(dim=(2, 3)) / 10\ndef two(images):\n    return -one(images)\n"
    )
    one = benchmark("two_models:one", dataset, out="same", **QUICK)
    with pytest.raises(RunError, match="figures of another model"):
        benchmark("two_models:two", dataset, out="same", **QUICK)
    two = benchmark("two_models:two", dataset, out="same", replace_results=True, **QUICK)
    assert two.clean.loss == benchmark("two_models:two", dataset, **QUICK).clean.loss != one.clean.loss
    benchmark("two_models:one", dataset, as_baseline="base.json", **QUICK)
    with pytest.raises(ConfigError, match="the baseline of another model"):
        benchmark("two_models:two", dataset, as_baseline="base.json", **QUICK)


def test_of_a_thousand_answers_those_for_the_classes_at_hand_count(dataset, tmp_path):
    (tmp_path / "theirs_of_imagenet.py").write_text(
        "import torch\n"
        "def answer(images):\n    return images.float().mean(dim=(1, 2, 3)).outer(torch.arange(1000.0)) / 1e5\n"
    )
    summary = benchmark("theirs_of_imagenet:answer", dataset, **QUICK)
    assert any("only its answers for the 3" in note for note in summary.notes)
    cell = clean_cell(RunFolder(tmp_path / "runs" / "theirs_of_imagenet-answer"))
    places = torch.tensor([1.0, 281.0, 526.0])  # Of goldfish, tabby and desk among ILSVRC 2012's.
    logits = pictures(dataset).float().mean(dim=(1, 2, 3)).outer(places) / 1e5
    np.testing.assert_allclose(cell.label_probability, probabilities(logits, cell.labels), rtol=1e-4)


def save_onnx(path, batch, metadata=(), *more, shape=(3, 32, 32), seed=1):
    """The mean colour, weighed by a matrix: an ONNX classifier made by hand."""
    matrix = np.random.default_rng(seed).normal(size=(3, 3)).astype(np.float32)
    nodes = [
        helper.make_node("GlobalAveragePool", ["pixels"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("MatMul", ["flat", "matrix"], ["logits"]),
    ]
    entries = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, *shape]) for name in ("pixels", *more)]
    result = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [batch, 3])
    graph = helper.make_graph(nodes, "colours", entries, [result], [numpy_helper.from_array(matrix, "matrix")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, dict(metadata))
    onnx.save(model, path)
    return matrix


def save_channels_last(path):
    entry = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["N", 32, 32, 3])
    result = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", 3])
    node = helper.make_node("ReduceMean", ["pixels"], ["logits"], axes=[1, 2], keepdims=0)
    graph = helper.make_graph([node], "last", [entry], [result])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=9), path)


@pytest.mark.parametrize("batch", ["N", 1, 4])
def test_an_onnx_file_is_measured_whatever_its_batch(dataset, tmp_path, batch):
    matrix = save_onnx(tmp_path / "theirs.onnx", batch)
    summary = benchmark(tmp_path / "theirs.onnx", dataset, **QUICK)
    assert any("ImageNet's mean and std" in note for note in summary.notes)
    cell = clean_cell(RunFolder(tmp_path / "runs" / "theirs"))
    mean, std = torch.tensor(IMAGENET_MEAN), torch.tensor(IMAGENET_STD)
    logits = (pictures(dataset).float().mean(dim=(2, 3)) / 255 - mean) / std @ torch.from_numpy(matrix)
    np.testing.assert_allclose(cell.label_probability, probabilities(logits, cell.labels), rtol=1e-4)


def test_an_onnx_file_that_fixes_one_side_alone_is_given_squares(dataset, tmp_path):
    found = []
    for name, shape in (("closed", (3, 32, 32)), ("open", (3, "height", 32)), ("other", (3, 32, "width"))):
        save_onnx(tmp_path / f"{name}.onnx", "N", shape=shape)
        found.append(benchmark(tmp_path / f"{name}.onnx", dataset, **QUICK).clean.loss)
    assert found[0] == found[1] == found[2]


def test_an_onnx_file_with_its_weights_beside_it_is_known_by_these_too(dataset, tmp_path):
    """Two trainings of one network have the same graph; their weights lie in a file of their own."""
    save_onnx(tmp_path / "one.onnx", "N")
    save_onnx(tmp_path / "other.onnx", "N", seed=2)
    found = []
    for name in ("one", "other"):
        model, place = onnx.load(tmp_path / f"{name}.onnx"), {"location": "theirs.onnx.data", "size_threshold": 0}
        (tmp_path / "theirs.onnx.data").unlink(missing_ok=True)
        onnx.save(model, tmp_path / "theirs.onnx", save_as_external_data=True, **place)
        found.append((tmp_path / "theirs.onnx").read_bytes())
        summary = benchmark(tmp_path / "theirs.onnx", dataset, replace_results=True, **QUICK)
        assert summary.clean == benchmark(tmp_path / f"{name}.onnx", dataset, **QUICK).clean
    assert found[0] == found[1]
    (tmp_path / "theirs.onnx.data").unlink()
    with pytest.raises(ModelError, match=r"theirs\.onnx cannot be opened as ONNX .*theirs\.onnx\.data"):
        benchmark(tmp_path / "theirs.onnx", dataset, **QUICK)


def test_an_onnx_file_that_says_what_it_expects_is_believed(dataset, tmp_path):
    spec = ModelSpec("rugged/alexnet64", WNIDS, WNIDS, 32, (0.1, 0.2, 0.3), (0.5, 0.5, 0.5), ("fog",))
    matrix = save_onnx(tmp_path / "ours.onnx", "N", to_metadata(spec))
    summary = benchmark(tmp_path / "ours.onnx", dataset, **QUICK)
    assert not any("mean and std" in note for note in summary.notes)
    assert summary.model.training_operations == ("fog",)
    assert summary.seen_in_training == ("fog",)
    cell = clean_cell(RunFolder(tmp_path / "runs" / "ours"))
    mean, std = torch.tensor(spec.mean), torch.tensor(spec.std)
    logits = (pictures(dataset).float().mean(dim=(2, 3)) / 255 - mean) / std @ torch.from_numpy(matrix)
    np.testing.assert_allclose(cell.label_probability, probabilities(logits, cell.labels), rtol=1e-4)


def test_what_is_no_classifier_is_refused(dataset, tmp_path, picture_folder):
    (tmp_path / "damaged.onnx").write_bytes(b"no")
    with pytest.raises(ModelError, match="cannot be opened as ONNX"):
        benchmark(tmp_path / "damaged.onnx", dataset, **QUICK)
    with pytest.raises(ModelError, match="no ONNX file"):
        benchmark(tmp_path / "missing.onnx", dataset, **QUICK)
    save_onnx(tmp_path / "double.onnx", "N", (), "more")
    with pytest.raises(ModelError, match="one float32 input"):
        benchmark(tmp_path / "double.onnx", dataset, **QUICK)
    for height, width in ((32, 16), (20_000, 20_000)):
        save_onnx(tmp_path / "odd.onnx", "N", shape=(3, height, width))
        with pytest.raises(ModelError, match=r"one float32 input \(N, 3, S, S\)"):
            benchmark(tmp_path / "odd.onnx", dataset, **QUICK)
    save_channels_last(tmp_path / "last.onnx")
    with pytest.raises(ModelError, match=r"one float32 input \(N, 3, S, S\)"):
        benchmark(tmp_path / "last.onnx", dataset, **QUICK)
    turned = ModelSpec("rugged/alexnet64", WNIDS[::-1], WNIDS[::-1], 32)
    save_onnx(tmp_path / "turned.onnx", "N", to_metadata(turned))
    with pytest.raises(ModelError, match=r"knows 3 classes \(n03179701 …"):
        benchmark(tmp_path / "turned.onnx", dataset, **QUICK)
    with pytest.raises(ModelError, match=r"no run folder, model file or callable resnet19\. .*Did you mean"):
        benchmark("resnet19", dataset, **QUICK)
    with pytest.raises(ModelError, match="answers for no classes"):
        benchmark("rugged/alexnet64", dataset, **QUICK)
    with pytest.raises(ModelError, match="21843 classes"):
        benchmark("timm/vit_base_patch16_224.augreg_in21k", dataset, **QUICK)
    with pytest.raises(ModelError, match="none of ImageNet-1k's"):
        benchmark("torchvision/resnet18", open_dataset(picture_folder), **QUICK)
    with pytest.raises(ConfigError, match="brings its own weights"):
        benchmark(tmp_path / "double.onnx", dataset, weights=tmp_path / "w.safetensors", **QUICK)


def test_what_fails_in_onnxruntime_is_one_message(dataset, tmp_path):
    """Its input is said to be of any number of channels, and its layer takes four."""
    matrix = helper.make_tensor("matrix", TensorProto.FLOAT, [4, 3], [0.0] * 12)
    nodes = [
        helper.make_node("GlobalAveragePool", ["pixels"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"]),
        helper.make_node("MatMul", ["flat", "matrix"], ["logits"]),
    ]
    entry = helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["N", "C", "H", "W"])
    result = helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", 3])
    graph = helper.make_graph(nodes, "four", [entry], [result], [matrix])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), "four.onnx")
    with pytest.raises(ModelError, match=r"four.onnx failed on \(2, 3, 32, 32\) pictures"):
        benchmark("four.onnx", dataset, **QUICK)


def test_without_onnxruntime_the_way_out_is_named(dataset, tmp_path, monkeypatch):
    save_onnx(tmp_path / "theirs.onnx", "N")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ConfigError, match=r"pip install '\.\[onnx\]'"):
        benchmark(tmp_path / "theirs.onnx", dataset, **QUICK)


class Means(nn.Module):
    def forward(self, images):
        return images.float().mean((2, 3))


@pytest.mark.parametrize(
    "model", [Means().eval(), lambda images: images.float().mean((2, 3))], ids=["module", "function"]
)
def test_a_network_or_a_function_itself_is_measured_where_a_folder_names_it(dataset, model, tmp_path):
    summary = benchmark(model, dataset, out=tmp_path / "mine", **QUICK)
    assert (summary.model.name, summary.model.architecture) == ("mine", "callable")
    cell = clean_cell(RunFolder(tmp_path / "mine"))
    logits = pictures(dataset).float().mean((2, 3))
    np.testing.assert_allclose(cell.label_probability, probabilities(logits, cell.labels), rtol=1e-4)
    for load in (lambda: benchmark(model, dataset, **QUICK), lambda: Classifier.load(model)):
        with pytest.raises(
            ModelError, match=r"Found a (Means|function); expected a model's name.*`out`.*module:function"
        ):
            load()


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("net.pt", "A PyTorch checkpoint does not say what network it is of: write a function"),
        ("net.h5", r"expected \.safetensors, as rugged writes it, or \.onnx"),
        ("mine.py", "go to its folder, and name it mine:function"),
        ("mine.py:classify", "go to its folder, and name it mine:classify"),
        ("./mine.py:classify", "go to its folder, and name it mine:classify"),
    ],
)
def test_a_file_that_is_no_model_file_is_called_what_it_is(dataset, tmp_path, name, advice):
    (tmp_path / name.partition(":")[0]).touch()
    with pytest.raises(ModelError, match=f"no run folder, model file or callable {name}.*{advice}"):
        benchmark(name, dataset, **QUICK)


def test_a_mistyped_path_is_held_against_what_lies_beside_it(dataset, tmp_path):
    (tmp_path / "mine" / "resnet").mkdir(parents=True)
    with pytest.raises(ModelError, match=r"callable mine/restnet\. Did you mean mine/resnet\?"):
        benchmark("mine/restnet", dataset, **QUICK)
