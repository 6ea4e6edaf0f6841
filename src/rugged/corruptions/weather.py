"""Weather: what changes between the scene and the lens, daylight included."""

import torch
from torch import Tensor

from rugged.corruptions.levels import to_levels, to_unit

# Smaller than any difference of two levels, larger than nothing: keeps 0 / 0 away and changes no other quotient.
_LESS_THAN_A_LEVEL = 1 / 512


def brightness(images: Tensor, _: None, *, shift: float) -> Tensor:
    """More light: a shift of the value channel in HSV.

    Hue and saturation stay, so the brightest and the darkest channel of a pixel follow from value and saturation
    and only the middle one needs the hue. Operations are those of the conversion to HSV and back, one by one in
    float64: results are often whole levels, where any other order would cut some of them to the level below.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        shift: Added to the value channel, as a fraction of white.

    Returns:
        ``(N, 3, H, W)`` uint8.

    Source: Hendrycks & Dietterich 2019 (arXiv:1903.12261), ``brightness``.
    """
    images = images.contiguous()
    highest, lowest = images.amax(1), images.amin(1)
    value = to_unit(highest)
    spread = value - to_unit(lowest)
    saturation = spread / value.clamp_min(_LESS_THAN_A_LEVEL)
    share = _middle_share(images, highest, spread)

    brighter = value.add_(shift).clamp_(0, 1)
    middle = to_levels(share.mul_(saturation).neg_().add_(1).mul_(brighter))
    bottom = to_levels(saturation.neg_().add_(1).mul_(brighter))
    top = to_levels(brighter)

    # Selection by bytes of 0 and 1: arithmetic modulo 256 is exact, and several times faster than masks.
    is_top = _equal(images, highest[:, None])
    is_bottom = _equal(images, lowest[:, None]) * (1 - is_top)
    return middle[:, None] + is_top * (top - middle)[:, None] + is_bottom * (bottom - middle)[:, None]


def _middle_share(images: Tensor, highest: Tensor, spread: Tensor) -> Tensor:
    """Return how far each pixel's middle channel lies below the highest, 0 to 1, with the rounding of a trip to hue.

    Hue runs through six sectors; the highest channel gives two of them and the order of the others tells which.
    Where channels tie for the highest, the last of red, green, blue counts.
    """
    red, green, blue = to_unit(images).unbind(1)
    blue_first = _equal(images[:, 2], highest)
    green_first = _equal(images[:, 1], highest) * (1 - blue_first)
    red_first = 1 - blue_first - green_first
    difference = (green - blue) * red_first.double()
    difference += (blue - red) * green_first.double()
    difference += (red - green) * blue_first.double()
    start = (2 * green_first + 4 * blue_first).double()

    six = torch.full((), 6.0, dtype=torch.float64, device=images.device)
    hue = difference.div_(spread.clamp_min(_LESS_THAN_A_LEVEL)).add_(start).div_(six)
    hue -= hue.floor()
    hue *= six
    sector = hue.floor()
    fraction = hue.sub_(sector)
    odd = sector.sub_(sector.div(2).floor_().mul_(2))
    # In odd sectors the middle channel falls as hue rises, in even ones it climbs.
    return odd * fraction + (1 - odd) * (1 - fraction)


def _equal(first: Tensor, second: Tensor) -> Tensor:
    """Compare bytes: 1 where equal, else 0, as uint8."""
    return 1 - (first ^ second).clamp_(max=1)
