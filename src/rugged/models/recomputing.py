"""Activation checkpointing: blocks whose activations are computed twice instead of kept, to save memory."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint

from rugged.core.errors import ModelError


def recompute_activations(model: nn.Module) -> None:
    """Have a network keep only what its blocks take in, and compute what happens inside again for the gradient.

    Blocks are the members of the network's sequences that hold two weighted layers or more. Memory falls to about that
    of the largest block; a step costs about a third more. The result is the same: dropout draws the same again, and
    batch norms' statistics move once, not twice.

    Args:
        model: Modified; its ``state_dict`` is as it was.

    Raises:
        ModelError: The network has no such blocks.
    """
    blocks = list(_blocks(model))
    if not blocks:
        raise ModelError(
            f"{type(model).__name__} is not made of blocks whose activations could be computed twice. "
            "Leave checkpoint_activations out, and save memory with micro_batch."
        )
    for block in blocks:
        block.forward = partial(_run, block, type(block).forward)


def _blocks(module: nn.Module) -> Iterator[nn.Module]:
    for child in module.children():
        inside = isinstance(module, nn.Sequential | nn.ModuleList | nn.ModuleDict)
        if inside and not isinstance(child, nn.Sequential | nn.ModuleList | nn.ModuleDict) and _layers(child) > 1:
            yield child
        else:
            yield from _blocks(child)


def _layers(module: nn.Module) -> int:
    return sum(isinstance(each, nn.Conv2d | nn.Linear) for each in module.modules())


def _run(block: nn.Module, forward: Any, *inputs: Any) -> Any:
    if not block.training:
        return forward(block, *inputs)
    contexts = partial(_contexts, block)
    return checkpoint(partial(forward, block), *inputs, use_reentrant=False, context_fn=contexts)


def _contexts(block: nn.Module) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    return nullcontext(), _resting_statistics(block)


@contextmanager
def _resting_statistics(block: nn.Module) -> Iterator[None]:
    """Keep batch norms' statistics from moving in the second pass."""
    norms = [each for each in block.modules() if isinstance(each, _BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
            if norm.num_batches_tracked is not None:
                norm.num_batches_tracked.sub_(1)
