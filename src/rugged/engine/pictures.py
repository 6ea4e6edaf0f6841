"""Pictures on their way to a device: kept there whole where they fit, else copied batch by batch."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from rugged.data import Split
from rugged.engine.inference import chunks

_SHARE = 0.4  # of a GPU's free memory that pictures may take; the rest is the network's


@dataclass(frozen=True)
class PlacedSplit:
    """A split's pictures and labels, ready to be taken in batches.

    Attributes:
        split: Where they come from.
        device: Where batches are wanted.
        resident: All pictures on the device, ``(N, H, W, 3)`` uint8; None streams them from the memory map.
        labels: ``(N,)`` int64, on the device.
    """

    split: Split
    device: torch.device
    resident: Tensor | None
    labels: Tensor

    @classmethod
    def place(cls, split: Split, device: torch.device) -> "PlacedSplit":
        """Put a split on a GPU that has room for it. On a CPU the memory map is as near as can be."""
        labels = torch.from_numpy(np.array(split.labels)).to(device)
        fits = device.type == "cuda" and split.images.nbytes < _SHARE * torch.cuda.mem_get_info(device)[0]
        return cls(split, device, _copy(split.images, device) if fits else None, labels)

    @property
    def fetched_ahead(self) -> int:
        """Batches that are worth fetching ahead: those that must be copied to another device."""
        return 2 if self.resident is None and self.device.type != "cpu" else 0

    def take(self, rows: npt.NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """A batch: ``(N, 3, H, W)`` uint8 in channels-last memory format, and ``(N,)`` labels."""
        places = torch.from_numpy(rows).to(self.device, non_blocking=True)
        if self.resident is None:
            pictures = torch.from_numpy(self.split.images[rows]).to(self.device, non_blocking=True)
        else:
            pictures = self.resident[places]
        return pictures.permute(0, 3, 1, 2), self.labels[places]


def _copy(images: npt.NDArray[np.uint8], device: torch.device) -> Tensor:
    """Bring pictures to a device a few at a time: a memory map need not fit into memory."""
    copied = torch.empty(images.shape, dtype=torch.uint8, device=device)
    for some in chunks(len(images)):
        copied[some] = torch.from_numpy(np.array(images[some]))
    return copied
