"""The restorer's network does no harm before it has learned, and its file says what it is."""

import dataclasses
import pickle

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from rugged.core.errors import ModelError
from rugged.models import (
    ModelSpec,
    RestorerSpec,
    build,
    load_model,
    load_restorer,
    make_restorer,
    save_model,
    save_restorer,
)
from rugged.models.restoring import Discriminator
from rugged.restore import load_recipe, shipped_recipes

SMALL = RestorerSpec(
    width=8, blocks=(1, 1, 1), blocks_up=(1, 1), dataset="ünit", picture_size=(64, 48), corruptions=("motion_blur",),
    severities=(1, 3), preset="tiny64", losses=("l1 × 1",), content_model="a",
)  # fmt: skip


def restless(spec=SMALL, seed=0):
    """A generator that changes pictures, as a trained one does."""
    torch.manual_seed(seed)
    module = make_restorer(spec).eval()
    for parameter in module.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return module


def pictures(count, height, width, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (count, 3, height, width), dtype=torch.uint8, generator=generator)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 3), (7, 64), (8, 8), (61, 37)])
def test_an_untrained_restorer_gives_back_what_it_gets(size):
    images = pictures(2, *size)
    assert torch.equal(make_restorer(SMALL)(images).pictures, images.float())


@pytest.mark.parametrize("size", [(61, 37), (64, 33), (17, 64)])
def test_a_picture_of_an_odd_size_is_mirrored_at_its_edge(size):
    module, image = restless(), pictures(1, *size)
    right, below = -size[1] % 8, -size[0] % 8
    mirrored = np.pad(image.numpy(), ((0, 0), (0, 0), (0, below), (0, right)), mode="reflect")
    with torch.no_grad():
        whole = module(torch.from_numpy(mirrored)).pictures[..., : size[0], : size[1]]
        assert torch.equal(module(image).pictures, whole)
        assert not torch.equal(whole, image.float())


def test_the_gate_decides_how_much_is_corrected():
    module, image = make_restorer(SMALL), pictures(1, 16, 16)
    torch.nn.init.zeros_(module.damage.weight)
    torch.nn.init.constant_(module.head[-1].bias, 0.1)
    for logit, share in ((-100.0, 0.0), (0.0, 0.5), (100.0, 1.0)):
        torch.nn.init.constant_(module.damage.bias, logit)
        restored, damage = module(image)
        assert damage.tolist() == [logit]
        torch.testing.assert_close(restored - image, torch.full_like(restored, 25.5 * share), atol=1e-4, rtol=0)


def test_what_a_picture_becomes_does_not_depend_on_the_others():
    module, images = restless(), pictures(5, 24, 40)
    with torch.no_grad():
        together = module(images).pictures
        alone = torch.cat([module(image[None]).pictures for image in images])
    torch.testing.assert_close(together, alone, atol=1e-3, rtol=0)


def test_a_plain_area_stays_plain():
    """Transposed convolutions and pixel shuffling lay a checkerboard over it; nothing here may."""
    module = restless(dataclasses.replace(SMALL, width=4))
    with torch.no_grad():
        middle = module(torch.full((1, 3, 256, 256), 90, dtype=torch.uint8)).pictures[..., 120:136, 120:136]
    assert (middle - 90).abs().max() > 1
    assert middle.std((2, 3)).max() < 1e-3


@pytest.mark.parametrize("name", sorted(shipped_recipes()))
def test_shipped_restorers_are_small(name):
    chosen = load_recipe(name).generator
    module = make_restorer(RestorerSpec(chosen.width, chosen.blocks, chosen.blocks_up))
    assert sum(parameter.numel() for parameter in module.parameters()) < (5e6 if name == "deblur64" else 20e6)


def test_parameters_are_as_many_as_theory_says():
    def convolution(before, after, side):
        return before * after * side**2 + after

    module = make_restorer(RestorerSpec(width=10, blocks=(1, 2), blocks_up=(1,)))
    expected = convolution(12, 10, 3) + 2 * convolution(10, 10, 3) + convolution(10, 20, 2)
    expected += 4 * convolution(20, 20, 3) + (20 + 1) + convolution(20, 10, 1) + 2 * convolution(10, 10, 3)
    expected += convolution(10, 13, 3) + convolution(16, 16, 3) + convolution(16, 3, 3)
    assert sum(parameter.numel() for parameter in module.parameters()) == expected


def test_a_discriminator_judges_patches():
    verdicts = Discriminator(4, spectral=False)(torch.rand(2, 3, 64, 40))
    assert verdicts.shape == (2, 1, 8, 5)


def test_spectral_norm_bounds_every_layer():
    torch.manual_seed(0)
    network = Discriminator(4, spectral=True)
    for _ in range(200):  # Power iteration comes nearer with every pass.
        network(torch.rand(1, 3, 16, 16))
    for layer in network.layers:
        if isinstance(layer, torch.nn.Conv2d):
            norm = torch.linalg.matrix_norm(layer.weight.flatten(1), 2)
            assert norm.item() == pytest.approx(1, abs=1e-3)


@pytest.fixture
def saved(tmp_path):
    module = restless()
    save_restorer(tmp_path / "restorer.safetensors", module, SMALL)
    return module, tmp_path / "restorer.safetensors"


def test_a_restorer_comes_back_with_its_specification(saved):
    module, path = saved
    loaded, spec = load_restorer(path)
    assert spec == SMALL
    assert not loaded.training
    with torch.no_grad():
        assert torch.equal(loaded(pictures(1, 9, 9)).pictures, module(pictures(1, 9, 9)).pictures)


def _rewrite(path, change):
    with safe_open(path, "pt") as stream:
        kept = stream.metadata()
    tensors = load_file(path)
    change(tensors)
    save_file(tensors, path, metadata=kept)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: path.unlink(), "There is no model file"),
        (lambda path: path.write_bytes(path.read_bytes()[:-100]), "not a readable safetensors"),
        (lambda path: path.write_bytes(pickle.dumps({"weights": 1})), "not a readable safetensors"),
        (lambda path: save_file(load_file(path), path), "does not say what it holds; expected a restorer"),
        (lambda path: _rewrite(path, lambda tensors: tensors.pop("stem.bias")), r"1 tensors differ \(stem.bias\)"),
        (lambda path: _rewrite(path, lambda tensors: tensors["stem.bias"].fill_(float("nan"))), "not finite"),
        (
            lambda path: save_file({}, path, metadata={"rugged.restorer": '{"format": 2}'}),
            "format 2; this rugged reads",
        ),
        (
            lambda path: save_file({}, path, metadata={"rugged.restorer": "[]"}),
            "unreadable specification of a restorer",
        ),
        (lambda path: save_file({}, path, metadata={"rugged.restorer": "{"}), "unreadable specification"),
        (
            lambda path: save_file(
                {}, path, metadata={"rugged.restorer": '{"format": 1, "width": 0, "blocks": [1], "blocks_up": []}'}
            ),
            "no network",
        ),
    ],
)
def test_what_cannot_be_used_is_refused(saved, damage, message):
    _, path = saved
    damage(path)
    with pytest.raises(ModelError, match=message):
        load_restorer(path)


def test_a_classifier_is_no_restorer_and_a_restorer_no_classifier(saved, tmp_path):
    spec = ModelSpec("timm/test_resnet", ("a",), ("A",), 32)
    save_model(tmp_path / "model.safetensors", build(spec.architecture, 1), spec)
    with pytest.raises(ModelError, match=r"is a classifier \(timm/test_resnet\); expected a restorer"):
        load_restorer(tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match=r"is a restorer; expected a classifier.* given to --restore"):
        load_model(saved[1])
