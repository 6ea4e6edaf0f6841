"""Training starts from a local file of weights, and what does not fit is refused whole."""

import os

import pytest
import torch
import torchvision
from safetensors.torch import save_file

from rugged.core.errors import ModelError
from rugged.models import ModelSpec, build, head_parameters, save_model

NAME = "timm/test_resnet"


class Attack:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return os.mkdir, (str(self.folder),)


@pytest.fixture
def weights():
    """A state dict of a trained network: for three classes, and nowhere at its initial values."""
    torch.manual_seed(1)
    return {
        name: torch.randn_like(tensor) if tensor.is_floating_point() else tensor + 5
        for name, tensor in build(NAME, 3).state_dict().items()
    }


def _save(path, weights):
    if path.suffix == ".pth":
        torch.save(weights, path)
    elif path.name == "ours.safetensors":
        model = build(NAME, len(weights["fc.bias"]))
        model.load_state_dict(weights)
        save_model(path, model, ModelSpec(NAME, tuple("abc"), tuple("abc"), 64))
    else:
        save_file({name: tensor.contiguous() for name, tensor in weights.items()}, path)
    return path


def _same(model, weights, but=()):
    return {name for name, tensor in model.state_dict().items() if torch.equal(tensor, weights[name])} == {
        name for name in weights if name not in but
    }


@pytest.mark.parametrize("file", ["ours.safetensors", "plain.safetensors", "pickled.pth"])
def test_a_file_gives_its_weights(weights, tmp_path, file):
    path = _save(tmp_path / file, weights)
    assert _same(build(NAME, 3, weights=path), weights)
    torch.manual_seed(2)
    fresh = build(NAME, 7)
    torch.manual_seed(2)
    model = build(NAME, 7, weights=path, pretrained=True)  # The file goes before published weights.
    body = {name: tensor for name, tensor in weights.items() if not name.startswith("fc.")}
    assert _same(model, body | {"fc.weight": torch.zeros(0), "fc.bias": torch.zeros(0)}, head_parameters(model))
    assert torch.equal(model.fc.weight, fresh.fc.weight)


def _rounded(weights, dtype):
    return {name: tensor.to(dtype) if tensor.is_floating_point() else tensor for name, tensor in weights.items()}


@pytest.mark.parametrize(
    "wrap",
    [
        lambda weights: {f"module.{name}": tensor for name, tensor in weights.items()},
        lambda weights: {f"module._orig_mod.{name}": tensor for name, tensor in weights.items()},
        lambda weights: {f"model.{name}": tensor for name, tensor in weights.items()},
        lambda weights: {"epoch": 3, "state_dict": {f"model.{name}": tensor for name, tensor in weights.items()}},
        lambda weights: {"model": weights, "optimizer": {}},
        lambda weights: _rounded(weights, torch.float16),
    ],
)
def test_wrappers_are_seen_through(weights, tmp_path, wrap):
    weights = _rounded(_rounded(weights, torch.float16), torch.float32)
    assert _same(build(NAME, 3, weights=_save(tmp_path / "x.pth", wrap(weights))), weights)


def test_files_from_before_batches_were_counted_are_read(weights, tmp_path):
    old = {name: tensor for name, tensor in weights.items() if not name.endswith("num_batches_tracked")}
    model = build(NAME, 3, weights=_save(tmp_path / "x.safetensors", old))
    assert torch.equal(model.bn1.running_mean, weights["bn1.running_mean"])


def test_published_names_of_densenet_are_understood(tmp_path):
    torch.manual_seed(1)
    trained = torchvision.models.densenet121().state_dict()
    numbered = [f".{part}{number}." for part in ("norm", "conv") for number in (1, 2)]
    old = {}
    for name, tensor in trained.items():
        for part in numbered if "denselayer" in name else ():
            name = name.replace(part, f"{part[:-2]}.{part[-2]}.")
        old[name] = tensor
    assert "features.denseblock1.denselayer1.norm.1.weight" in old
    model = build("torchvision/densenet121", 1000, weights=_save(tmp_path / "x.pth", old))
    assert _same(model, trained)


