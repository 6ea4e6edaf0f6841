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
    # The codec interleaves channels: one conversion of the batch is faster than one for each picture.
    pictures = torch.stack(images.cpu().unbind(1), dim=-1).permute(0, 3, 1, 2)
    result = torch.empty_like(pictures)
    for picture, out in zip(pictures, result, strict=True):
        out.copy_(decode_jpeg(encode_jpeg(picture, quality=int(quality)), mode=ImageReadMode.RGB))
    return result.to(images.device)


_BITS = 22  # fraction bits of Pillow's fixed-point weights for bytes


def _resize_box(images: Tensor, axis: int, size: int) -> Tensor:
    """Resize bytes along one axis: a new value is the rounded mean of the old ones whose centres its box holds."""
    steps, weights = _boxes(images.shape[axis], size, images.device)
    total = _pick(images, axis, steps[0][0])
    if len(steps) == 1:
        return total
    across = (-1, 1) if axis == 2 else (1, -1)
    total = total.to(torch.int32)
    for places, present in steps[1:]:
        more = _pick(images, axis, places).to(torch.int32)
        total += more if present is None else more.mul_(present.view(across))
    total *= weights.view(across)
    return total.add_(1 << (_BITS - 1)).bitwise_right_shift_(_BITS).to(torch.uint8)


def _pick(images: Tensor, axis: int, places: Tensor) -> Tensor:
    """Select rows (axis 2) or columns (axis 3)."""
    if axis == 2:
        return images.index_select(2, places)
    return images.gather(3, places.expand(*images.shape[:3], -1))  # half the time of index_select along columns


@lru_cache(maxsize=64)
def _boxes(old: int, new: int, device: torch.device) -> tuple[list[tuple[Tensor, Tensor | None]], Tensor]:
    """Lay out the boxes of ``new`` places over ``old`` ones.

    Returns:
        For the first, second … place of all boxes: its index, and one, or zero where a box has ended already (``None``
        where none has); and the weight of each box's sum. All of shape ``(new,)``.
    """
    scale = old / new
    width = max(scale, 1.0)
    boxes = []
    for index in range(new):
        centre = (index + 0.5) * scale
        around = range(max(int(centre - width / 2 + 0.5), 0), min(int(centre + width / 2 + 0.5), old))
        boxes.append([place for place in around if -0.5 < (place - centre + 0.5) * (1 / width) <= 0.5])

    def tensor(values: list[int], dtype: torch.dtype) -> Tensor:
        return torch.tensor(values, dtype=dtype, device=device)

    steps: list[tuple[Tensor, Tensor | None]] = []
    for step in range(max(map(len, boxes))):
        present = [int(step < len(box)) for box in boxes]
        places = tensor([box[min(step, len(box) - 1)] for box in boxes], torch.int64)
        steps.append((places, None if all(present) else tensor(present, torch.int32)))
    return steps, tensor([int(0.5 + (1 << _BITS) / len(box)) for box in boxes], torch.int32)
