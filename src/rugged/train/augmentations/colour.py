"""Levels and colours changed, each picture by a magnitude of its own.

Each function gives what torchvision's function of that name gives for one picture, for every picture of a batch.
Levels are cut, not rounded, where Pillow and torchvision cut them.
"""

import torch
from torch import Tensor

from rugged.corruptions.levels import cut


def brightness(images: Tensor, factors: Tensor) -> Tensor:
    """Multiply levels.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        factors: ``(N,)`` float32, 0 or more. 0 is black, 1 changes nothing.

    Returns:
        ``(N, 3, H, W)`` uint8.
    """
    return _to_bytes(images.float().mul_(_each(factors)))


def saturate(images: Tensor, factors: Tensor) -> Tensor:
    """Move colours away from the grey of their pixel, or towards it.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        factors: ``(N,)`` float32, 0 or more. 0 is grey, 1 changes nothing.

    Returns:
        ``(N, 3, H, W)`` uint8.
    """
    return _blend(images, _grey(images), factors)


def contrast(images: Tensor, factors: Tensor) -> Tensor:
    """Move levels away from the mean grey of their picture, or towards it.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        factors: ``(N,)`` float32, 0 or more. 0 is one grey, 1 changes nothing.

    Returns:
        ``(N, 3, H, W)`` uint8.
    """
    return _blend(images, _grey(images).mean((1, 2, 3), keepdim=True), factors)


def sharpness(images: Tensor, factors: Tensor) -> Tensor:
    """Move levels away from a mean of their neighbourhood, or towards it. Pixels at the edge stay as they are.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        factors: ``(N,)`` float32, 0 or more. 0 is blurred, 1 changes nothing.

    Returns:
        ``(N, 3, H, W)`` uint8.
    """
    wide = images.to(torch.int16)
    lines = wide[:, :, :-2] + wide[:, :, 1:-1] + wide[:, :, 2:]
    total = lines[..., :-2] + lines[..., 1:-1] + lines[..., 2:]
    middle = wide[:, :, 1:-1, 1:-1]
    total += 4 * middle  # The middle of nine weighs five.
    away = torch.zeros(images.shape, device=images.device)
    away[:, :, 1:-1, 1:-1] = total.float().div_(13).round_() - middle
    return _to_bytes(away.mul_(_each(1 - factors)).add_(images))


def posterize(images: Tensor, bits: Tensor) -> Tensor:
    """Keep the highest bits of levels.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        bits: ``(N,)`` whole numbers from 0 to 8, of any type.

    Returns:
        ``(N, 3, H, W)`` uint8.
    """
    dropped = 8 - bits.to(torch.int32)
    kept = 256 - torch.bitwise_left_shift(torch.ones_like(dropped), dropped)
    return images & _each(kept.to(torch.uint8))


def solarize(images: Tensor, thresholds: Tensor) -> Tensor:
    """Invert the levels from a threshold on.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        thresholds: ``(N,)`` float32, 0 or more. 0 inverts everything, more than 255 nothing.

    Returns:
        ``(N, 3, H, W)`` uint8.
    """
    # Bytes are compared several times as fast with bytes, and no level lies between a threshold and the next whole one.
    first = thresholds.ceil()
    inverted = images >= _each(first.clamp(max=255).to(torch.uint8))
    mask = _each(first <= 255).to(torch.uint8) * 255
    return images ^ (inverted.to(torch.uint8) * mask)


def autocontrast(images: Tensor) -> Tensor:
    """Stretch each channel's levels to the whole range from 0 to 255. A channel of one level stays as it is.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.

    Returns:
        ``(N, 3, H, W)`` uint8.
    """
    images = images.contiguous()  # Extremes are found several times as fast along it.
    least, most = (levels.float() for levels in (images.amin((2, 3), keepdim=True), images.amax((2, 3), keepdim=True)))
    flat = most == least
    scale = (most - least).mul_(1 / 255).masked_fill_(flat, 1)
    return _to_bytes(images.float().sub_(least.masked_fill_(flat, 0)).div_(scale))


def equalize(images: Tensor) -> Tensor:
    """Make each channel's levels about equally frequent. A channel of too few levels for that stays as it is.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.

    Returns:
        ``(N, 3, H, W)`` uint8.
    """
    levels = images.flatten(2).long()
    counts = torch.zeros(*images.shape[:2], 256, dtype=torch.int32, device=images.device)
    counts.scatter_add_(2, levels, torch.ones((), dtype=torch.int32, device=images.device).expand_as(levels))
    # Pillow's steps: all pixels but those of the highest level are dealt out over 255 levels.
    of_highest = counts.gather(2, levels.amax(2, keepdim=True))
    step = (levels.shape[2] - of_highest).div_(255, rounding_mode="floor")
    before = counts.cumsum(2, dtype=torch.int32).sub_(counts)
    table = before.add_(step.div(2, rounding_mode="floor")).div_(step.clamp(min=1), rounding_mode="floor")
    unchanged = torch.arange(256, dtype=torch.int32, device=images.device)
    table = torch.where(step > 0, table.clamp_(max=255), unchanged).to(torch.uint8)
    return table.gather(2, levels).view(images.shape)


def _each(values: Tensor) -> Tensor:
    return values[:, None, None, None]


def _grey(images: Tensor) -> Tensor:
    """Weigh red, green and blue to whole levels of grey: ``(N, 1, H, W)`` float32."""
    red, green, blue = images.unbind(1)
    return red.mul(0.2989).add_(green, alpha=0.587).add_(blue, alpha=0.114).floor_()[:, None]


def _blend(images: Tensor, others: Tensor, factors: Tensor) -> Tensor:
    """Go from the others to the images, or beyond them."""
    return _to_bytes(images.float().mul_(_each(factors)).add_(others * _each(1 - factors)))


def _to_bytes(levels: Tensor) -> Tensor:
    return cut(levels.clamp_(0, 255))
