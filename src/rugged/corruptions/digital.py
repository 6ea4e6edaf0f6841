"""What cameras, programs and networks do to a finished picture."""

from functools import lru_cache

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rugged.corruptions.host import in_main_memory
from rugged.corruptions.levels import constant, to_levels, to_unit
from rugged.corruptions.transpose import transpose


def contrast(images: Tensor, _: None, *, factor: float) -> Tensor:
    """Less contrast: every channel drawn towards its mean over the picture.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        factor: What remains of the distance from the mean, 0 to 1.

    Returns:
        ``(N, 3, H, W)`` uint8.

    Source: Hendrycks & Dietterich 2019 (arXiv:1903.12261), ``contrast``.
    """
    count = constant(255.0 * images.shape[2] * images.shape[3], torch.float64, images.device)
    mean = (_totals(images).double() / count)[:, :, None]
    # In one channel equal levels stay equal: it is enough to compute the 256 that there are.
    levels = to_unit(torch.arange(256, dtype=torch.uint8, device=images.device))
    return _look_up(to_levels(levels.sub(mean).mul_(factor).add_(mean)), images)


def _totals(images: Tensor) -> Tensor:
    """Add up every channel, ``(N, C)``, as integers: exact, so no order of summation and no batch can show."""
    if in_main_memory(images):  # OpenCV does not widen the bytes in memory first
        return torch.tensor([[int(cv2.sumElems(channel)[0]) for channel in image] for image in images.numpy()])
    return images.sum((2, 3), dtype=torch.int64)


def _look_up(tables: Tensor, images: Tensor) -> Tensor:
    """Replace bytes by what the 256 of their channel's table say: ``(N, C, 256)`` uint8."""
    if in_main_memory(images):  # OpenCV looks bytes up as they are, PyTorch only as eight bytes each
        result = np.empty(images.shape, dtype=np.uint8)
        for image, table, out in zip(images.numpy(), tables.numpy(), result, strict=True):
            for channel in range(len(image)):
                cv2.LUT(image[channel], table[channel], out[channel])
        return torch.from_numpy(result)
    return tables.gather(2, images.flatten(2).long()).view_as(images)


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
    # Rows are selected many bytes at a time, columns byte by byte: it pays to turn them into rows.
    columns = _resize_box(transpose(images.view(-1, width))[None], small_width)
    small = _resize_box(transpose(columns[0]).view(-1, height, small_width), small_height)
    columns = _resize_box(transpose(small.view(-1, small_width))[None], width)
    return _resize_box(transpose(columns[0]).view(-1, small_height, width), height).view_as(images)


_BITS = 22  # fraction bits of Pillow's fixed-point weights for bytes
_MOST_SHORT = 128  # bytes that can be added up in int16


def _resize_box(values: Tensor, size: int) -> Tensor:
    """Resize the middle axis of ``(planes, rows, columns)``: bytes become the rounded means of those in their boxes."""
    steps, weights = _steps(values.shape[1], size, values.device)
    first = values.index_select(1, steps[0][0])
    if len(steps) == 1:
        return first
    if len(steps) == 2:  # A box of one row meets itself.
        return _mean_of_two(first, values.index_select(1, steps[1][0]))
    total = first.to(torch.int16 if len(steps) <= _MOST_SHORT else torch.int32)
    for places, present in steps[1:]:
        more = values.index_select(1, places)
        total += more if present is None else more.mul_(present)
    total = total.to(torch.int32).mul_(weights)
    return total.add_(1 << (_BITS - 1)).bitwise_right_shift_(_BITS).to(torch.uint8)


def _mean_of_two(first: Tensor, second: Tensor) -> Tensor:
    """Average bytes, halves upwards, without leaving bytes. Overwrites ``second``."""
    either = first | second
    return either.sub_(second.bitwise_xor_(first).bitwise_right_shift_(1))


@lru_cache(maxsize=64)
def _steps(old: int, new: int, device: torch.device) -> tuple[list[tuple[Tensor, Tensor | None]], Tensor]:
    """Lay out the boxes of ``new`` places over ``old`` ones as steps that all boxes take together.

    Returns:
        For the first, second … place of all boxes: its index, and one, or zero where a box has ended already (``None``
        where none has); and the weight of each box's sum. The first ``(new,)``, the others ``(new, 1)``.
    """
    first, counts = _boxes(old, new)
    steps: list[tuple[Tensor, Tensor | None]] = []
    for step in range(counts.max()):
        places = torch.from_numpy(first + np.minimum(step, counts - 1)).to(device)
        present = step < counts
        steps.append((places, None if present.all() else torch.from_numpy(present[:, None].view(np.uint8)).to(device)))
    weights = (0.5 + (1 << _BITS) / counts).astype(np.int32)
    return steps, torch.from_numpy(weights[:, None]).to(device)


def _boxes(old: int, new: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find the first of ``old`` places and how many of them each of ``new`` ones holds.

    Those are the places whose centres lie in its box, the right edge included.
    """
    scale = old / new
    width = max(scale, 1.0)
    centre = (np.arange(new) + 0.5) * scale
    low = np.maximum((centre - width / 2 + 0.5).astype(np.int64), 0)
    high = np.minimum((centre + width / 2 + 0.5).astype(np.int64), old)
    around = low[:, None] + np.arange((high - low).max())
    offset = (around - centre[:, None] + 0.5) * (1 / width)
    held = (around < high[:, None]) & (offset > -0.5) & (offset <= 0.5)
    return low + held.argmax(1), held.sum(1)
