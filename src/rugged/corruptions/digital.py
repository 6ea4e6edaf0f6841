"""What cameras, programs and networks do to a finished picture."""

from functools import lru_cache, partial

import cv2
import numpy as np
import torch
from torch import Tensor

from rugged.core.errors import CorruptionError
from rugged.corruptions.levels import to_levels, to_unit
from rugged.corruptions.one_by_one import one_by_one

_LONGEST_JPEG = 65500  # libjpeg's limit
_SUBSAMPLED = (cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420)


def contrast(images: Tensor, _: None, *, factor: float) -> Tensor:
    """Less contrast: every channel drawn towards its mean over the picture.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        factor: What remains of the distance from the mean, 0 to 1.

    Returns:
        ``(N, 3, H, W)`` uint8.

    Source: Hendrycks & Dietterich 2019 (arXiv:1903.12261), ``contrast``.
    """
    # Summed as integers: exact, so no order of summation and no batch can show.
    total = images.sum(3, dtype=torch.int32).sum(2, dtype=torch.int64).double()
    count = torch.full((), 255.0 * images.shape[2] * images.shape[3], dtype=torch.float64, device=images.device)
    mean = (total / count)[:, :, None]
    # In one channel equal levels stay equal: it is enough to compute the 256 that there are.
    levels = to_unit(torch.arange(256, dtype=torch.uint8, device=images.device))
    table = to_levels(levels.sub(mean).mul_(factor).add_(mean))
    return table.gather(2, images.flatten(2).long()).view_as(images)


def pixelate(images: Tensor, _: None, *, fraction: float) -> Tensor:
    """Large pixels: the picture shrunk and enlarged again, both by averaging over boxes.

    Integer arithmetic throughout, equal to Pillow's ``BOX`` filter.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        fraction: Side of the shrunken picture over that of the picture, up to 1. At least one pixel remains.

    Returns:
        ``(N, 3, H, W)`` uint8.

    Source: Hendrycks & Dietterich 2019 (arXiv:1903.12261), ``pixelate``.
    """
    height, width = images.shape[2:]
    small_height, small_width = max(1, int(height * fraction)), max(1, int(width * fraction))
    columns, rows = _partners(width, small_width, images.device), _partners(height, small_height, images.device)
    if columns is not None and rows is not None:
        images = _mean_of_two(images, _pick(images, 3, columns))
        return _mean_of_two(images, _pick(images, 2, rows))
    small = _resize_box(_resize_box(images, 3, small_width), 2, small_height)
    return _resize_box(_resize_box(small, 3, width), 2, height)


def jpeg_compression(images: Tensor, _: None, *, quality: float) -> Tensor:
    """JPEG at a low quality, with the colours at half resolution as encoders do by default.

    libjpeg compresses one picture at a time in main memory; images on another device are brought there and back.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        quality: libjpeg's, a whole number from 1 to 100.

    Returns:
        ``(N, 3, H, W)`` uint8.

    Raises:
        CorruptionError: A side is longer than JPEG allows.

    Source: Hendrycks & Dietterich 2019 (arXiv:1903.12261), ``jpeg_compression``.
    """
    height, width = images.shape[2:]
    if max(height, width) > _LONGEST_JPEG:
        raise CorruptionError(
            f"jpeg_compression needs pictures of at most {_LONGEST_JPEG} pixels a side; these are {height} × {width}."
        )
    return one_by_one(partial(_through_jpeg, quality=int(quality)), images)


def _through_jpeg(picture: np.ndarray, out: np.ndarray, quality: int) -> None:
    """Encode and decode one ``(3, H, W)`` picture. OpenCV's order of channels is blue, green, red."""
    options = (cv2.IMWRITE_JPEG_QUALITY, quality, *_SUBSAMPLED)
    stored = cv2.imencode(".jpg", cv2.merge(tuple(picture[::-1])), options)[1]
    decoded = cv2.imdecode(stored, cv2.IMREAD_COLOR)
    assert decoded is not None
    cv2.split(decoded, tuple(out[::-1]))


