"""Model files say what they are, and nothing else is loaded."""

import pickle

import pytest
import torch
from safetensors.torch import load_file, save_file

from rugged.core.errors import ModelError
from rugged.models import ModelSpec, build, load_model, preprocess, read_spec, save_model

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
        (lambda path: path.write_bytes(pickle.dumps({"weights": 1})), "Pickled checkpoints"),
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
