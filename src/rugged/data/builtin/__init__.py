"""The built-in data set: 5,000 pictures of ten kinds of things, drawn by code in seconds.

A stand-in for photographs where there is nothing to download: objects of any colour, marking, size, place, turn and
light, on cluttered backgrounds. Every picture is a function of the version, its split, its class and its number
alone, to the byte, on every platform.
"""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rugged.core.errors import DataError
from rugged.core.progress import progress
from rugged.data.builtin.scene import compose
from rugged.data.builtin.shapes import SIDE
from rugged.data.builtin.stream import Stream

Pictures = NDArray[np.uint8]
Masks = NDArray[np.bool_]
Labels = NDArray[np.int64]

VERSION = 2
CLASSES: tuple[tuple[str, str], ...] = (
    ("bird", "bird"),
    ("butterfly", "butterfly"),
    ("car", "car"),
    ("cup", "cup"),
    ("fish", "fish"),
    ("house", "house"),
    ("mushroom", "mushroom"),
    ("sailboat", "sailing boat"),
    ("tree", "tree"),
    ("umbrella", "umbrella"),
)
COUNTS = {"train": 400, "val": 100}


def draw(split: str, class_id: str, index: int) -> tuple[Pictures, NDArray[np.bool_]]:
    """Draw one picture, alone.

    Args:
        split: "train" or "val".
        class_id: One of the first entries of ``CLASSES``.
        index: Number of the picture in its class; those of ``COUNTS`` belong to the data set, more may be drawn.

    Returns:
        ``(64, 64, 3)`` uint8 picture and ``(64, 64)`` bool mask of the object's visible pixels.

    Raises:
        DataError: The split or the class does not exist, or the index is negative.
    """
    known = [identifier for identifier, _ in CLASSES]
    if split not in COUNTS or class_id not in known or index < 0:
        raise DataError(
            f"There is no built-in picture {split!r}, {class_id!r}, {index}: expected a split of {', '.join(COUNTS)}, "
            f"a class of {', '.join(known)} and an index from 0."
        )
    return compose(class_id, Stream(f"rugged builtin {VERSION} {split} {class_id} {index}"))


def splits() -> dict[str, tuple[Pictures, Labels, list[str]]]:
    """Draw the whole data set, in seconds.

    Returns:
        For "train" and "val": ``(N, 64, 64, 3)`` pictures, ``(N,)`` class indices, and ids such as
        "fish/train-0007" in ascending order.
    """
    drawn: dict[str, tuple[Pictures, Labels, list[str]]] = {}
    with progress("Drawing the built-in data set", len(CLASSES) * sum(COUNTS.values())) as bar:
        for split, count in COUNTS.items():
            pictures = np.empty((len(CLASSES) * count, SIDE, SIDE, 3), dtype=np.uint8)
            ids = [f"{class_id}/{split}-{index:04d}" for class_id, _ in CLASSES for index in range(count)]
            for row, identifier in enumerate(ids):
                pictures[row] = draw(*_parse(identifier))[0]
                bar.advance()
            drawn[split] = pictures, np.repeat(np.arange(len(CLASSES), dtype=np.int64), count), ids
    return drawn


def masks(ids: Sequence[str]) -> Masks:
    """Say which pixels show the object: the truth that explanations are scored against.

    Args:
        ids: Of built-in pictures, such as "fish/train-0007", in any order.

    Returns:
        ``(len(ids), 64, 64)`` bool.

    Raises:
        DataError: An id is not of a built-in picture.
    """
    truth = np.empty((len(ids), SIDE, SIDE), dtype=np.bool_)
    for row, identifier in enumerate(ids):
        truth[row] = draw(*_parse(identifier))[1]
    return truth


def _parse(identifier: str) -> tuple[str, str, int]:
    """Return split, class and index of an id."""
    match = re.fullmatch(r"([a-z]+)/([a-z]+)-(\d{4,})", identifier, re.ASCII)
    if match is None:
        raise DataError(f"{identifier!r} is not the id of a built-in picture: expected one such as 'fish/train-0007'.")
    return match[2], match[1], int(match[3])
