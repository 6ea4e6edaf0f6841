"""Optimizers and the learning rate as a function of the step."""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn
from torch.optim import Optimizer

_EMBEDDINGS = ("class_token", "pos_embedding", "relative_position_bias_table")


@dataclass(frozen=True)
class OptimizerRecipe:
    """How weights move. The learning rate warms up linearly, then follows the schedule.

    Attributes:
        name: The algorithm.
        lr: Peak learning rate.
        weight_decay: Applied to weight matrices and kernels, not to biases and normalisation.
        momentum: For SGD.
        nesterov: For SGD: the momentum looks ahead.
        schedule: ``cosine`` falls along a half cosine to 0, ``step`` is cut at the milestones, ``constant`` stays.
        milestones: Epochs after which ``step`` cuts the learning rate.
        factor: What ``step`` multiplies it by.
        warmup_epochs: Length of the linear warm-up.
        clip_norm: Largest norm of the whole gradient; None for no clipping.
    """

    name: Literal["sgd", "adamw"] = "sgd"
    lr: float = 0.1
    weight_decay: float = 5e-4
    momentum: float = 0.9
    nesterov: bool = True
    schedule: Literal["cosine", "step", "constant"] = "cosine"
    milestones: tuple[int, ...] = ()
    factor: float = 0.1
    warmup_epochs: float = 1.0
    clip_norm: float | None = None

    def __post_init__(self) -> None:
        if self.milestones and self.schedule != "step":
            raise ValueError(f'optimizer.milestones are for schedule = "step", and it is "{self.schedule}".')
        if self.schedule == "step" and not self.milestones:
            raise ValueError('optimizer.schedule = "step" needs optimizer.milestones, such as [7].')
        if list(self.milestones) != sorted(set(self.milestones)) or any(epoch < 1 for epoch in self.milestones):
            raise ValueError(f"optimizer.milestones are {list(self.milestones)}; expected rising epochs from 1.")


OPTIMIZER_LIMITS: dict[str, tuple[float, float]] = {
    "lr": (1e-12, 1000),
    "weight_decay": (0, 1000),
    "momentum": (0, 0.9999),
    "factor": (0, 1),
    "warmup_epochs": (0, 1_000_000),
    "clip_norm": (1e-12, 1e12),
}
"""The least and the greatest value of each number, both allowed."""


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