def test_extra_heads_are_left_out(tmp_path):
    trained = torchvision.models.googlenet(init_weights=False, aux_logits=True).state_dict()
    model = build("torchvision/googlenet", 1000, weights=_save(tmp_path / "x.pth", trained))
    assert _same(model, {name: tensor for name, tensor in trained.items() if not name.startswith("aux")})


def test_what_a_head_knows_of_no_class_is_kept(tmp_path):
    """LeViT's heads normalise their input before the layer that answers."""
    torch.manual_seed(1)
    trained = {
        name: torch.randn_like(tensor) if tensor.is_floating_point() else tensor
        for name, tensor in build("timm/levit_128s", 3).state_dict().items()
    }
    model = build("timm/levit_128s", 5, weights=_save(tmp_path / "x.safetensors", trained))
    layers = {f"{head}.linear.{part}" for head in ("head", "head_dist") for part in ("weight", "bias")}
    assert layers < set(head_parameters(model))
    assert _same(model, trained, layers)


def _without(name):
    return lambda weights: weights.pop(name)


def _with(name, change):
    return lambda weights: weights.update({name: change(weights.get(name))})


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_without("conv1.0.weight"), r"does not fit timm/test_resnet: 1 tensors differ \(conv1.0.weight\).* 1 missing"),
        (_without("fc.bias"), "1 missing"),
        (lambda weights: weights.clear(), "tensors differ .* missing"),
        (_with("fc2.bias", lambda _: torch.zeros(3)), r"1 tensors differ \(fc2.bias\), of which 1 not expected"),
        (_with("bn1.weight", lambda old: old[1:]), r"\(bn1.weight\), of which 1 of another shape"),
        (_with("fc.weight", lambda old: old[:, 1:]), r"\(fc.weight\)"),
        (_with("fc.weight", lambda old: old[:2]), r"\(fc.weight\)"),  # Its bias answers for three classes.
        (_with("fc.bias", lambda _: torch.tensor(1.0)), r"\(fc.bias\)"),
        (_with("conv1.0.weight", lambda old: old.to(torch.int8)), r"\(conv1.0.weight\).* type"),
        (_with("bn1.running_var", lambda old: old / 0), r"not finite \(bn1.running_var\)"),
        (_with("fc.bias", lambda old: old.double() * 1e300), r"not finite \(fc.bias\)"),
    ],
)
@pytest.mark.parametrize("ending", [".safetensors", ".pth"])
def test_what_does_not_fit_is_refused(weights, tmp_path, damage, message, ending):
    damage(weights)
    with pytest.raises(ModelError, match=message):
        build(NAME, 3, weights=_save(tmp_path / f"x{ending}", weights))


def test_weights_of_another_network_are_refused_by_its_name(weights, tmp_path):
    with pytest.raises(ModelError, match=r"holds weights of timm/test_resnet; expected torchvision/resnet18"):
        build("torchvision/resnet18", 3, weights=_save(tmp_path / "ours.safetensors", weights))


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("x.safetensors", None, "no model file"),
        ("x.pth", None, "no model file"),
        ("x.safetensors", b"nonsense", "not a readable safetensors"),
        ("x.pth", b"nonsense", "not a readable state dict"),
        ("x.pth", b"", "not a readable state dict"),
        ("x.pth", b"PK\x03\x04", "not a readable state dict"),
    ],
)
def test_what_is_no_file_of_weights_is_refused(tmp_path, file, content, message):
    if content is not None:
        (tmp_path / file).write_bytes(content)
    with pytest.raises(ModelError, match=message):
        build(NAME, 3, weights=tmp_path / file)


@pytest.mark.parametrize("content", [[1, 2], {"a": 1}, torch.zeros(3)])
def test_pickles_of_other_things_are_refused(tmp_path, content):
    torch.save(content, tmp_path / "x.pth")
    with pytest.raises(ModelError, match="holds no state dict"):
        build(NAME, 3, weights=tmp_path / "x.pth")


def test_a_pickle_runs_nothing(tmp_path):
    torch.save({"fc.bias": Attack(tmp_path / "made")}, tmp_path / "x.pth")
    with pytest.raises(ModelError, match=r"not a readable state dict: .* Export the weights to safetensors"):
        build(NAME, 3, weights=tmp_path / "x.pth")
    assert not (tmp_path / "made").exists()
