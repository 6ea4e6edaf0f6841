"""The head is known by name, and everything else can be frozen."""

import math

import pytest
import torch
import torchvision
from torch import nn

from rugged.core.errors import ModelError
from rugged.models import build, freeze_body, head_parameters
from rugged.models.heads import replace_head

NETWORKS = [
    "rugged/alexnet64",
    "rugged/alexnet64_half",
    "rugged/resnet12_slim",
    "torchvision/alexnet",
    "torchvision/densenet121",
    "torchvision/efficientnet_b0",
    "torchvision/googlenet",
    "torchvision/mobilenet_v3_small",
    "torchvision/resnet18",
    "torchvision/squeezenet1_0",
    "torchvision/swin_t",
    "torchvision/vit_b_16",
    "timm/efficientnet_b0",
    "timm/test_convnext",
    "timm/test_resnet",
    "timm/test_vit",
]


@pytest.mark.parametrize("name", NETWORKS)
def test_the_head_is_what_depends_on_the_number_of_classes(name):
    with torch.device("meta"):
        five, seven = (dict(build(name, classes).named_parameters()) for classes in (5, 7))
        found = head_parameters(build(name, 5))
    assert set(found) >= {each for each in five if five[each].shape != seven[each].shape}
    assert len(found) == 2


def test_both_heads_of_a_distilled_network_are_found():
    with torch.device("meta"):
        found = head_parameters(build("timm/deit_tiny_distilled_patch16_224", 5))
    assert set(found) == {"head.weight", "head.bias", "head_dist.weight", "head_dist.bias"}


def test_a_network_without_a_head_is_refused():
    with pytest.raises(ModelError, match="no linear"):
        head_parameters(nn.Sequential(nn.ReLU()))
    with pytest.raises(ModelError, match="no head"):
        head_parameters(build("timm/test_resnet", 0))


@pytest.mark.parametrize("name", ["rugged/alexnet64", "torchvision/squeezenet1_0", "timm/test_resnet"])
def test_a_frozen_body_leaves_the_head_alone_to_learn(name):
    model = build(name, 3)
    freeze_body(model)
    learning = {key for key, parameter in model.named_parameters() if parameter.requires_grad}
    assert learning == set(head_parameters(model))


def test_a_rectified_head_starts_near_an_even_guess_on_a_trained_body_s_large_features():
    """ImageNet's SqueezeNet has features of spread 47. A start far from ln(classes) ends with every logit at zero."""
    torch.manual_seed(0)
    network = torchvision.models.squeezenet1_0()
    replace_head(network, 200)
    features = 47 * torch.randn(64, 512, 7, 7).abs()
    loss = nn.functional.cross_entropy(network.classifier(features).flatten(1), torch.arange(64))
    assert abs(loss.item() - math.log(200)) < 0.2
