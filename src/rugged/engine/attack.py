"""Gradient ascent on pictures: the search for the worst one within a few levels of the true one (PGD)."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional


def ascend(
    forward: Callable[[Tensor], Tensor],
    values: Tensor,
    start: Tensor,
    targets: Tensor,
    *,
    steps: int,
    step_size: float,
    radius: float,
) -> Tensor:
    """Search near each picture for one with a high cross-entropy: projected gradient ascent in the maximum norm.

    Every step moves each value by ``step_size`` along the gradient's sign, and goes back into the radius and the range
    of levels (Madry et al. 2018, arXiv:1706.06083). Gradients of weights are neither computed nor accumulated;
    precision is the caller's autocast.

    Args:
        forward: From pictures as ``values`` to ``(N, C)`` logits: preprocessing, then the network. It must not write
            into its argument.
        values: ``(N, 3, H, W)`` float32 in levels, [0, 255]. Not modified.
        start: Of the same shape, where the search begins; it is moved into the radius and the range. Modified.
        targets: ``(N,)`` int64 classes, or ``(N, C)`` float32 distributions.
        steps: Forward and backward passes; 0 gives the start.
        step_size: In levels.
        radius: Largest change of a value, in levels.

    Returns:
        ``(N, 3, H, W)`` float32 in [0, 255], outside of any graph and not rounded to whole levels.
    """
    lowest, highest = (values - radius).clamp_(min=0), (values + radius).clamp_(max=255)
    found = start.clamp_(lowest, highest)
    for _ in range(steps):
        logits = forward(found.requires_grad_())
        # A sum, not a mean: half precision must not lose small gradients to the size of the batch.
        loss = functional.cross_entropy(logits.float(), targets, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, found)
        found = found.detach().add_(gradient.sign(), alpha=step_size).clamp_(lowest, highest)
    return found
