"""Training and evaluation mode: holding still what is frozen, and giving modes back."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


def training_mode(model: nn.Module) -> None:
    """``model.train()`` that holds still what is frozen: the running statistics of layers that learn nothing.

    Dropout and stochastic depth work as in any training, in a frozen body too. A network of which nothing is frozen
    trains as ever.

    Args:
        model: Any network, in any wrapper. Modified.
    """
    model.train()
    if all(parameter.requires_grad for parameter in model.parameters()):
        return
    for module in model.modules():
        keeps_statistics = any(name.startswith("running_") for name, _ in module.named_buffers(recurse=False))
        if keeps_statistics and not any(parameter.requires_grad for parameter in module.parameters()):
            module.eval()


@contextmanager
def modes_kept(model: nn.Module) -> Iterator[None]:
    """Give each module of a network back its own training or evaluation mode at the end."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
