"""Model files say what they are, and nothing else is loaded."""

import dataclasses
import json
import pickle

import pytest
import torch
from safetensors.torch import load_file, save_file

from rugged.core.errors import ModelError
from rugged.models import (
    ModelSpec,
    RestorerSpec,
    build,
    load_model,
    preprocess,
    read_spec,
    save_model,
    save_restorer,
    spec_of_weights,
)

SPEC = ModelSpec("timm/resnet10t", ("a", "b", "ü"), ("Alpha", "Beta", "Ümlaut"), 32, training_operations=("flip",))


@pytest.fixture
def saved(tmp_path):
    torch.manual_seed(0)
    model = build(SPEC.architecture, 3).to(memory_format=torch.channels_last)
    save_model(tmp_path / "model.safetensors", model, SPEC)
    return model, tmp_path / "model.safetensors"


def test_a_model_comes_back_with_its_specification(saved):
    model, path = saved
    loaded, spec = load_model(path)
    assert spec == SPEC == read_spec(path)
    assert not loaded.training
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(loaded(images), model.eval()(images))


def _rewrite(path, change, metadata=True):
    from safetensors import safe_open

    with safe_open(path, "pt") as stream:
        kept = stream.metadata()
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path, metadata=kept if metadata else None)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.unlink(), "There is no model file"),
        (lambda path: path.write_bytes(path.read_bytes()[:-100]), "not a readable safetensors"),
        (lambda path: path.write_bytes(b""), "not a readable safetensors"),
        (lambda path: path.write_bytes(pickle.dumps({"weights": 1})), "a pickled checkpoint is read only by its"),
        (lambda path: _rewrite(path, lambda tensors: None, metadata=False), "not written by rugged"),
        (lambda path: _rewrite(path, lambda tensors: tensors.pop("fc.bias")), r"1 tensors differ \(fc.bias\)"),
        (lambda path: _rewrite(path, lambda tensors: tensors["fc.bias"].fill_(float("nan"))), "not finite"),
    ],
)
def test_what_cannot_be_used_is_refused(saved, damage, message):
    _, path = saved
    damage(path)
    with pytest.raises(ModelError, match=message):
        load_model(path)


def test_a_file_of_a_later_format_says_so(saved):
    from safetensors import safe_open

    _, path = saved
    with safe_open(path, "pt") as stream:
        metadata = stream.metadata()
    assert list(metadata) == ["rugged.model"]  # One entry: the order of several is not the same every time.
    assert json.loads(metadata["rugged.model"])["format"] == 1
    # What a later version may write need not be readable otherwise.
    save_file({}, path, metadata={"rugged.model": '{"format": 2, "kind": "detector"}'})
    for read in (load_model, read_spec, lambda path: build(SPEC.architecture, 3, weights=path)):
        with pytest.raises(ModelError, match=r"format 2; this rugged reads format 1.* update rugged"):
            read(path)


@pytest.mark.parametrize("text", ["", "nonsense", "[]", "3", "null", "{}", '{"architecture": 3}'])
def test_an_unreadable_specification_is_refused(saved, text):
    _, path = saved
    save_file({}, path, metadata={"rugged.model": text})
    with pytest.raises(ModelError, match="unreadable specification of a model"):
        read_spec(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"class_names": ("Alpha", "Beta")}, "class_names has 2 names; expected 3, as classes"),
        ({"input_size": 0}, "input_size is 0; expected 1 to 10,000"),
        ({"input_size": -3}, "input_size is -3; expected 1 to 10,000"),
        ({"input_size": 10**9}, "input_size is 1000000000; expected 1 to 10,000"),
        ({"mean": (0.5,)}, r"mean is \[0.5\]; expected three numbers"),
        ({"mean": (0.5, 1e999, 0.5)}, r"mean is \[0.5, inf, 0.5\]; expected three numbers"),
        ({"std": (0.2,) * 4}, r"std is \[0.2, 0.2, 0.2, 0.2\]; expected three numbers"),
        ({"std": (0.2, 0.0, 0.2)}, r"std is \[0.2, 0.0, 0.2\]; expected numbers above 0"),
        ({"std": (0.2, -0.1, 0.2)}, r"std is \[0.2, -0.1, 0.2\]; expected numbers above 0"),
    ],
)
def test_a_specification_that_no_model_has_is_refused(saved, change, message):
    _, path = saved
    with pytest.raises(ModelError, match=message):
        dataclasses.replace(SPEC, **change)
    told = json.dumps(dataclasses.asdict(SPEC) | change).replace("Infinity", "1e999")  # That is JSON, too.
    save_file(load_file(path), path, metadata={"rugged.model": told})
    for read in (load_model, read_spec, spec_of_weights):
        with pytest.raises(ModelError, match=f"unreadable specification of a model: .*: {message}"):
            read(path)


