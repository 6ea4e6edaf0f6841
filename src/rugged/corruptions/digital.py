"""What cameras, programs and networks do to a finished picture."""

from functools import lru_cache

import torch
from torch import Tensor
from torchvision.io import ImageReadMode, decode_jpeg, encode_jpeg

from rugged.corruptions.levels import to_levels, to_unit


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
    total = images.sum((2, 3), keepdim=True, dtype=torch.int64).double()
    count = torch.full((), 255.0 * images.shape[2] * images.shape[3], dtype=torch.float64, device=images.device)
    mean = total / count
    return to_levels(to_unit(images).sub_(mean).mul_(factor).add_(mean))


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

    Source: Hendrycks & Dietterich 2019 (arXiv:1903.12261), ``jpeg_compression``.
    """
    pictures = images.contiguous().cpu()
    result = torch.empty_like(pictures)
    for picture, out in zip(pictures, result, strict=True):
        out.copy_(decode_jpeg(encode_jpeg(picture, quality=int(quality)), mode=ImageReadMode.RGB))
    return result.to(images.device)


_BITS = 22  # fraction bits of Pillow's fixed-point weights for bytes


def _resize_box(images: Tensor, axis: int, size: int) -> Tensor:
    """Resize bytes along one axis; every new value is the rounded mean of the old ones whose centres its box holds."""
    old = images.shape[axis]
    starts, counts = _boxes(old, size)
    total = _pick(images, axis, starts)
    if max(counts) == 1:
        return total
    total = total.to(torch.int32)
    for step in range(1, max(counts)):
        # Boxes differ by a pixel: where this one has ended, its last pixel is read and multiplied by nothing.
        more = _pick(images, axis, tuple(min(start + step, old - 1) for start in starts)).to(torch.int32)
        total += more * _along(axis, [int(step < count) for count in counts], images.device)
    weights = [int(0.5 + (1 << _BITS) / count) for count in counts]
    total *= _along(axis, weights, images.device)
    return total.add_(1 << (_BITS - 1)).bitwise_right_shift_(_BITS).to(torch.uint8)


def _pick(images: Tensor, axis: int, indices: tuple[int, ...]) -> Tensor:
    """Select positions along the rows (axis 2) or the columns (axis 3)."""
    index = torch.tensor(indices, device=images.device)
    if axis == 2:
        return images.index_select(2, index)
    return images.gather(3, index.expand(*images.shape[:3], len(indices)))  # twice as fast as index_select here


def _along(axis: int, values: list[int], device: torch.device) -> Tensor:
    """Shape integers so that they broadcast along the rows (axis 2) or the columns (axis 3)."""
    return torch.tensor(values, dtype=torch.int32, device=device).view((-1, 1) if axis == 2 else (-1,))


@lru_cache
def _boxes(old: int, new: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the first pixel and the number of pixels of each new pixel's box."""
    scale = old / new
    width = max(scale, 1.0)
    starts, counts = [], []
    for index in range(new):
        centre = (index + 0.5) * scale
        candidates = range(max(int(centre - width / 2 + 0.5), 0), min(int(centre + width / 2 + 0.5), old))
        inside = [pixel for pixel in candidates if -0.5 < (pixel - centre + 0.5) * (1 / width) <= 0.5]
        starts.append(inside[0])
        counts.append(len(inside))
    return tuple(starts), tuple(counts)
