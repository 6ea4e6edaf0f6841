"""``.npy`` files: what one says of itself, and those of pictures, ``(N, H, W, 3)`` uint8, made and filled in any order.

Plain writes rather than a memory map: on a full disk they fail with an error, where a map kills the process.
"""

import math
import os
import tokenize
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Header(NamedTuple):
    """What an array's file says of itself: shape, order, type, and where in the file the values begin."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype[Any]
    start: int

    @property
    def size(self) -> int:
        """The bytes that the values should take."""
        return math.prod(self.shape) * self.dtype.itemsize


def read_header(stream: BinaryIO) -> Header:
    """Read how an array lies in a file, from where the stream stands. Values are not read, and so never unpickled.

    Raises:
        ValueError: This is no array.
    """
    try:
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(stream)
    except (TypeError, EOFError, tokenize.TokenError, MemoryError, RecursionError) as error:
        raise ValueError(f"no header of an array: {error}") from error
    return Header(tuple(map(int, shape)), fortran, dtype, stream.tell())


def create(path: Path, shape: tuple[int, ...]) -> None:
    """Make a file of zeros."""
    with path.open("wb") as stream:
        _write_header(stream, shape)
        stream.truncate(stream.tell() + math.prod(shape))


def is_whole(path: Path, shape: tuple[int, ...]) -> bool:
    """Whether there is a file of this shape, with all its bytes."""
    try:
        with path.open("rb") as stream:
            header = read_header(stream)
        whole = path.stat().st_size == header.start + header.size
        return whole and header.shape == shape and header.dtype == np.uint8
    except (OSError, ValueError):
        return False


class ImageWriter:
    """Writes pictures to their rows of a file that is there already. Several processes may fill one file."""

    def __init__(self, path: Path) -> None:
        self._stream: BinaryIO = path.open("r+b")
        header = read_header(self._stream)
        self._picture, self._start = header.shape[1:], header.start
        self._row = math.prod(self._picture)

    def write(self, position: int, pixels: NDArray[np.uint8]) -> None:
        """Write the ``(H, W, 3)`` picture at ``position``."""
        self._stream.seek(self._start + position * self._row)
        self._stream.write(np.ascontiguousarray(pixels).data)

    def finish(self, positions: Sequence[int]) -> None:
        """Move the pictures at ``positions``, which rise, to the front, drop the others, and bring all to the disk."""
        for new, old in enumerate(positions):
            if new != old:
                self._stream.seek(self._start + old * self._row)
                pixels = self._stream.read(self._row)
                self._stream.seek(self._start + new * self._row)
                self._stream.write(pixels)
        self._stream.truncate(self._start + len(positions) * self._row)
        self._stream.seek(0)
        _write_header(self._stream, (len(positions), *self._picture))
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()

    def close(self) -> None:
        """Close the file, finished or not."""
        self._stream.close()


def write_rows(path: Path, positions: Sequence[int], pictures: Iterable[NDArray[np.uint8]]) -> None:
    """Write ``(H, W, 3)`` pictures to their rows."""
    with closing(ImageWriter(path)) as writer:
        for position, pixels in zip(positions, pictures, strict=True):
            writer.write(position, pixels)


def _write_header(stream: BinaryIO, shape: tuple[int, ...]) -> None:
    # Of the same length for every count: NumPy pads it so that an array can grow along its first axis.
    np.lib.format.write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": shape})
