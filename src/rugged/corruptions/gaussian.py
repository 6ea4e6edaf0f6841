"""The Gaussian filter, with the reference's weights, axes and order of additions."""

import math
from collections.abc import Mapping
from decimal import Decimal, localcontext
from functools import lru_cache

import cv2
import numpy as np
import torch
from torch import Tensor

from rugged.corruptions.edges import extend
from rugged.corruptions.host import in_main_memory, too_few_for_a_gpu
from rugged.corruptions.levels import cut_within, to_levels, to_unit
from rugged.corruptions.places import true_places

_SMALL = 16  # up to this radius, what float32 leaves in doubt is settled in less time than float32 saves
_BAND = 24  # rows filtered by one product of matrices, where it is fastest
_ERROR = 2.0**-33  # of sums in float64, in levels: ten times what rounding can do to them at the most
_WINDOWS = 1 << 20  # bytes of doubtful values' neighbourhoods worked on at once, to bound memory

# Where the exponentials that made the published pictures are off by their last bit: at how many steps from the centre,
# by the sign of the step. In flat areas a blurred level is whole but for such bits, which decide whether it is cut to
# the level below.
_LAST_BITS: Mapping[float, tuple[int, ...]] = {
    0.25: (-1,),
    0.5: (-1, -2),
    0.6: (1,),
    0.7: (1, -3),
    0.75: (2, -3),
    0.9: (-2,),
    1: (-2, 3, -4),
    1.2: (2, -3),
    1.25: (-5,),
    1.5: (-3, 4, -6),
    2: (-1, -4, -5, 6, -8),
    2.5: (-5, -10),
    3: (5, -6, 8, 9, -12),
    3.5: (1, 4, 5, -7),
    4: (-2, -7, -8, -10, 11, 12, -16),
    4.5: (1, -9, -10, 12, 13, -16, -18),
    6: (-3, 10, -12, -15, 16, 18, -24),
    6.5: (1, 2, 9, 12, -13, -17, -18, 23, -26),
}


@lru_cache
def gaussian_weights(sigma: float, truncate: float = 4.0) -> np.ndarray:
    """Return the weights of a Gaussian filter along one axis.

    Exponentials are rounded correctly, or as the published pictures had them: the last bits depend neither on a library
    nor on the processor.

    Args:
        sigma: Standard deviation, in pixels. Not negative.
        truncate: Where the filter ends, in standard deviations.

    Returns:
        ``(2 * radius + 1,)`` float64 with sum 1, ``radius = int(truncate * sigma + 0.5)``. Not writable.
    """
    radius = int(truncate * sigma + 0.5)
    if radius == 0:
        weights = np.ones(1)
    else:
        factor = -0.5 / (sigma * sigma)
        with localcontext(prec=40):
            half = [float(Decimal(factor * (step * step)).exp()) for step in range(radius + 1)]
        for step in _LAST_BITS.get(sigma, ()):
            if abs(step) <= radius:
                half[abs(step)] = math.nextafter(half[abs(step)], math.copysign(math.inf, step))
        weights = np.array(half[:0:-1] + half)
        weights /= weights.sum()
    weights.flags.writeable = False
    return weights


def filter_planes(planes: Tensor, sigma: float, *, truncate: float = 4.0) -> Tensor:
    """Filter planes with a Gaussian: along the columns, then along the rows. Beyond the planes the edge repeats.

    Sums are made in float64, elementwise and in a fixed order, and kept in the planes' own precision between the axes,
    as ``scipy.ndimage.gaussian_filter`` does: the result is the same to the last bit, and on any device.

    Args:
        planes: ``(..., H, W)`` float32 or float64. Not modified.
        sigma: Standard deviation, in pixels. The planes stay as they are where the filter's radius rounds to 0.
        truncate: Where the filter ends, in standard deviations.

    Returns:
        A new ``(..., H, W)``, of the planes' type.
    """
    weights = gaussian_weights(sigma, truncate)
    radius = len(weights) // 2
    filtered = planes
    for axis in (-2, -1):
        padded = extend(filtered.double(), axis, radius, planes.shape[axis] + 2 * radius, "nearest")
        filtered = _filter_axis(padded, weights, axis).to(planes.dtype)
    return filtered


