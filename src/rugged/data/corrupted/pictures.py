"""Pictures of a pack, corrupted a few at a time."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rugged.core.catalogue import PROCEDURAL_NOTE, size_note
from rugged.core.selection import choose_preset
from rugged.corruptions import Textures, choose_textures, corrupt

_AT_ONCE = 1 << 23  # Bytes of pictures in memory at once: 680 of 64 x 64, 55 of 224 x 224.


@dataclass(frozen=True)
class Corruptor:
    """How pictures are corrupted.

    Attributes:
        preset: Table of severities.
        seed: Of the keyed draws.
        textures: What frost lays over pictures; None where no frost is asked for.
    """

    preset: str
    seed: int
    textures: Textures | None

    @property
    def textures_label(self) -> str:
        """``photographs``, ``procedural`` or ``none``."""
        return "none" if self.textures is None else self.textures.label

    def corrupt(self, pixels: NDArray[np.uint8], ids: Sequence[str], corruption: str, severity: int) -> Tensor:
        """Corrupt ``(N, H, W, 3)`` pictures into ``(N, 3, H, W)``."""
        images = torch.from_numpy(pixels).permute(0, 3, 1, 2)
        return corrupt(
            images, corruption, severity, preset=self.preset, seed=self.seed, ids=ids, textures=self.textures
        )

    def notes(self, height: int, width: int) -> list[str]:
        """What a reader of anything made by this corruptor must know."""
        size = size_note(self.preset, height, width)
        ice = f"Textures: {PROCEDURAL_NOTE}." if self.textures_label == "procedural" else None
        return [note for note in (size, ice) if note is not None]


def choose_corruptor(
    size: tuple[int, int], corruptions: Sequence[str], preset: str | None, seed: int, textures: str | None
) -> Corruptor:
    """Complete what was not asked for: the preset by size, and textures where there is frost.

    Raises:
        ConfigError: There is no such preset.
    """
    chosen = choose_preset(preset, *size)
    return Corruptor(chosen, seed, choose_textures(textures) if "frost" in corruptions else None)


@dataclass(frozen=True, eq=False)
class Pictures:
    """Some rows of an ``.npy`` file, in the order of their ids.

    Attributes:
        file: ``(N, H, W, 3)`` uint8.
        rows: ``(M,)`` rows of the file.
        ids: M ids.
        size: Height and width.
    """

    file: Path
    rows: NDArray[np.int64]
    ids: tuple[str, ...]
    size: tuple[int, int]

    def __len__(self) -> int:
        return len(self.ids)

    def corrupted(
        self, members: Sequence[int], corruptor: Corruptor, corruption: str, severity: int
    ) -> Iterator[tuple[Sequence[int], Tensor]]:
        """Corrupt some, a few at a time.

        Args:
            members: Which: places among these pictures.
            corruptor: How.
            corruption: Which corruption.
            severity: 1 to 5.

        Yields:
            The members of a batch, and their ``(n, 3, H, W)`` uint8.
        """
        images = np.load(self.file, mmap_mode="r", allow_pickle=False)
        step = max(1, _AT_ONCE // (3 * math.prod(self.size)))
        for start in range(0, len(members), step):
            batch = members[start : start + step]
            pixels = np.ascontiguousarray(images[self.rows[batch]])
            yield batch, corruptor.corrupt(pixels, [self.ids[member] for member in batch], corruption, severity)


def rehearse(pictures: Pictures, corruptor: Corruptor, corruptions: Sequence[str], severities: Sequence[int]) -> None:
    """Corrupt one picture in every way, so that what cannot be done is known before anything is written.

    Raises:
        CorruptionError: Pictures of this size cannot be corrupted so.
    """
    for corruption in corruptions:
        for severity in severities:
            for _ in pictures.corrupted([0], corruptor, corruption, severity):
                pass
