"""Pairs to learn from: a clean picture and what became of it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from rugged.engine import Indices
from rugged.engine.manifest import TrainedOn


@dataclass(frozen=True)
class HeldOut:
    """Pairs that are looked at and never learned from.

    Attributes:
        title: What was done to them, for people; empty for nothing.
        clean: ``(N, 3, H, W)`` uint8 on the CPU.
        damaged: The same.
    """

    title: str
    clean: Tensor
    damaged: Tensor


class Pairs(Protocol):
    """Where pairs come from.

    Attributes:
        trained_on: For the manifest.
        picture_size: Height and width of what the restorer is shown.
        corruptions: Names of the corruptions, for the ledger; empty where others made the pairs.
        severities: Likewise.
        preset: Likewise.
        fetched_ahead: Batches that are worth fetching while the device works.
    """

    trained_on: TrainedOn
    picture_size: tuple[int, int]
    corruptions: tuple[str, ...]
    severities: tuple[int, ...]
    preset: str | None
    fetched_ahead: int

    def __len__(self) -> int:
        """Pairs to learn from."""

    def fetch(self, indices: Indices) -> Any:
        """Read what a batch is made of. May be called ahead of time, from another thread: nothing random."""

    def make(self, fetched: Any) -> tuple[Tensor, Tensor]:
        """Clean and damaged pictures, ``(N, 3, H, W)`` uint8 on the device, drawn from PyTorch's generators."""

    def held_out(self) -> Iterator[HeldOut]:
        """The pairs to look at, the same every time, those of one kind together."""


def flip_alike(clean: Tensor, damaged: Tensor) -> tuple[Tensor, Tensor]:
    """Mirror half of the pairs left to right."""
    flipped = (torch.rand(len(clean)) < 0.5).to(clean.device)[:, None, None, None]
    return torch.where(flipped, clean.flip(-1), clean), torch.where(flipped, damaged.flip(-1), damaged)


def crop_place(height: int, width: int, side: int) -> tuple[slice, slice]:
    """Rows and columns of a square somewhere in a picture."""
    top, left = (int(torch.randint(0, length - side + 1, ())) for length in (height, width))
    return slice(top, top + side), slice(left, left + side)
