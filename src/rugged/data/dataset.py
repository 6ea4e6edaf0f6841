"""What every data set is once it is open: two splits of uint8 pictures with labels, ids and class names."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class ClassInfo:
    """One class.

    Attributes:
        id: The name of its folder, or its WordNet id (``n01443537``). Part of every picture's id.
        name: What a person calls it (``goldfish``).
    """

    id: str
    name: str


@dataclass(frozen=True)
class Split:
    """The pictures of one split, in the order of their ids.

    Attributes:
        name: ``train`` or ``val``.
        images: ``(N, H, W, 3)`` uint8, RGB; a read-only memory map when it comes from a pack.
        labels: ``(N,)`` int64, indices into the data set's classes.
        ids: ``<class id>/<stem>``, unique within the split.
    """

    name: str
    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    ids: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        height, width = self.images.shape[1:3]
        return f"Split({self.name!r}, {len(self):,} pictures of {height} × {width})"

    def take(self, indices: Sequence[int] | NDArray[np.integer[Any]]) -> "Split":
        """The pictures at ``indices``, in that order, copied into memory.

        Args:
            indices: ``(M,)`` positions in this split. Masks are not meant: a boolean is not a position.

        Raises:
            TypeError: ``indices`` are not integers.
        """
        positions = np.asarray(indices)
        if positions.size == 0:
            positions = positions.astype(np.int64)
        if not np.issubdtype(positions.dtype, np.integer):
            raise TypeError(f"Expected integer positions, found {positions.dtype}.")
        ids = tuple(self.ids[position] for position in positions)
        return Split(self.name, np.asarray(self.images[positions]), self.labels[positions], ids)


@dataclass(frozen=True)
class Dataset:
    """A data set that is packed and ready to be read.

    Attributes:
        name: ``tiny-imagenet``, ``builtin``, or the name of the folder it was packed from.
        classes: In label order, which is the order of their ids.
        train: The training pictures.
        val: The validation pictures.
        content_hash: SHA-256 in hex over the pixels, labels, ids and class ids of both splits; see
            ``rugged.data.packed.content_hash``. It says nothing of where or when the data was packed.
        notes: What was done to the pictures on the way in, as sentences: resized, converted, set aside.
        folder: Where the pack lies.
        corruptions: Those that its pictures carry, where ``rugged corrupt --one-per-image`` has made them, and
            ``procedural frost`` if theirs was drawn; what is trained on them has seen these, and its ledger says so.
    """

    name: str
    classes: tuple[ClassInfo, ...]
    train: Split
    val: Split
    content_hash: str
    notes: tuple[str, ...]
    folder: Path
    corruptions: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Dataset({self.name!r}, {len(self.classes):,} classes, train={self.train}, val={self.val})"

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of every picture."""
        height, width = self.train.images.shape[1:3]
        return height, width

    def counts(self) -> list[tuple[ClassInfo, int, int]]:
        """Each class with its number of training and of validation pictures."""
        train = np.bincount(self.train.labels, minlength=len(self.classes))
        val = np.bincount(self.val.labels, minlength=len(self.classes))
        return [(info, int(train[i]), int(val[i])) for i, info in enumerate(self.classes)]
