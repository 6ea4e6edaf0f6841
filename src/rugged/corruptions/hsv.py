"""Saturation and value of pixels changed, with the rounding of a trip to HSV and back.

Operations are those of the two conversions, one by one in float64: results are often whole levels, where any other
order would cut some of them to the level below. Most of the trip is spared, however. The hue does not change, so a
pixel's highest and lowest channel follow from saturation and value; only the middle one needs the hue. And where only
the value changes, all channels of a pixel are scaled alike: a CPU spares the trip but for what that leaves in doubt.
"""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from rugged.corruptions.host import in_main_memory
from rugged.corruptions.levels import constant, cut, cut_within, to_unit
from rugged.corruptions.places import true_places
from rugged.corruptions.tables import look_up_bytes

# Smaller than any difference of two levels, larger than nothing: keeps 0 / 0 away and changes no other quotient.
_LESS_THAN_A_LEVEL = 1 / 512
_AT_ONCE = 1 << 16  # doubtful pixels settled at once, to bound memory
_MANY = 4  # one pixel in so many in doubt: to send them all on the trip is less work
# What float32 rounds by at the most, twice over: a factor and a product of at most 255, and the steps to either side.
_SCALED = 2.0**-14


def shift_value(images: Tensor, shift: float) -> Tensor:
    """Shift the value of pixels, and clip it to [0, 1].

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        shift: Added to the value, as a fraction of white.

    Returns:
        ``(N, 3, H, W)`` uint8.
    """
    if not in_main_memory(images):
        return adjust_hsv(images, value_shift=shift)
    factors, tops = _by_highest(shift)
    red, green, blue = images.unbind(1)
    highest = torch.maximum(torch.maximum(red, green), blue)[:, None]
    factor, top = (look_up_bytes(table, highest) for table in (factors, tops))
    result, doubtful = cut_within(images.float().mul_(factor), _SCALED)
    is_top = _equal(images, highest)
    red, green, blue = doubtful.view(torch.uint8).gt_(is_top).unbind(1)
    places = true_places((red | green).bitwise_or_(blue).view(torch.bool))
    if len(places) * _MANY > highest.numel():
        return adjust_hsv(images, value_shift=shift)
    result.add_(is_top.mul_(top - result))  # modulo 256; faster than by a mask
    for some in torch.split(places, _AT_ONCE):
        _settle(result, images, some, shift)
    return result


@lru_cache(maxsize=16)
def _by_highest(shift: float) -> tuple[np.ndarray, np.ndarray]:
    """Tabulate by a pixel's highest level what scales its channels, as float32, and what the highest becomes."""
    levels = torch.arange(256, dtype=torch.uint8)
    values = to_unit(levels).add_(shift).clamp_(0, 1).mul_(255)
    factors = values / levels.clamp_min(1)
    tops = adjust_hsv(levels.expand(1, 3, 1, 256), value_shift=shift)[0, 0, 0]
    return factors.float().numpy(), tops.numpy()


def _settle(result: Tensor, images: Tensor, places: Tensor, shift: float) -> None:
    """Shift the values at ``(M,)`` places, counted through the pixels of all images, by the whole trip."""
    size = images.shape[2] * images.shape[3]
    red = places + places.div(size, rounding_mode="floor").mul_(2 * size)
    channels = torch.stack((red, red + size, red + 2 * size))
    pixels = images.take(channels)[None, :, None]
    result.view(-1)[channels] = adjust_hsv(pixels, value_shift=shift)[0, :, 0]


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
