"""What a layer answers to a picture: its channels as maps."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rugged.corruptions.request import check_images
from rugged.engine import Network
from rugged.explain.layers import Layer, find_layers
from rugged.explain.looking import captured, device_of, require_network, undisturbed


def activations(network: Network, images: Tensor, layer: Layer) -> Tensor:
    """The answer of a layer to pictures.

    Args:
        network: The network, which is left as it was.
        images: ``(N, 3, H, W)`` uint8.
        layer: Of ``find_layers``.

    Returns:
        ``(N, channels, side, side)`` float32 on the CPU.
    """
    require_network(network)
    check_images(images)
    with undisturbed(network.module), torch.no_grad(), captured(network.module, [layer.name]) as outputs:
        network.logits(images.to(device_of(network.module)))
    return layer.maps(outputs[layer.name][0]).float().cpu()


def layer_of_each_size(network: Network) -> list[Layer]:
    """The deepest layer of each map size, from large to small, down to 2 × 2: one for each stage of most networks."""
    deepest = {layer.side: layer for layer in find_layers(network) if layer.side > 1}
    return [deepest[side] for side in sorted(deepest, reverse=True)]


def mean_and_strongest(maps: Tensor, count: int) -> NDArray[np.float32]:
    """The mean over channels, then the channels that answer most strongly.

    Args:
        maps: ``(channels, h, w)`` of one picture.
        count: How many channels.

    Returns:
        ``(1 + count, h, w)``, or fewer where there are fewer channels; strength is the mean absolute value.
    """
    strongest = maps.abs().mean((1, 2)).argsort(descending=True, stable=True)[:count]
    return np.asarray(torch.cat([maps.mean(0, keepdim=True), maps[strongest]]).numpy(), np.float32)


def as_grey(maps: NDArray[np.floating]) -> NDArray[np.uint8]:
    """``(N, h, w, 3)`` pictures of ``(N, h, w)`` maps, each from its lowest value, black, to its highest, white."""
    low, high = maps.min(axis=(1, 2), keepdims=True), maps.max(axis=(1, 2), keepdims=True)
    spread = np.where(high > low, high - low, 1)
    levels: NDArray[np.uint8] = np.rint(255 * (maps - low) / spread).astype(np.uint8)
    return levels[..., None].repeat(3, axis=3)
