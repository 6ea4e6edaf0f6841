"""Inference over many images, the same to the last bit whatever order or share of them is computed."""

from collections.abc import Iterator

import torch
from torch import Tensor, nn

from rugged.engine.devices import Fabric
from rugged.models import ModelSpec, preprocess

CHUNK = 250
"""Images a forward pass. Fixed, since the order of sums inside a network may depend on the batch's size."""


def chunks(count: int) -> Iterator[slice]:
    """Slices of ``CHUNK`` images that cover ``count`` of them in order."""
    for start in range(0, count, CHUNK):
        yield slice(start, min(start + CHUNK, count))


def infer(fabric: Fabric, model: nn.Module, spec: ModelSpec, images: Tensor) -> Tensor:
    """Logits for one chunk of pictures.

    Args:
        fabric: Gives device and precision.
        model: In evaluation mode, on the fabric's device.
        spec: The model's expectations.
        images: ``(N, 3, H, W)`` uint8 on any device, N at most ``CHUNK``.

    Returns:
        ``(N, classes)`` float32 on the CPU.
    """
    with torch.inference_mode(), fabric.autocast():
        logits: Tensor = model(preprocess(images.to(fabric.device, non_blocking=True), spec))
    return logits.float().cpu()
