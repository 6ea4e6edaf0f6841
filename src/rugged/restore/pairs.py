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
        title: What was done to them, for people.
        clean: ``(N, 3, H, W)`` uint8 on the CPU.
        damaged: The same; None where nothing was done.
    """

    title: str
    clean: Tensor
    damaged: Tensor | None


@dataclass(frozen=True)
class Provenance:
    """What pairs are, for the manifest and the restorer's file.

    Attributes:
        trained_on: The data set or folder.
        picture_size: Height and width of what the restorer is shown.
        corruptions: Their names; none where others made the pairs.
        severities: Of these.
        preset: Table of the corruptions' parameters.
    """

    trained_on: TrainedOn
    picture_size: tuple[int, int]
    corruptions: tuple[str, ...] = ()
    severities: tuple[int, ...] = ()
    preset: str | None = None


class Pairs(Protocol):
    """Where pairs come from."""

    @property
    def provenance(self) -> Provenance:
        """What they are."""

    @property
    def fetched_ahead(self) -> int:
        """Batches that are worth fetching while the device works."""

    def __len__(self) -> int:
        """Pairs to learn from."""

    def fetch(self, indices: Indices) -> Any:
        """Read what a batch is made of. May be called ahead of time, from another thread: nothing random."""

    def make(self, fetched: Any) -> tuple[Tensor, Tensor]:
        """Clean and damaged pictures, ``(N, 3, H, W)`` uint8 on the device, drawn from PyTorch's generators."""

    def held_out(self) -> Iterator[HeldOut]:
        """The pairs to look at, the same every time, those of one kind together."""


def flip_alike(*batches: Tensor) -> tuple[Tensor, ...]:
    """Mirror half of the pictures left to right, the same ones in each batch ``(N, 3, H, W)``."""
    flipped = (torch.rand(len(batches[0])) < 0.5).to(batches[0].device)[:, None, None, None]
    return tuple(torch.where(flipped, pictures.flip(-1), pictures) for pictures in batches)


def crop_place(pictures: Tensor, side: int) -> tuple[slice, slice]:
    """Rows and columns of a square somewhere in pictures ``(..., H, W)``."""
    top, left = (int(torch.randint(0, length - side + 1, ())) for length in pictures.shape[-2:])
    return slice(top, top + side), slice(left, left + side)
