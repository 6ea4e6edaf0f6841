"""Pictures as people have them, made into what a classifier is given: squares of uint8 pixels."""

import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from rugged.core.errors import DataError
from rugged.core.files import expanded
from rugged.data import decode_image
from rugged.data.decode import BadImageError, convert_image
from rugged.data.sources.trees import read_file

Pixels = NDArray[np.uint8]
"""``(S, S, 3)``, RGB."""

Picture = str | Path | Image.Image | NDArray[np.uint8]
Pictures = Picture | Tensor | Iterable[Picture]

_EXPECTED = (
    "expected a path, a PIL image, a uint8 array (H, W, 3) or (N, H, W, 3), a uint8 tensor (N, 3, H, W), or a list of "
    "paths, images and (H, W, 3) arrays"
)


def read_picture(path: Path, side: int) -> Pixels:
    """Read a file as a data set of ``side`` × ``side`` pixels would hold it, but never enlarged.

    The shorter side is reduced to ``side`` where it is longer, then the centre is cropped to a square. What is left to
    be done to a smaller picture is the model's own preprocessing. So a picture gives the answer that the benchmark
    saw where its data set was packed at ``side`` from pictures as large or larger, without ``--resize``, or holds
    pictures as they are, no larger than that. What makes a picture unusable is raised; Pillow's warnings are for the
    caller to silence, who knows of its threads.

    Raises:
        BadImageError: It cannot be read, or is not a picture that can be used.
    """
    if not path.exists():
        raise BadImageError("no such file", "")
    if not path.is_file():
        raise BadImageError("not a file", "a folder, a pipe or a device")
    return decode_image(read_file(path), side, enlarge=False).pixels


def each_picture(pictures: Pictures, side: int) -> Iterator[Pixels]:
    """Give each picture as ``read_picture`` would.

    Args:
        pictures: One or more, in any of the forms that ``rugged.Classifier`` takes.
        side: Of the model's input.

    Raises:
        DataError: Something else, or a picture that cannot be used.
    """
    if isinstance(pictures, str | Path | Image.Image):
        yield _one(pictures, side)
    elif isinstance(pictures, Tensor | np.ndarray):
        for pixels in _batch(pictures):
            yield _from_image(Image.fromarray(pixels), "an array", side)
    elif isinstance(pictures, Iterable):
        for picture in pictures:
            yield _one(picture, side)
    else:
        raise DataError(f"{type(pictures).__name__} is no picture; {_EXPECTED}.")


def _one(picture: Any, side: int) -> Pixels:
    if isinstance(picture, str | Path):
        try:
            with warnings.catch_warnings(action="ignore"):
                return read_picture(expanded(picture), side)
        except BadImageError as error:
            raise DataError(f"{picture} cannot be used: {error}. Leave it out, or give another picture.") from error
        except OSError as error:  # As of a name that is too long.
            raise DataError(f"{picture} cannot be opened ({error.strerror}).") from error
    if isinstance(picture, Image.Image):
        return _from_image(picture, "the image", side)
    if isinstance(picture, np.ndarray) and picture.ndim == 3:
        return next(each_picture(picture, side))
    raise DataError(f"The list holds {_describe(picture)}; {_EXPECTED}.")


def _from_image(image: Image.Image, what: str, side: int) -> Pixels:
    try:
        return convert_image(image, side, enlarge=False).pixels
    except BadImageError as error:
        raise DataError(f"{what} cannot be used: {error}.") from error


def _batch(values: Tensor | NDArray[Any]) -> Pixels:
    """``(N, H, W, 3)`` uint8 on the CPU."""
    found = values.detach().cpu().numpy() if isinstance(values, Tensor) else values
    channels = 1 if isinstance(values, Tensor) else -1
    batch = found[None] if found.ndim == 3 and not isinstance(values, Tensor) else found
    if found.dtype != np.uint8 or batch.ndim != 4 or batch.shape[channels] != 3 or not all(batch.shape[1:]):
        raise DataError(f"The pictures are {_describe(values)}; {_EXPECTED}.")
    return np.ascontiguousarray(np.moveaxis(batch, channels, -1))


def _describe(value: Any) -> str:
    if isinstance(value, Tensor | np.ndarray):
        kind = "a tensor" if isinstance(value, Tensor) else "an array"
        return f"{kind} of shape {tuple(value.shape)} and {value.dtype}"
    return type(value).__name__
