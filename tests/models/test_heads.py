"""The head is known by name, and can be trained alone."""

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from rugged.core.errors import ModelError
from rugged.models import build, freeze_body, head_parameters, training_mode

NETWORKS = [
    "rugged/alexnet64",
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


def _train(model):
    """Three steps in which everything that wants to learn, does."""
    torch.manual_seed(0)
    optimizer = torch.optim.SGD([each for each in model.parameters() if each.requires_grad], lr=0.1, weight_decay=0.1)
    for _ in range(3):
        cross_entropy(model(torch.randn(4, 3, 64, 64) + 1), torch.tensor([0, 1, 2, 0])).backward()
        optimizer.step()
        optimizer.zero_grad()


def _changed(model, before):
    return {name for name, tensor in model.state_dict().items() if not torch.equal(tensor, before[name])}


@pytest.mark.parametrize(
    "name",
    [
        "rugged/alexnet64",
        "torchvision/mobilenet_v3_small",
        "torchvision/squeezenet1_0",
        "timm/test_resnet",
        "timm/test_efficientnet_evos",  # Normalises by running statistics in a layer of its own.
    ],
)
def test_only_the_head_learns_when_the_body_is_frozen(name):
    model = build(name, 3)
    freeze_body(model)
    training_mode(model)
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    _train(model)
    assert _changed(model, before) == set(head_parameters(model))


def test_dropout_works_in_a_frozen_body():
    model = build("alexnet64", 3)
    freeze_body(model)
    training_mode(model)
    images = torch.randn(1, 3, 64, 64)
    assert not torch.equal(model(images), model(images))


def test_everything_learns_when_nothing_is_frozen():
    model = build("timm/test_resnet", 3)
    training_mode(model.eval())
    assert all(module.training for module in model.modules())
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    _train(model)
    assert _changed(model, before) == set(before)


def test_statistics_move_where_their_layer_learns():
    """Only the stem is frozen: the layers above go on normalising what they see."""
    model = build("timm/test_resnet", 3)
    for parameter in model.bn1.parameters():
        parameter.requires_grad_(False)
    training_mode(model)
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    _train(model)
    still = set(before) - _changed(model, before)
    assert {name for name in before if name.startswith("bn1.")} == still