def _filter_axis(padded: Tensor, weights: np.ndarray, axis: int) -> Tensor:
    """Add up pairs of neighbours, the centre first and then from the outermost pair inwards, where all are inside."""
    radius = len(weights) // 2
    length = padded.shape[axis] - 2 * radius
    total: Tensor = padded.narrow(axis, radius, length) * float(weights[radius])
    pair = torch.empty_like(total)
    for step in range(radius, 0, -1):
        torch.add(padded.narrow(axis, radius - step, length), padded.narrow(axis, radius + step, length), out=pair)
        pair *= float(weights[radius - step])
        total += pair  # not in one operation with the product, which would round once instead of twice
    return total


def filter_bytes(images: Tensor, sigma: float, truncate: float = 4.0) -> Tensor:
    """Filter bytes with a Gaussian by way of the unit interval, and cut the result to bytes.

    The same as cutting what ``filter_planes`` returns, faster. Sums are first made in an order, and on a CPU in a
    precision, that may differ between devices and versions; where that could change a byte, the sum is made again as
    ``filter_planes`` makes it.

    Args:
        images: ``(N, C, H, W)`` uint8, contiguous. Edge pixels repeat beyond the edges. Not modified.
        sigma: Standard deviation, in pixels.
        truncate: Where the filter ends, in standard deviations.

    Returns:
        A new ``(N, C, H, W)`` uint8.
    """
    radius = len(gaussian_weights(sigma, truncate)) // 2
    if radius == 0:
        return images.clone()
    if radius <= _SMALL and too_few_for_a_gpu(images):  # nobody waits to learn what is in doubt
        return to_levels(filter_planes(to_unit(images), sigma, truncate=truncate))
    planes = images.flatten(0, 1)
    on_host = radius <= _SMALL and in_main_memory(images)
    sums, error = (_sums_on_host if on_host else _sums_by_matrices)(planes, sigma, truncate)
    result, doubtful = cut_within(sums, error)
    _settle(result, doubtful, planes, sigma, truncate)
    return result.view_as(images)


def _sums_on_host(planes: Tensor, sigma: float, truncate: float) -> tuple[Tensor, float]:
    """Filter ``(P, H, W)`` bytes on a CPU with OpenCV in float32: levels, and how far they may be off."""
    weights = gaussian_weights(sigma, truncate)
    single = weights.astype(np.float32)
    sums = np.empty(planes.shape, np.float32)
    for plane, out in zip(planes.numpy(), sums, strict=True):
        cv2.sepFilter2D(plane, cv2.CV_32F, single, single, out, borderType=cv2.BORDER_REPLICATE)
    # Along each axis weights and products are off by half of the precision each, of all together at most 255; and so is
    # every partial sum, which are half of that on average.
    return torch.from_numpy(sums), (len(weights) + 6) * 128 * float(np.finfo(np.float32).eps)


def _sums_by_matrices(planes: Tensor, sigma: float, truncate: float) -> tuple[Tensor, float]:
    """Filter ``(P, H, W)`` bytes by banded matrices in float64: levels, and how far they may be off."""
    height, width = planes.shape[1:]
    values = planes.double().transpose(0, 1).contiguous()  # Rows first: a band of them, from all planes, is one matrix.
    sums = torch.empty_like(values)
    matrices = _matrices(sigma, truncate, width, planes.device)
    for part, (first, matrix) in zip(torch.split(sums.view(-1, width), _BAND, 1), matrices, strict=True):
        torch.mm(values.view(-1, width).narrow(1, first, len(matrix)), matrix, out=part)
    matrices = _matrices(sigma, truncate, height, planes.device)
    for part, (first, matrix) in zip(torch.split(values.flatten(1), _BAND), matrices, strict=True):
        torch.mm(matrix.T, sums.flatten(1).narrow(0, first, len(matrix)), out=part)
    return values.transpose(0, 1), _ERROR


