"""What is frozen holds still while the rest trains, and modes are given back."""

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from rugged.models import build, freeze_body, head_parameters, modes_kept, training_mode


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


def test_each_module_gets_its_own_mode_back():
    model = nn.Sequential(nn.Sequential(nn.Dropout(), nn.BatchNorm2d(3)), nn.Dropout()).train()
    model[0].eval()
    model[0][1].train()
    before = [module.training for module in model.modules()]
    assert before == [True, False, False, True, True]
    for change in (model.eval, model.train):
        with modes_kept(model):
            change()
        assert [module.training for module in model.modules()] == before
    with pytest.raises(RuntimeError, match="running_mean"), modes_kept(model):
        model.eval()(torch.zeros(1, 4, 2, 2))
    assert [module.training for module in model.modules()] == before
