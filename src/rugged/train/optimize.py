"""Optimizers and the learning rate as a function of the step."""

import math

import torch
from torch import nn
from torch.optim import Optimizer

from rugged.train.recipe import OptimizerRecipe

_EMBEDDINGS = ("class_token", "pos_embedding", "relative_position_bias_table")


def make_optimizer(model: nn.Module, recipe: OptimizerRecipe) -> Optimizer:
    """The recipe's optimizer over a model's trainable parameters, in two groups: with and without weight decay."""
    spared = _without_decay(model)
    decayed: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            (others if name in spared else decayed).append(parameter)
    groups = [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": others, "weight_decay": 0.0}]
    if recipe.name == "sgd":
        nesterov = recipe.nesterov and recipe.momentum > 0
        return torch.optim.SGD(groups, lr=recipe.lr, momentum=recipe.momentum, nesterov=nesterov)
    return torch.optim.AdamW(groups, lr=recipe.lr)


def _without_decay(model: nn.Module) -> set[str]:
    """Names of parameters that decay does not regularise.

    These are biases and the scales of normalisation layers, which have one dimension; what a timm network lists itself;
    and torchvision's embeddings and position biases.
    """
    listed: set[str] = set(getattr(model, "no_weight_decay", set)())
    return listed | {
        name for name, parameter in model.named_parameters() if parameter.ndim <= 1 or name.endswith(_EMBEDDINGS)
    }


def learning_rate(recipe: OptimizerRecipe, step: int, steps: int, steps_per_epoch: int) -> float:
    """Linear warm-up to the peak, then what the schedule says.

    Args:
        recipe: Peak, length of the warm-up, schedule.
        step: Counted from 0.
        steps: In the whole run.
        steps_per_epoch: Turns epochs into steps.
    """
    warmup = min(round(recipe.warmup_epochs * steps_per_epoch), steps)
    if step < warmup:
        return recipe.lr * (step + 1) / warmup
    if recipe.schedule == "cosine":
        return recipe.lr * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))
    passed = sum(step >= milestone * steps_per_epoch for milestone in recipe.milestones)
    return recipe.lr * recipe.factor**passed
