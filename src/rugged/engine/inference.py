"""Inference over many images, the same to the last bit whatever order or share of them is computed."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from rugged.engine.devices import Fabric, in_precision
from rugged.models import ModelSpec, preprocess

CHUNK = 250
"""Images that are answered together. Fixed, since the order of sums in a network may depend on the batch's size."""

_WHOLE = 224
"""Side of a network's input, in pixels, up to which a whole chunk is one forward pass."""


def chunks(count: int) -> Iterator[slice]:
    """Slices of ``CHUNK`` images that cover ``count`` of them in order."""
    for start in range(0, count, CHUNK):
        yield slice(start, min(start + CHUNK, count))


def infer(fabric: Fabric, model: nn.Module, spec: ModelSpec, images: Tensor) -> Tensor:
    """Logits for one chunk of pictures, in one forward pass or, where the network's input is large, in several.

    Args:
        fabric: Gives device and precision.
        model: In evaluation mode, on the fabric's device.
        spec: The model's expectations.
        images: ``(N, 3, H, W)`` uint8 on any device, N at most ``CHUNK``.

    Returns:
        ``(N, classes)`` float32 on the CPU.
    """
    parts = torch.split(images, _at_once(spec.input_size))
    with torch.inference_mode(), in_precision(fabric):
        logits = [model(preprocess(part.to(fabric.device, non_blocking=True), spec)) for part in parts]
    return torch.cat(logits).float().cpu()


def _at_once(side: int) -> int:
    """Pictures a forward pass, by the network's input alone: what training fitted into the memory shall fit here, too.

    It falls with the square of the pixels, since networks that are made for larger pictures are wider as well.
    """
    return max(1, min(CHUNK, CHUNK * _WHOLE**4 // side**4))
