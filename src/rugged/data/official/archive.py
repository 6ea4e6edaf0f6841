"""What a reader of corrupted pictures asks of their files, whatever the layout."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from rugged.core.catalogue import CellKey

WHOLE_AGAIN = "Download or write it again, or choose others with --corruptions and --severities."
"""What to do where something is not there."""


@dataclass(frozen=True)
class Contents:
    """What all cells have in common.

    Attributes:
        where: The folder or the archive.
        ids: N ids, ``<class id>/<stem>``: each cell holds these pictures, in this order.
        labels: ``(N,)`` int64, indices into the data set's classes.
        size: Height and width of every picture.
        stored: How the files keep pixels: ``no`` loss, ``jpeg85`` as the published collections, or another format.
        layout: ``pictures`` in class folders, or ``arrays`` as CIFAR-10-C.
        manifest: Of ``rugged corrupt``, where it wrote the files.
        notes: What a reader must know, as sentences.
    """

    where: Path
    ids: tuple[str, ...]
    labels: NDArray[np.int64]
    size: tuple[int, int]
    stored: str
    layout: str
    manifest: dict[str, Any] | None
    notes: tuple[str, ...]


class Archive(Protocol):
    """Corrupted pictures of one set of images, under several corruptions and severities."""

    @property
    def contents(self) -> Contents:
        """What all cells have in common."""

    def require(self, cell: CellKey) -> None:
        """Make sure that a cell is there and holds the same pictures as the others.

        Raises:
            DataError: It is not, or does not.
        """

    def fingerprint(self, cell: CellKey) -> str:
        """What changes when other pictures lie in a cell."""

    def read(self, cell: CellKey, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Some pictures of a cell, ``(M, H, W, 3)``.

        Raises:
            DataError: A picture cannot be read; its place is named.
        """
