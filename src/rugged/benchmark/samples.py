"""A few pictures as the model saw them, kept with the results so that a report can show them without the data set."""

from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from rugged.core.files import atomic_path, write_json
from rugged.data import Split
from rugged.data.splits import evenly
from rugged.engine import as_batch

_COUNT = 8


class SampleStrips:
    """The same pictures under every corruption and severity, one PNG strip a cell.

    Args:
        folder: ``benchmark/samples``.
        split: What is measured; the pictures are taken evenly over its classes.
        device: Where ``images`` lies.
    """

    def __init__(self, folder: Path, split: Split, device: torch.device) -> None:
        chosen = split.take(evenly(split.labels, _COUNT))
        self._folder = folder
        self._labels = chosen.labels
        self.ids = chosen.ids
        self.images = as_batch(chosen.images, device)

    def write_index(self) -> None:
        """Write ``samples.json``: ids, labels and the size of a picture, from left to right in each strip."""
        height, width = self.images.shape[-2:]
        index = {"ids": list(self.ids), "labels": self._labels.tolist(), "height": height, "width": width}
        write_json(self._folder / "samples.json", index)

    def exists(self, corruption: str, severity: int) -> bool:
        """Whether a strip has been written."""
        return self._path(corruption, severity).exists()

    def write(self, corruption: str, severity: int, images: Tensor) -> None:
        """Write one strip: ``(S, 3, H, W)`` uint8 side by side."""
        strip = images.cpu().permute(2, 0, 3, 1).flatten(1, 2).contiguous().numpy()
        with atomic_path(self._path(corruption, severity)) as temporary:
            Image.fromarray(strip).save(temporary, format="PNG", optimize=True)

    def _path(self, corruption: str, severity: int) -> Path:
        return self._folder / f"{corruption}-{severity}.png"
