"""Optimizers and the learning rate as a function of the step."""

import math

import torch
from torch import nn
from torch.optim import Optimizer

from rugged.train.recipe import OptimizerRecipe


def make_optimizer(model: nn.Module, recipe: OptimizerRecipe) -> Optimizer:
    """The recipe's optimizer over a model's trainable parameters, in two groups: with and without weight decay."""
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        # Decaying biases and the scales of normalisation layers does not regularise: they have one dimension.
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    if recipe.name == "sgd":
        nesterov = recipe.nesterov and recipe.momentum > 0
        return torch.optim.SGD(groups, lr=recipe.lr, momentum=recipe.momentum, nesterov=nesterov)
    return torch.optim.AdamW(groups, lr=recipe.lr)


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
