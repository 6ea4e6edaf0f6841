"""An ``.npy`` file of pictures that several processes fill.

Plain writes rather than a memory map: on a full disk they fail with an error, where a map kills the process.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def create(path: Path, shape: tuple[int, int, int, int]) -> None:
    """Make a file of zeros for ``(N, H, W, 3)`` uint8."""
    with path.open("wb") as stream:
        np.lib.format.write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": shape})
        stream.truncate(stream.tell() + int(np.prod(shape)))


def is_of(path: Path, shape: tuple[int, int, int, int]) -> bool:
    """Whether there is a file of this shape, with all its bytes."""
    try:
        with path.open("rb") as stream:
            np.lib.format.read_magic(stream)
            found, _, dtype = np.lib.format.read_array_header_1_0(stream)
            expected = stream.tell() + int(np.prod(shape))
        return found == shape and dtype == np.uint8 and path.stat().st_size == expected
    except (OSError, ValueError):
        return False


def write(path: Path, positions: Sequence[int], pictures: Iterable[NDArray[np.uint8]]) -> None:
    """Write ``(H, W, 3)`` pictures to their rows."""
    with path.open("r+b") as stream:
        np.lib.format.read_magic(stream)
        shape, _, _ = np.lib.format.read_array_header_1_0(stream)
        start, row = stream.tell(), int(np.prod(shape[1:]))
        for position, pixels in zip(positions, pictures, strict=True):
            stream.seek(start + position * row)
            stream.write(np.ascontiguousarray(pixels).data)