@lru_cache(maxsize=64)
def _matrices(sigma: float, truncate: float, length: int, device: torch.device) -> tuple[tuple[int, Tensor], ...]:
    """Return what filters rows whose edges repeat, band by band of places.

    Returns:
        For each band, the first place that the filter reaches from it, and the matrix that makes the band when it
        multiplies what is reached from the right: ``(places reached, places of the band)``.
    """
    weights = gaussian_weights(sigma, truncate)
    radius = len(weights) // 2
    whole, places = np.zeros((length, length)), np.arange(length)
    for step, weight in zip(range(-radius, radius + 1), weights, strict=True):
        whole[np.clip(places + step, 0, length - 1), places] += weight
    bands = [(slice(max(s - radius, 0), s + _BAND + radius), slice(s, s + _BAND)) for s in range(0, length, _BAND)]
    return tuple((of.start, torch.from_numpy(whole[of, to]).to(device).contiguous()) for of, to in bands)


def _settle(result: Tensor, doubtful: Tensor, planes: Tensor, sigma: float, truncate: float) -> None:
    """Overwrite what is in doubt with what ``filter_planes`` makes of it.

    Args:
        result: ``(P, H, W)`` uint8, the higher of two levels where in doubt.
        doubtful: ``(P, H, W)`` bool.
        planes: ``(P, H, W)`` uint8.
        sigma: Of the filter.
        truncate: Of the filter.
    """
    weights = gaussian_weights(sigma, truncate)
    size = len(weights)
    places = true_places(doubtful)
    if not len(places):
        return
    if len(places) * size**2 > 2 * planes.numel():  # more than chance brings: flat areas
        flat = _is_flat(planes, size // 2)
        loss = _loss_when_flat(sigma, truncate, planes.device)
        if loss is not None:
            result -= loss.index_select(0, planes.flatten().int()).view_as(planes) * (doubtful & flat)
        places = true_places(doubtful & ~flat)
    if len(places) * size > 2 * planes.numel():  # so many that filtering everything is less work
        result.copy_(to_levels(filter_planes(to_unit(planes), sigma, truncate=truncate)))
        return
    for part in torch.split(places, 1 + _WINDOWS // size**2):
        columns = _filter_axis(to_unit(_neighbourhoods(planes, part, size // 2)), weights, -2)
        result.view(-1)[part] = to_levels(_filter_axis(columns, weights, -1)).flatten()


def _neighbourhoods(planes: Tensor, places: Tensor, radius: int) -> Tensor:
    """Return what a filter sees at ``(M,)`` places, counted through all planes: ``(M, size, size)``."""
    height, width = planes.shape[1:]
    around = torch.arange(-radius, radius + 1, device=planes.device)
    rows = (places // width % height)[:, None].add(around).clamp_(0, height - 1)
    rows += (places // (height * width) * height)[:, None]
    columns = (places % width)[:, None].add(around).clamp_(0, width - 1)
    wanted = rows.mul_(width)[:, :, None] + columns[:, None]
    return planes.flatten().index_select(0, wanted.flatten()).view(wanted.shape)


def _is_flat(planes: Tensor, radius: int) -> Tensor:
    """Say where all bytes that a filter reaches are the same: ``(P, H, W)`` bool."""
    extremes = torch.stack((planes, ~planes))  # the largest of the second half are the smallest bytes
    for axis in (-2, -1):
        extremes = extend(extremes, axis, radius, planes.shape[axis] + 2 * radius, "nearest")
        size = 1
        while size <= 2 * radius:
            step = min(size, 2 * radius + 1 - size)
            length = extremes.shape[axis] - step
            extremes = torch.maximum(extremes.narrow(axis, 0, length), extremes.narrow(axis, step, length))
            size += step
    return extremes[0] == ~extremes[1]


@lru_cache(maxsize=64)
def _loss_when_flat(sigma: float, truncate: float, device: torch.device) -> Tensor | None:
    """Return, for every level, whether a flat picture of it loses a level: ``(256,)`` uint8; ``None`` if none does."""
    levels = torch.arange(256, dtype=torch.uint8)
    loss = levels - to_levels(filter_planes(to_unit(levels).view(-1, 1, 1), sigma, truncate=truncate)).flatten()
    return loss.to(device) if loss.any() else None
