"""Architectures by name, with heads for any number of classes."""

import pytest
import torch

from rugged.core.errors import ModelError
from rugged.models import build, default_normalisation, resolve


@pytest.mark.parametrize(
    ("name", "full"),
    [
        ("alexnet64", "rugged/alexnet64"),
        ("resnet18", "torchvision/resnet18"),
        ("timm/resnet18", "timm/resnet18"),
        ("resnet10t", "timm/resnet10t"),
    ],
)
def test_names_are_looked_up_in_order_of_sources(name, full):
    assert resolve(name) == full


@pytest.mark.parametrize("name", ["resnet81", "timm/resnet10", "rugged/alexnet", "nowhere/resnet18", "", "/"])
def test_unknown_names_are_refused_with_a_hint(name):
    with pytest.raises(ModelError, match="no architecture"):
        resolve(name)


def test_a_near_miss_is_suggested():
    with pytest.raises(ModelError, match="torchvision/resnet"):
        resolve("resnet81")


@pytest.mark.parametrize(
    "name",
    [
        "rugged/alexnet64",
        "torchvision/resnet18",
        "torchvision/squeezenet1_0",
        "torchvision/mobilenet_v3_small",
        "timm/resnet10t",
    ],
)
def test_heads_answer_for_the_classes_asked_for(name):
    model = build(name, 7).eval()
    with torch.no_grad():
        assert model(torch.zeros(2, 3, 64, 64)).shape == (2, 7)


def test_heads_differ_between_classes_and_learn():
    model = build("torchvision/squeezenet1_0", 7).eval()
    logits = model(torch.randn(4, 3, 64, 64))
    logits[:, 3].sum().backward()
    head = model.classifier[1]
    assert head.weight.grad[3].abs().sum() > 0
    assert head.weight.grad[2].abs().sum() == 0


def test_timm_models_come_with_their_own_normalisation():
    assert default_normalisation("timm/vit_tiny_patch16_224") == ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    assert default_normalisation("torchvision/resnet18") == ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def test_ours_have_no_pretrained_weights():
    with pytest.raises(ModelError, match="no pretrained weights"):
        build("alexnet64", 10, pretrained=True)
