"""A trained restorer at work on pictures of any size."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from rugged.core.files import expanded, sha256_file
from rugged.engine.devices import Fabric, in_precision
from rugged.engine.inference import CHUNK
from rugged.models import RestorerSpec, load_restorer
from rugged.results import RunFolder

_PIXELS = 1 << 20
"""Of all pictures in a forward pass: 250 of 64 x 64. Fixed, as the number of pictures is: see ``CHUNK``."""

_TILE = 1024
"""Side of the tiles that a picture beyond :data:`_LARGE` is restored in."""

_OVERLAP = 128
"""Pixels that neighbouring tiles share; the one passes gradually into the other there."""

_LARGE = 2 * _TILE**2
"""Pixels above which a picture is taken in tiles: at its widest, the network keeps about 200 bytes for each."""


@dataclass(frozen=True)
class Restorer:
    """A restorer, ready to be used.

    Attributes:
        module: The network, in evaluation mode, on the device.
        spec: What it is, and what it was trained against.
        sha256: Of its file.
        fabric: Device and precision.
    """

    module: nn.Module
    spec: RestorerSpec
    sha256: str
    fabric: Fabric

    @torch.no_grad()
    def restore(self, images: Tensor) -> Tensor:
        """Restore pictures.

        What becomes of a picture does not depend on which others come with it, but for rounding: algorithms change with
        the number of pictures, on a CPU from one to several.

        Args:
            images: ``(N, 3, H, W)`` uint8 of any size, on any device. Not modified.

        Returns:
            The same shape and type, on the same device.
        """
        pixels = images.shape[-2] * images.shape[-1]
        step = 1 if pixels > _LARGE else max(1, min(CHUNK, _PIXELS // pixels))
        result = torch.empty_like(images)
        for start in range(0, len(images), step):
            some = slice(start, start + step)
            restored = self._in_tiles(images[some]) if pixels > _LARGE else self._forward(images[some])
            result[some] = restored.round().clamp(0, 255)
        return result

    def _forward(self, images: Tensor) -> Tensor:
        """``(N, 3, H, W)`` float32 in levels on the device."""
        with in_precision(self.fabric):
            pictures: Tensor = self.module(images.to(self.fabric.device, non_blocking=True)).pictures
        return pictures

    def _in_tiles(self, image: Tensor) -> Tensor:
        """The same for one picture, ``(1, 3, H, W)``, tile by tile."""
        height, width = image.shape[-2:]
        total = torch.zeros(image.shape, device=self.fabric.device)
        weights = torch.zeros((1, 1, height, width), device=self.fabric.device)
        for rows, down in _tiles(height):
            for columns, across in _tiles(width):
                weight = (down[:, None] * across).to(self.fabric.device)
                total[..., rows, columns] += self._forward(image[..., rows, columns]) * weight
                weights[..., rows, columns] += weight
        return total / weights


def open_restorer(path: str | Path, fabric: Fabric) -> Restorer:
    """Load a restorer.

    Args:
        path: Its file, or the folder of the run that trained it.
        fabric: Where and how precisely to compute.

    Raises:
        ModelError: It cannot be loaded.
    """
    path = expanded(path)
    file = RunFolder(path).restorer if path.is_dir() else path
    module, spec = load_restorer(file)
    fabric.setup_module(module)
    return Restorer(module, spec, sha256_file(file), fabric)


def _tiles(length: int) -> Iterator[tuple[slice, Tensor]]:
    """Overlapping stretches of a side, each with its weights, which fall towards the stretches beside it."""
    start = 0
    while True:
        stop = min(start + _TILE, length)
        places = torch.arange(start, stop)
        weights = torch.ones(stop - start)
        if start:
            weights = torch.minimum(weights, (places - start + 1) / _OVERLAP)
        if stop < length:
            weights = torch.minimum(weights, (stop - places) / _OVERLAP)
        yield slice(start, stop), weights
        if stop == length:
            return
        start += _TILE - _OVERLAP
