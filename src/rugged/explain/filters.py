"""What a network's first layers look for: their filters as pictures."""

import numpy as np
from numpy.typing import NDArray
from torch import nn

from rugged.core.errors import ModelError
from rugged.explain.looking import require_module

_MOST = 64
"""Filters of a layer that are shown: the first ones."""

_LAYERS = 3
"""Depthwise layers that are shown: the first ones."""


def first_filters(module: nn.Module) -> tuple[str, NDArray[np.uint8]] | None:
    """The filters of the first convolution of pictures, in colour; of a transformer, its patches.

    Each filter is scaled by its own largest weight: grey is zero, and a colour what it looks for.

    Returns:
        The layer's name and ``(F, k, k, 3)`` uint8; None where no convolution takes three channels.

    Raises:
        ModelError: Weights that are not finite, or no module.
    """
    require_module(module)
    for name, layer in module.named_modules():
        if isinstance(layer, nn.Conv2d) and layer.in_channels == 3 and layer.groups == 1:
            return name, _pictures(layer)
    return None


def depthwise_filters(module: nn.Module) -> list[tuple[str, NDArray[np.uint8]]]:
    """The filters of the first depthwise convolutions, each of which sees one channel: grey is zero, white positive.

    Args:
        module: The network.

    Returns:
        The layers' names, with ``(F, k, k, 3)`` uint8; none where the network has no such layer.

    Raises:
        ModelError: Weights that are not finite, or no module.
    """
    require_module(module)
    found = [
        (name, layer)
        for name, layer in module.named_modules()
        if isinstance(layer, nn.Conv2d) and layer.groups == layer.in_channels > 1 and max(layer.kernel_size) > 1
    ]
    return [(name, _pictures(layer)) for name, layer in found[:_LAYERS]]


def _pictures(layer: nn.Conv2d) -> NDArray[np.uint8]:
    weights = layer.weight.detach()[:_MOST].float().cpu().permute(0, 2, 3, 1).numpy()
    if not np.isfinite(weights).all():
        raise ModelError("The network's filters are not finite. Train it again, or check the file.")
    largest = np.abs(weights).max(axis=(1, 2, 3), keepdims=True)
    scaled = np.divide(weights, largest, out=np.zeros_like(weights), where=largest > 0)
    levels = np.rint(127.5 + 127.5 * scaled).astype(np.uint8)
    return np.broadcast_to(levels, (*levels.shape[:3], 3)).copy()
