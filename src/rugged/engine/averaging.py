"""The average of a network's weights over the last steps, and batch norms' statistics measured anew for it."""

import copy
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from rugged.models import modes_kept


def make_average(model: nn.Module) -> nn.Module:
    """A copy of a network to hold the average of its weights: in evaluation mode, and never learning by itself.

    It is a network like the other, so a checkpoint keeps it and inference uses it as it is.
    """
    return copy.deepcopy(model).eval().requires_grad_(False)


@torch.no_grad()
def update_average(average: nn.Module, model: nn.Module, decay: float, step: int) -> None:
    """Move the average towards the weights that a step has left: ``average = d · average + (1 - d) · weights``.

    ``d`` is ``decay``, but at first no more than ``(1 + step) / (10 + step)``: an average over the last tenth of the
    run so far or less, which forgets the random start soon. Buffers, such as batch norms' statistics, are copied.
    The result depends on nothing but the arguments: kept in a checkpoint, a run goes on bit for bit.

    Args:
        average: From ``make_average``. Modified.
        model: The network that learns.
        decay: Of the exponential moving average, 0 to below 1; it looks back about ``1 / (1 - decay)`` steps.
        step: Counted from 0.
    """
    held = min(decay, (1 + step) / (10 + step))
    torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 1 - held)
    for floating in (True, False):  # Tensors of one type are copied by a single kernel.
        old, new = (
            [buffer for buffer in network.buffers() if buffer.is_floating_point() == floating]
            for network in (average, model)
        )
        if old:
            torch._foreach_copy_(old, new)


@torch.no_grad()
def reestimate_batch_norms(model: nn.Module, batches: Iterable[Tensor], forward: Callable[[Tensor], object]) -> None:
    """Measure batch norms' running statistics anew, as the plain average over batches.

    Averaged weights give other activations than the weights whose statistics they were copied with. Only the batch
    norms see training mode: no dropout. A network without batch norm is left alone, and so are batch norms that keep
    no statistics. Within ``rugged.models.split_norm.auxiliary`` it is the second set's that are measured.

    Args:
        model: Its statistics are replaced, once the first batch has come; modes and momenta stay as they were.
        batches: Of one size, since each counts the same; whatever ``forward`` takes. The variance is the mean of the
            batches' unbiased ones, which for shuffled pictures is an unbiased estimate of the whole's.
        forward: Puts a batch through ``model``, preprocessing included.
    """
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm) and module.track_running_stats]
    if not norms:
        return
    momenta = [norm.momentum for norm in norms]
    with modes_kept(model):
        model.eval()
        for norm in norms:
            norm.training = True  # Not `train()`, which would reach the dropout inside timm's batch norms.
        try:
            for count, batch in enumerate(batches, start=1):
                for norm in norms:
                    if count == 1:
                        norm.reset_running_stats()
                    norm.momentum = 1 / count  # As `momentum=None` does, but that waits for the device in every layer.
                forward(batch)
        finally:
            for norm, momentum in zip(norms, momenta, strict=True):
                norm.momentum = momentum
