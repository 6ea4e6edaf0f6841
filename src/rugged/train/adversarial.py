"""Adversarial examples: the worst picture for a network within a few levels of the true one (PGD, for AdvProp)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from rugged.engine import ascend
from rugged.models import modes_kept
from rugged.models.split_norm import auxiliary


@contextmanager
def under_attack(model: nn.Module) -> Iterator[None]:
    """Have a network hold still while it is attacked: in evaluation mode, on its second batch norms if it has them.

    Batch statistics would move with every step of the attack, and let one picture's attack depend on its neighbours'.
    The running ones of the second set are those of earlier adversarial examples, as AdvProp wants them. Dropout would
    only blur the gradient. Modes are given back at the end.

    Args:
        model: The network itself, not its DistributedDataParallel wrapper, which waits for gradients of weights.
    """
    with modes_kept(model), auxiliary(model):
        model.eval()
        yield


def attack(
    forward: Callable[[Tensor], Tensor],
    values: Tensor,
    targets: Tensor,
    *,
    steps: int,
    step_size: float,
    radius: float,
) -> Tensor:
    """Search near each picture for one with a high cross-entropy, from a place drawn uniformly within the radius.

    AdvProp takes radius 4 in 5 steps of 1. To be used within ``under_attack``.

    Args:
        forward: As ``rugged.engine.ascend``.
        values: ``(N, 3, H, W)`` float32 in levels, [0, 255]. Not modified.
        targets: ``(N,)`` int64 classes, or ``(N, C)`` float32 distributions.
        steps: Forward and backward passes; 0 gives the random start.
        step_size: In levels.
        radius: Largest change of a value, in levels.

    Returns:
        ``(N, 3, H, W)`` float32 in [0, 255], outside of any graph and not rounded to whole levels.
    """
    start = torch.empty_like(values).uniform_(-radius, radius).add_(values)
    return ascend(forward, values, start, targets, steps=steps, step_size=step_size, radius=radius)
