"""Pictures to corrupt, and those of a pack, corrupted a few at a time."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rugged.corruptions import Corruptor
from rugged.data.dataset import Dataset, Split
from rugged.data.packed import map_again

_AT_ONCE = 1 << 23  # Bytes of pictures in memory at once: 680 of 64 x 64, 55 of 224 x 224.


class SourcePictures(Protocol):
    """Pictures to corrupt, in the order of their ids. Instances travel to worker processes."""

    @property
    def ids(self) -> tuple[str, ...]:
        """What names them, and what their draws are keyed by."""

    @property
    def pixels(self) -> int:
        """Pixels of each, on average."""

    @property
    def smallest(self) -> int:
        """Place of one whose shorter side no other's is shorter than: what it is not too small for, none is."""

    def __len__(self) -> int: ...

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

        Raises:
            DataError: They cannot be read, or have changed since they were found.
        """


@dataclass(frozen=True, eq=False)
class PackedPictures:
    """Some pictures of a pack, in the order of their ids. Instances travel to worker processes.

    Attributes:
        folder: The pack.
        split: Of which split.
        content_hash: The pack's when it was opened: pictures of another content under these ids are refused.
        rows: ``(M,)`` rows of the split.
        ids: M ids.
        size: Height and width.
    """

    folder: Path
    split: str
    content_hash: str
    rows: NDArray[np.int64]
    ids: tuple[str, ...]
    size: tuple[int, int]

    @property
    def pixels(self) -> int:
        """Pixels of each."""
        return math.prod(self.size)

    @property
    def smallest(self) -> int:
        """Any: they are of one size."""
        return 0

    def __len__(self) -> int:
        return len(self.ids)

    def corrupted(
        self, members: Sequence[int], corruptor: Corruptor, corruption: str, severity: int
    ) -> Iterator[tuple[Sequence[int], Tensor]]:
        """As ``SourcePictures`` says."""
        images = map_again(self.folder, self.split, self.content_hash)
        step = max(1, _AT_ONCE // (3 * self.pixels))
        for start in range(0, len(members), step):
            batch = members[start : start + step]
            pixels = np.ascontiguousarray(images[self.rows[batch]])
            clean = torch.from_numpy(pixels).permute(0, 3, 1, 2)
            yield batch, corruptor(clean, corruption, severity, ids=[self.ids[member] for member in batch])


def pictures_of(dataset: Dataset, split: Split, positions: NDArray[np.int64]) -> PackedPictures:
    """The pictures at ``positions`` of a split of a data set."""
    ids = tuple(split.ids[position] for position in positions)
    return PackedPictures(dataset.folder, split.name, dataset.content_hash, positions, ids, dataset.size)


def rehearse(
    pictures: SourcePictures, corruptor: Corruptor, corruptions: Sequence[str], severities: Sequence[int]
) -> None:
    """Corrupt one picture in every way, as severely as is asked, so that what cannot be done is known before.

    Raises:
        CorruptionError: Pictures of this size cannot be corrupted so.
        DataError: As ``SourcePictures.corrupted``.
    """
    for corruption in corruptions:
        for _ in pictures.corrupted([pictures.smallest], corruptor, corruption, max(severities)):
            pass
