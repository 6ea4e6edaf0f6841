"""Computing activations twice changes nothing but the memory they take."""

import copy

import pytest
import torch
from torch import nn

from rugged.core.errors import ModelError
from rugged.models import build
from rugged.models.recomputing import recompute_activations


@pytest.mark.parametrize("name", ["torchvision/resnet18", "timm/test_efficientnet", "torchvision/squeezenet1_0"])
def test_gradients_and_statistics_are_the_same_and_less_is_kept(name):
    torch.manual_seed(0)
    plain = build(name, 5).train()
    twice = copy.deepcopy(plain)
    recompute_activations(twice)
    images = torch.randn(4, 3, 64, 64)
    kept = []
    for model in (plain, copy.deepcopy(twice)):
        sizes = []

        def pack(tensor, sizes=sizes):
            sizes.append(tensor.numel())
            return tensor

        torch.manual_seed(1)  # Dropout's.
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            loss = model(images).square().sum()
        kept.append(sum(sizes))
        loss.backward()
        gradients = [parameter.grad for parameter in model.parameters()]
        if model is plain:
            expected, state = gradients, {key: value.clone() for key, value in model.state_dict().items()}
        else:
            for one, other in zip(gradients, expected, strict=True):
                torch.testing.assert_close(one, other)
            assert model.state_dict().keys() == state.keys()
            for key, value in model.state_dict().items():
                assert torch.equal(value, state[key]), key
    assert kept[1] < 0.6 * kept[0]


def test_evaluation_is_the_plain_one():
    model = build("torchvision/resnet18", 5).eval()
    images = torch.randn(2, 3, 64, 64)
    expected = model(images)
    recompute_activations(model)
    assert torch.equal(model(images), expected)


def test_a_network_without_blocks_is_refused():
    with pytest.raises(ModelError, match="checkpoint_activations"):
        recompute_activations(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()))
