"""Pictures to play with: samples of a data set, and what a person drops."""

import warnings
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np
from numpy.typing import NDArray

from rugged.core.errors import DataError
from rugged.data import Dataset, Split, decode_image
from rugged.data.decode import BadImageError
from rugged.data.splits import evenly

MOST_BYTES = 20 * 2**20
"""Of a dropped file. What its pixels may be, the decoder bounds."""


@dataclass(frozen=True, eq=False)
class Picture:
    """One picture, of the size at which it is corrupted.

    Attributes:
        pixels: ``(H, W, 3)`` uint8.
        id: What its randomness is keyed by.
        caption: Where it is from.
        label: The id of its class; None where nobody knows.
        changes: What was done to it on the way in, such as "reduced to 64 x 64".
    """

    pixels: NDArray[np.uint8]
    id: str
    caption: str
    label: str | None = None
    changes: tuple[str, ...] = ()


def samples(dataset: Dataset, count: int) -> list[Picture]:
    """Take validation pictures evenly over the classes; training pictures where there are no others.

    Raises:
        DataError: The data set has no pictures at all.
    """
    split = dataset.val if len(dataset.val) else dataset.train
    if not len(split):
        raise DataError(f"{dataset.name} has no pictures. Name another data set with --data.")
    return [_sample(dataset, split, int(row)) for row in evenly(split.labels, count)]


def _sample(dataset: Dataset, split: Split, row: int) -> Picture:
    info = dataset.classes[int(split.labels[row])]
    return Picture(np.array(split.images[row]), split.ids[row], f"{info.name} · {split.ids[row]}", info.id)


def read_picture(data: bytes, name: str, side: int) -> Picture:
    """Decode what was dropped and fit it to a square, as a data set's pictures are when they are packed.

    Args:
        data: The file's bytes; of too large a file, any more than ``MOST_BYTES``.
        name: Its name; without the ending it is the picture's id, as for ``rugged corrupt --preview``.
        side: Of the square, in pixels.

    Raises:
        DataError: Too large a file, or not a picture that can be used.
    """
    if len(data) > MOST_BYTES:
        raise DataError(f"{name} has more than {MOST_BYTES:,} bytes, which is the most. Drop a smaller one.")
    try:
        with warnings.catch_warnings(action="ignore"):  # Pillow's; what makes a picture unusable is raised.
            decoded = decode_image(data, side)
    except BadImageError as error:
        raise DataError(f"{name} cannot be shown: {error}. Drop another: a JPEG, PNG or WebP picture.") from error
    return Picture(decoded.pixels, PurePath(name).stem, name, changes=decoded.changes)
