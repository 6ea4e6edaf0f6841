"""The content loss sees what a classifier sees."""

import math
from dataclasses import replace

import pytest
import torch

from rugged.core.errors import ConfigError, ModelError
from rugged.engine import make_fabric
from rugged.models import ModelSpec, build, save_model
from rugged.restore.content import Content, _last_at_each_size, open_content
from rugged.restore.learner import _shifted
from rugged.restore.recipe import ContentRecipe

SPEC = ModelSpec("timm/test_resnet", ("a", "b"), ("A", "B"), 32)


class Plain(torch.nn.Module):
    """Its features are the picture, and its logits two of the picture's values."""

    def __init__(self):
        super().__init__()
        self.features = torch.nn.Identity()

    def forward(self, images):
        return self.features(images)[:, 0, 0, :2]


@pytest.fixture
def fabric():
    return make_fabric("cpu", "fp32")


def test_distances_are_those_of_the_definition(fabric):
    spec = ModelSpec("", (), (), 2, mean=(0.0,) * 3, std=(1 / 255,) * 3)  # Levels pass as they are.
    content = Content("plain", fabric, Plain(), spec, ("features",))
    clean = torch.zeros(1, 3, 2, 2)
    clean[0, 0, 0] = torch.tensor([math.log(3), 0])
    restored = clean.clone()
    restored[0, 0, 0] = torch.tensor([0, math.log(3)])
    features, divergence = content.compare(restored, clean)
    # Two values differ by log 3, and one of the clean picture's has log 3.
    assert features.item() == pytest.approx(2)
    # Three quarters to one, against one to three quarters.
    assert divergence.item() == pytest.approx(0.75 * math.log(3) + 0.25 * math.log(1 / 3))
    assert [each.item() for each in content.compare(clean, clean)] == [0, 0]


@pytest.fixture
def model(tmp_path):
    torch.manual_seed(0)
    save_model(tmp_path / "model.safetensors", build(SPEC.architecture, 2), SPEC)
    return tmp_path / "model.safetensors"


@pytest.mark.parametrize("folder", [False, True])
def test_a_classifier_is_opened_and_left_as_it_is(model, fabric, folder):
    content = open_content(ContentRecipe(str(model.parent if folder else model)), fabric, 64)
    assert content.spec == SPEC
    assert not any(parameter.requires_grad for parameter in content.module.parameters())
    before = {name: tensor.clone() for name, tensor in content.module.state_dict().items()}
    restored = torch.full((2, 3, 32, 32), 100.0, requires_grad=True)
    features, divergence = content.compare(restored, torch.rand(2, 3, 32, 32) * 255)
    (features + divergence).backward()
    assert restored.grad.abs().sum() > 0
    assert all(torch.equal(tensor, before[name]) for name, tensor in content.module.state_dict().items())


def test_layers_of_several_sizes_are_chosen(model, fabric):
    content = open_content(ContentRecipe(str(model)), fabric, 64)
    seen, _ = content.look(torch.zeros(1, 3, 32, 32))
    sides = [seen[name].shape[-1] for name in content.layers]
    assert len(sides) == len(set(sides)) >= 2
    assert all(3 <= side < 32 for side in sides)


def test_what_follows_a_layer_does_not_write_into_its_outputs(fabric):
    """The layer gives -1 and 1; the ReLU behind it, which works in place, leaves 0 and 1 to the answers."""
    layer = torch.nn.Conv2d(3, 2, 1, bias=False)
    layer.weight.data[:] = torch.tensor([-1.0, 1.0])[:, None, None, None] / 3
    network = torch.nn.Sequential(layer, torch.nn.ReLU(inplace=True), torch.nn.Flatten())
    spec = ModelSpec("", (), (), 1, mean=(0.0,) * 3, std=(1 / 255,) * 3)  # Levels pass as they are.
    seen, answers = Content("", fabric, network, spec, ("0",)).look(torch.ones(1, 3, 1, 1))
    assert seen["0"].flatten().tolist() == pytest.approx([-1, 1])
    assert answers.flatten().tolist() == pytest.approx([0, 1])


@pytest.fixture
def published(monkeypatch):
    """Networks without their weights stand for those with them."""
    monkeypatch.setattr("rugged.restore.content.build", lambda name, classes, pretrained: build(name, classes))


def test_a_network_made_for_another_size_is_refused(published, fabric):
    with pytest.raises(ConfigError, match=r"does not take pictures of 64 x 64 pixels \(Asser.*224"):
        open_content(ContentRecipe("timm/vit_tiny_patch16_224"), fabric, 64)


def test_a_layer_that_gives_no_tensor_is_refused(published, fabric):
    """Attention is computed in one piece: the dropout within it is never called."""
    with pytest.raises(ConfigError, match=r"content.layers names 'blocks.0.attn.attn_drop', .*or which gives no"):
        open_content(ContentRecipe("timm/test_vit", layers=("blocks.0.attn.attn_drop",)), fabric, 160)


def test_of_a_network_without_maps_layers_must_be_named(published, fabric):
    with pytest.raises(ConfigError, match=r"gives maps of 1 size from(.|\n)*Name modules in content.layers"):
        open_content(ContentRecipe("timm/test_vit"), fabric, 160)
    content = open_content(ContentRecipe("timm/test_vit", layers=("blocks.1", "blocks.3")), fabric, 160)
    clean = torch.zeros(1, 3, 160, 160)
    assert content.compare(clean + 100, clean)[0] > 0


def test_only_squares_are_maps():
    """Of a network that keeps channels last: 16 x 16 places of 32 channels, and 8 x 8 of 64."""
    shapes = {"conv": (1, 32, 16, 16), "block": (1, 16, 16, 32), "down": (1, 8, 8, 64), "head": (1, 10), "one": ()}
    assert _last_at_each_size(shapes, 64) == ("conv",)


def test_without_maps_answers_are_compared_alone(published, fabric):
    content = open_content(ContentRecipe("timm/test_vit", features=0.0, logits=1.0), fabric, 160)
    content = replace(content, layers=())
    clean = torch.zeros(1, 3, 160, 160)
    features, divergence = content.compare(clean + 100, clean)
    assert features == 0
    assert divergence > 0


def test_without_a_model_or_a_weight_there_is_none(model, fabric):
    assert open_content(ContentRecipe(), fabric, 64) is None
    assert open_content(ContentRecipe(str(model), features=0.0), fabric, 64) is None


def test_what_is_not_there_is_named(model, fabric):
    with pytest.raises(ConfigError, match=r"content.layers names 'conv9'.*It has, for example"):
        open_content(ContentRecipe(str(model), layers=("conv9",)), fabric, 64)
    with pytest.raises(ModelError, match="There is no model file"):
        open_content(ContentRecipe("missing/model.safetensors"), fabric, 64)
    with pytest.raises(ModelError, match="nonsense"):
        open_content(ContentRecipe("nonsense"), fabric, 64)


def test_both_pictures_are_shifted_alike_by_less_than_the_limit():
    one = torch.arange(5 * 7.0).view(1, 1, 5, 7)
    found = set()
    torch.manual_seed(0)
    for _ in range(100):
        first, second = _shifted(3, one, 2 * one)
        assert torch.equal(second, 2 * first)
        place = int((first == 0).flatten().nonzero())  # Where the corner went.
        found.add(divmod(place, 7))
    assert found == {(down, across) for down in range(3) for across in range(3)}
    assert _shifted(None, one) == (one,)
