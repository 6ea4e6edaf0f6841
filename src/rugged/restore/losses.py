"""What generator and discriminator learn from: distances in pixels, and the two adversarial games."""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

_CHARBONNIER = 1e-3  # As a fraction of white: below a quarter of a level, the loss is a square.

Game = Literal["ragan-ls", "wgan-gp"]


def pixel_loss(restored: Tensor, clean: Tensor, kind: Literal["charbonnier", "l1"]) -> Tensor:
    """The mean difference of pixels.

    Args:
        restored: ``(N, 3, H, W)``, white at 1.
        clean: The same.
        kind: ``charbonnier``, √(d² + ε²) with ε = 0.001, or ``l1``, the absolute difference.
    """
    difference = restored - clean
    if kind == "l1":
        return difference.abs().mean()
    return (difference.square() + _CHARBONNIER**2).sqrt().mean()


def generator_loss(game: Game, real: Tensor, fake: Tensor) -> Tensor:
    """What the generator minimises, given the discriminator's verdicts on clean and on restored pictures."""
    if game == "wgan-gp":
        return -fake.mean()
    return ((fake - real.mean() - 1).square().mean() + (real - fake.mean() + 1).square().mean()) / 2


def discriminator_loss(game: Game, real: Tensor, fake: Tensor) -> Tensor:
    """What the discriminator minimises, the gradient penalty not counted.

    Sources: relativistic average least squares, Jolicoeur-Martineau 2018 (arXiv:1807.00734); Wasserstein's distance,
    Arjovsky et al. 2017 (arXiv:1701.07875).
    """
    if game == "wgan-gp":
        return fake.mean() - real.mean()
    return ((real - fake.mean() - 1).square().mean() + (fake - real.mean() + 1).square().mean()) / 2


def gradient_penalty(critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, mix: Tensor) -> Tensor:
    """How far the critic's slope is from 1, on the way between real and fake pictures.

    Args:
        critic: Gives verdicts, ``(N, ...)``; a picture's score is their mean.
        real: ``(N, C, H, W)``.
        fake: The same.
        mix: ``(N, 1, 1, 1)`` from 0 to 1: where each pair is looked at, 0 at the fake picture.

    Returns:
        The mean of (‖gradient‖ - 1)² over the pictures.

    Source: Gulrajani et al. 2017 (arXiv:1704.00028).
    """
    between = (fake + mix * (real - fake)).detach().requires_grad_()
    scores = critic(between).flatten(1).mean(1)
    (slopes,) = torch.autograd.grad(scores.sum(), between, create_graph=True)
    lengths: Tensor = torch.linalg.vector_norm(slopes.flatten(1), dim=1)
    return (lengths - 1).square().mean()


def gate_loss(damage: Tensor, damaged: Tensor) -> Tensor:
    """Cross-entropy of what the gate thinks of pictures, ``(N,)`` logits, against whether they are damaged."""
    return functional.binary_cross_entropy_with_logits(damage, damaged.float())