_BITS = 22  # fraction bits of Pillow's fixed-point weights for bytes
_MOST_SHORT = 128  # bytes that can be added up in int16


def _mean_of_two(first: Tensor, second: Tensor) -> Tensor:
    """Average bytes, halves upwards, without leaving bytes. Overwrites ``second``."""
    either = first | second
    return either.sub_(second.bitwise_xor_(first).bitwise_right_shift_(1))


def _resize_box(images: Tensor, axis: int, size: int) -> Tensor:
    """Resize bytes along one axis: a new value is the rounded mean of the old ones whose centres its box holds."""
    steps, weights = _steps(images.shape[axis], size, images.device)
    total = _pick(images, axis, steps[0][0])
    if len(steps) == 1:
        return total
    across = (-1, 1) if axis == 2 else (1, -1)
    wide = torch.int16 if len(steps) <= _MOST_SHORT else torch.int32
    total = total.to(wide)
    for places, present in steps[1:]:
        more = _pick(images, axis, places)
        total += (more if present is None else more.mul_(present.view(across))).to(wide)
    total = total.to(torch.int32).mul_(weights.view(across))
    return total.add_(1 << (_BITS - 1)).bitwise_right_shift_(_BITS).to(torch.uint8)


def _pick(images: Tensor, axis: int, places: Tensor) -> Tensor:
    """Select rows (axis 2) or columns (axis 3)."""
    if axis == 2:
        return images.index_select(2, places)
    return images.gather(3, places.expand(*images.shape[:3], -1))  # half the time of index_select along columns


@lru_cache(maxsize=64)
def _partners(old: int, new: int, device: torch.device) -> Tensor | None:
    """Find the place with which each of ``old`` ones shares its box when they are resized to ``new`` and back.

    Returns:
        ``(old,)``, a place's own index where it is alone; ``None`` where this does not describe the two steps: with
        more than two places to a box, or with one that lies on an edge and comes back with the other box's value.
    """
    boxes = _boxes(old, new)
    own = [boxes[box] for (box,) in _boxes(new, old)]
    if any(len(box) > 2 or place not in box for place, box in enumerate(own)):
        return None
    return torch.tensor([box[0] + box[-1] - place for place, box in enumerate(own)], device=device)


@lru_cache(maxsize=64)
def _steps(old: int, new: int, device: torch.device) -> tuple[list[tuple[Tensor, Tensor | None]], Tensor]:
    """Lay out the boxes of ``new`` places over ``old`` ones as steps that all boxes take together.

    Returns:
        For the first, second … place of all boxes: its index, and one, or zero where a box has ended already (``None``
        where none has); and the weight of each box's sum. All of shape ``(new,)``.
    """

    def tensor(values: list[int], dtype: torch.dtype) -> Tensor:
        return torch.tensor(values, dtype=dtype, device=device)

    boxes = _boxes(old, new)
    steps: list[tuple[Tensor, Tensor | None]] = []
    for step in range(max(map(len, boxes))):
        present = [int(step < len(box)) for box in boxes]
        places = tensor([box[min(step, len(box) - 1)] for box in boxes], torch.int64)
        steps.append((places, None if all(present) else tensor(present, torch.uint8)))
    return steps, tensor([int(0.5 + (1 << _BITS) / len(box)) for box in boxes], torch.int32)


def _boxes(old: int, new: int) -> list[list[int]]:
    """List, for each of ``new`` places, those of ``old`` ones whose centres its box holds, the right edge included."""
    scale = old / new
    width = max(scale, 1.0)
    boxes = []
    for index in range(new):
        centre = (index + 0.5) * scale
        around = range(max(int(centre - width / 2 + 0.5), 0), min(int(centre + width / 2 + 0.5), old))
        boxes.append([place for place in around if -0.5 < (place - centre + 0.5) * (1 / width) <= 0.5])
    return boxes
