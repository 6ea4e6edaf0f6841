"""Saturation and value of pixels changed, with the rounding of a trip to HSV and back.

Operations are those of the two conversions, one by one in float64: results are often whole levels, where any other
order would cut some of them to the level below. Most of the trip is spared, however. The hue does not change, so a
pixel's highest and lowest channel follow from saturation and value; only the middle one needs the hue.
"""

import torch
from torch import Tensor

from rugged.corruptions.levels import constant, cut, to_unit

# Smaller than any difference of two levels, larger than nothing: keeps 0 / 0 away and changes no other quotient.
_LESS_THAN_A_LEVEL = 1 / 512


def adjust_hsv(
    images: Tensor, *, saturation_factor: float = 1, saturation_shift: float = 0, value_shift: float = 0
) -> Tensor:
    """Scale and shift the saturation, shift the value; clip both to [0, 1].

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        saturation_factor: The saturation is multiplied by this.
        saturation_shift: Then this is added. More than 0 turns greys reddish: hue 0 is what they are given.
        value_shift: Added to the value, as a fraction of white.

    Returns:
        ``(N, 3, H, W)`` uint8.
    """
    red, green, blue = images.unbind(1)
    highest = torch.maximum(torch.maximum(red, green), blue)
    lowest = torch.minimum(torch.minimum(red, green), blue)
    middle = red ^ green ^ blue ^ highest ^ lowest  # the highest and the lowest cancel out
    is_top, is_bottom = _equal(images, highest[:, None]), _equal(images, lowest[:, None])

    unit = to_unit(torch.stack((lowest, middle, highest)))
    low, share, value = unit
    share -= low
    spread = torch.sub(value, low, out=low)
    share /= spread.clamp_min(_LESS_THAN_A_LEVEL)
    _below_the_highest(images, share, is_top)

    saturation = spread.div_(value.clamp_min(_LESS_THAN_A_LEVEL))
    if (saturation_factor, saturation_shift) != (1, 0):
        saturation.mul_(saturation_factor).add_(saturation_shift).clamp_(0, 1)
    if value_shift:
        value.add_(value_shift).clamp_(0, 1)
    darker = saturation.neg_()
    share.mul_(darker).add_(1).mul_(value)
    darker.add_(1).mul_(value)
    bottom, middle, top = cut(unit.mul_(255))  # the three again, each where it was

    # In a grey, every channel is highest and lowest; at hue 0 red counts as the highest, the others as the lowest.
    is_bottom[:, 0].gt_(is_top[:, 0])
    is_top[:, 1:].gt_(is_bottom[:, 1:])
    # Selection by bytes of 0 and 1: arithmetic modulo 256 is exact, and several times faster than masks.
    return is_top.mul_((top - middle)[:, None]).add_(is_bottom.mul_((bottom - middle)[:, None])).add_(middle[:, None])


def _below_the_highest(images: Tensor, height: Tensor, is_top: Tensor) -> None:
    """Turn how far the middle channel lies above the lowest into how far below the highest, by way of the hue.

    Mathematically this is ``1 - height``; what counts is the rounding. Hue runs through six sectors, two for each
    channel that is highest. The middle channel climbs with the hue in sectors 0, 2, 4 and falls in 1, 3, 5.

    Args:
        images: ``(N, 3, H, W)`` uint8.
        height: ``(N, H, W)`` float64, of the middle channel: 0 (the lowest) to 1 (the highest). Overwritten.
        is_top: ``(N, 3, H, W)`` uint8, 1 for the highest channel.
    """
    red, green, blue = images.unbind(1)
    climbs = ((red >= green) ^ (green >= blue) ^ (blue < red)).view(torch.uint8).double()
    start = torch.add(is_top[:, 1], is_top[:, 2], alpha=2).mul_(2).double()  # 0 at red, 2 at green, 4 at blue
    six = constant(6, torch.float64, images.device)
    hue = height.mul_(climbs.mul(2).sub_(1)).add_(start).div_(six)
    hue.sub_(torch.floor(hue, out=start)).mul_(six).frac_()
    hue.sub_(climbs).abs_()


def _equal(first: Tensor, second: Tensor) -> Tensor:
    """Compare bytes: 1 where equal, else 0, as uint8."""
    return (first == second).view(torch.uint8)
