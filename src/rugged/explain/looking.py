"""Looking into a network without leaving a trace: modes, gradients, and what its layers answer."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn

from rugged.core.errors import ModelError
from rugged.engine import Network
from rugged.models import modes_kept


def device_of(module: nn.Module) -> torch.device:
    """Where a network's weights lie; one without weights computes on the CPU."""
    weight = next(module.parameters(), None)
    return torch.device("cpu") if weight is None else weight.device


def require_network(network: object) -> None:
    """Refuse what is no network with its specification.

    Raises:
        ModelError: It is something else: a module alone, say, or the path of a file.
    """
    if not isinstance(network, Network):
        raise ModelError(
            f"The network is {type(network).__name__}; expected rugged.explain.Network, which has its specification. "
            "Of a model file: Network(*load_model(path))."
        )


def require_module(module: object) -> None:
    """Refuse what is no module, such as the network that holds one.

    Raises:
        ModelError: It is something else.
    """
    if not isinstance(module, nn.Module):
        held = " Give its module: network.module." if isinstance(module, Network) else ""
        raise ModelError(f"The module is {type(module).__name__}; expected torch.nn.Module.{held}")


def no_gradient(network: Network) -> ModelError:
    """The refusal of a network that gives a picture no gradient."""
    return ModelError(
        f"No gradient flows from the answer of {network.spec.architecture} to the picture: a part of it "
        "cuts the gradient off (detach, rounding, no_grad). Use occlusion, which needs none."
    )


@contextmanager
def undisturbed(module: nn.Module) -> Iterator[None]:
    """Have a network answer as it does when measured, so that gradients can be had, whatever was set around it.

    In evaluation mode and full precision, with gradients on, and with no activation written over its input, which a
    gradient may still need. Afterwards the network is as it was.

    Raises:
        ModelError: Its weights were made under ``torch.inference_mode``: no gradient ever flows through them.
    """
    if any(tensor.is_inference() for tensor in chain(module.parameters(), module.buffers())):
        raise ModelError(
            "The network was made under torch.inference_mode, and no gradient flows through such weights. "
            "Load it outside of that block."
        )
    in_place: list[Any] = [each for each in module.modules() if getattr(each, "inplace", None) is True]
    kind = device_of(module).type
    with torch.inference_mode(False), torch.enable_grad(), torch.autocast(kind, enabled=False), modes_kept(module):
        module.eval()
        for each in in_place:
            each.inplace = False
        try:
            yield
        finally:
            for each in in_place:
                each.inplace = True


@contextmanager
def captured(module: nn.Module, names: Collection[str] | None = None) -> Iterator[dict[str, list[Tensor]]]:
    """Keep what layers answer while the block runs the network.

    Args:
        module: The network.
        names: Of the layers; None keeps those of all.

    Yields:
        The answers of each layer that gives one tensor, one for each time it is asked, in the order in which the layers
        are done.
    """
    outputs: dict[str, list[Tensor]] = {}

    def keep(name: str, output: Any) -> Tensor | None:
        if not isinstance(output, Tensor):
            return None
        outputs.setdefault(name, []).append(output)
        return output.clone()  # What follows may write into it.

    hooks = [
        each.register_forward_hook(lambda _module, _inputs, output, name=name: keep(name, output))
        for name, each in module.named_modules()
        if name and (names is None or name in names)
    ]
    try:
        yield outputs
    finally:
        for hook in hooks:
            hook.remove()
