"""Learning rates along a run, and which weights decay."""

import itertools
import math

import pytest
import torch
from torch import nn

from rugged.engine.optimize import OptimizerRecipe, learning_rate, make_optimizer
from rugged.models import build


def test_warm_up_is_linear_then_a_half_cosine_to_zero():
    recipe = OptimizerRecipe(lr=2.0, warmup_epochs=1)
    rates = [learning_rate(recipe, step, 100, 10) for step in range(100)]
    assert rates[:10] == pytest.approx([0.2 * (step + 1) for step in range(10)])
    assert rates[10] == 2.0
    assert rates[55] == pytest.approx(1.0)  # Half-way through the cosine.
    assert rates[99] == pytest.approx(1 + math.cos(math.pi * 89 / 90))
    assert all(earlier > later for earlier, later in itertools.pairwise(rates[10:]))


@pytest.mark.parametrize("warmup", [0.0, 0.5, 3.0, 100.0])
def test_rates_stay_within_bounds_whatever_the_warm_up(warmup):
    recipe = OptimizerRecipe(lr=1.0, warmup_epochs=warmup)
    assert all(0 < learning_rate(recipe, step, 20, 7) <= 1 for step in range(20))


def test_steps_are_those_of_torch():
    recipe = OptimizerRecipe(lr=0.5, warmup_epochs=0.0, schedule="step", milestones=(2, 3), factor=0.1)
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.5)
    theirs = torch.optim.lr_scheduler.MultiStepLR(optimizer, [2, 3], gamma=0.1)
    for epoch in range(5):
        rates = [learning_rate(recipe, 4 * epoch + step, 20, 4) for step in range(4)]
        assert rates == pytest.approx([theirs.get_last_lr()[0]] * 4)
        optimizer.step()
        theirs.step()


def test_a_constant_rate_stays_after_its_warm_up():
    recipe = OptimizerRecipe(lr=0.5, warmup_epochs=1.0, schedule="constant")
    assert [learning_rate(recipe, step, 8, 2) for step in range(8)] == [0.25] + [0.5] * 7


@pytest.mark.parametrize("name", ["timm/vit_tiny_patch16_224", "torchvision/vit_b_32", "torchvision/swin_t"])
def test_embeddings_of_places_do_not_decay(name):
    with torch.device("meta"):
        model = build(name, 3)
        optimizer = make_optimizer(model, OptimizerRecipe(weight_decay=0.5))
    decayed = {id(p) for group in optimizer.param_groups if group["weight_decay"] for p in group["params"]}
    names = {each for each, parameter in model.named_parameters() if id(parameter) in decayed}
    assert names
    assert all(each.endswith("weight") for each in names)


@pytest.mark.parametrize("name", ["sgd", "adamw"])
def test_only_kernels_and_matrices_decay(name):
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))
    optimizer = make_optimizer(model, OptimizerRecipe(name=name, weight_decay=0.5))
    decayed = {id(p) for group in optimizer.param_groups if group["weight_decay"] for p in group["params"]}
    assert decayed == {id(model[0].weight), id(model[3].weight)}
    assert sum(len(group["params"]) for group in optimizer.param_groups) == 6


def test_frozen_parameters_are_left_out():
    model = nn.Linear(3, 2).requires_grad_(False)
    model.bias.requires_grad_(True)
    optimizer = make_optimizer(model, OptimizerRecipe())
    assert [p for group in optimizer.param_groups for p in group["params"]] == [model.bias]
    assert isinstance(optimizer, torch.optim.SGD)