def test_a_file_from_before_formats_is_read(saved):
    _, path = saved
    save_file(load_file(path), path, metadata={"rugged.model": json.dumps(dataclasses.asdict(SPEC))})
    assert load_model(path)[1] == SPEC


def test_half_precision_halves_a_file_and_comes_back_as_float32(saved, tmp_path):
    model, path = saved
    half = tmp_path / "half.safetensors"
    with torch.no_grad():
        model.fc.weight[0, 0] = 1e-30  # Nothing in half precision.
        model.bn1.running_var[0] = 1e6  # Beyond half precision, and no weight: it stays as it is.
    save_model(half, model, SPEC, dtype=torch.float16)
    assert half.stat().st_size < 0.51 * path.stat().st_size
    loaded, spec = load_model(half)
    assert spec == SPEC
    for name, tensor in model.state_dict().items():
        found = loaded.state_dict()[name]
        assert found.dtype == tensor.dtype
        expected = tensor.numpy().astype("float16").astype("float32") if tensor.ndim > 1 else tensor.numpy()
        assert (found.numpy() == expected).all(), name


def test_weights_that_half_precision_cannot_hold_are_refused(saved, tmp_path):
    model, _ = saved
    with torch.no_grad():
        model.fc.weight[0, 0] = 65536.0
    with pytest.raises(ModelError, match=r"fc.weight has weights beyond 65504"):
        save_model(tmp_path / "half.safetensors", model, SPEC, dtype=torch.float16)
    assert not (tmp_path / "half.safetensors").exists()


@pytest.mark.parametrize("name", ["none.pth", "none.bin", "none.safetensors"])
def test_missing_weights_are_named_whatever_their_ending(tmp_path, name):
    with pytest.raises(ModelError, match=f"There is no model file {tmp_path / name}"):
        spec_of_weights(tmp_path / name)


def test_preprocessing_agrees_with_torchvision():
    from torchvision.transforms import v2

    images = torch.randint(0, 256, (3, 3, 20, 20), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    expected = v2.Compose(
        [
            v2.ToDtype(torch.float32, scale=True),
            v2.Resize((32, 32), antialias=True),
            v2.Normalize(SPEC.mean, SPEC.std),
        ]
    )(images)
    before = images.clone()
    torch.testing.assert_close(preprocess(images, SPEC), expected, atol=1e-5, rtol=0)
    assert torch.equal(images, before)


def test_a_model_is_saved_by_arguments_in_their_order(tmp_path):
    model, path = build(SPEC.architecture, 3), tmp_path / "model.safetensors"
    with pytest.raises(ModelError, match=r"in this order, and found ResNet, ModelSpec, \w*Path\.$"):
        save_model(model, SPEC, path)
    with pytest.raises(ModelError, match=r"and found str, ResNet, dict\.$"):
        save_model(str(path), model, {"architecture": SPEC.architecture})
    with pytest.raises(ModelError, match=r"and found ResNet, RestorerSpec, str\.$"):
        save_restorer(model, RestorerSpec(4, (1,), ()), "restorer.safetensors")
    assert not list(tmp_path.iterdir())


def test_a_model_that_nobody_could_load_is_not_saved(tmp_path):
    spec = dataclasses.replace(SPEC, architecture="mine")
    with pytest.raises(ModelError, match="no architecture 'mine'"):
        save_model(tmp_path / "model.safetensors", torch.nn.Linear(2, 3), spec)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classes": None}, "classes is None; expected a tuple"),
        ({"class_names": "abc"}, "class_names is 'abc'; expected a tuple"),
        ({"input_size": "32"}, "input_size is '32'; expected a whole number"),
        ({"std": 0.5}, r"std is 0\.5; expected a tuple"),
    ],
)
def test_a_specification_of_other_kinds_is_refused(change, message):
    with pytest.raises(ModelError, match=message):
        dataclasses.replace(SPEC, **change)


def test_lists_become_tuples():
    assert dataclasses.replace(SPEC, mean=list(SPEC.mean), classes=list(SPEC.classes)) == SPEC
