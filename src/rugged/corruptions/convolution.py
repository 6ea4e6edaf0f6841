"""Exact correlation of bytes with a kernel.

The sum of byte × weight over a kernel is cut to a byte, so a last bit decides a level wherever the sum is nearly
whole. Here the sum has no last bit to lose: weights are multiples of 2^-40, hence every product and every partial sum
is exact in float64, in whatever order, batch or device it is made. Small kernels are summed tap by tap. The sums of
large ones are estimated, through those of a set of equal taps or through a Fourier transform, and the few values that
an estimate leaves in doubt are summed tap by tap after all. Estimates are made in float32, unless that leaves too many
in doubt, as flat areas do.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import torch
from torch import Tensor

from rugged.corruptions.edges import extend
from rugged.corruptions.host import in_main_memory, send
from rugged.corruptions.levels import cut, cut_within
from rugged.corruptions.places import true_places

_GRID = 2.0**40
_MOST_TAPS = 64  # from here on an estimate is faster; int16 sums of bytes are safe up to 128
_MOST_EQUAL = 255  # taps of a softened set: int16 sums of bytes less 128 are safe up to 256
# By how much an estimate may be off, in levels. Sums of a softened set are off by less than half of that. In float32 it
# is five times the transform's largest error found on noise, edges, gratings and points up to 1024 pixels; in float64
# a thousand times.
_SOFT, _SINGLE, _DOUBLE = 2.0**-13, 2.0**-11, 2.0**-30
_FEW = 64  # one value of so many in doubt costs as much to settle as a transform in float64
_MOST_KEPT = 1 << 18  # pixels of pictures whose kernels' spectra are kept between calls
_WINDOWS = 4096  # doubtful values summed at once, to bound memory

Plan = tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]


@dataclass(frozen=True, eq=False)
class Kernel:
    """Weights of an odd number of rows and columns, zero borders trimmed. Compared by identity.

    Attributes:
        weights: ``(rows, columns)`` float64, multiples of 2^-40.
        groups: For kernels of few taps, the taps by weight: ``(weight, plan)``, as ``_tap_plan`` makes them.
        ratio: For a single group, an integer and a shift that stand for its weight: see ``_ratio``.
        soft: For kernels of many taps, the set of equal taps they are made from: see ``_soft_plan``.
    """

    weights: np.ndarray
    groups: tuple[tuple[float, Plan], ...] = ()
    ratio: tuple[int, int] | None = None
    soft: tuple[Plan, float, float] | None = None


def make_kernel(weights: np.ndarray) -> Kernel:
    """Round weights to the grid, trim borders of zeros evenly on all sides, and plan the sums.

    Args:
        weights: ``(rows, columns)``, odd both, none negative, with a sum below 2.
    """
    weights = np.round(weights.astype(np.float64) * _GRID) / _GRID
    while min(weights.shape) > 1 and not (weights[[0, -1]].any() or weights[:, [0, -1]].any()):
        weights = weights[1:-1, 1:-1]
    taps = int(np.count_nonzero(weights))
    if taps > _MOST_TAPS:
        return Kernel(weights, soft=_soft_plan(weights))
    distinct = np.unique(weights[weights > 0])
    groups = tuple((float(weight), _tap_plan(weights == weight)) for weight in distinct)
    return Kernel(weights, groups, ratio=_ratio(distinct[0], taps) if len(distinct) == 1 else None)


def _ratio(weight: float, taps: int) -> tuple[int, int] | None:
    """Find an integer whose products with sums of so many bytes, shifted, are the exact bytes; int32 must hold them."""
    sums = np.arange(255 * taps + 1)
    exact = np.minimum(sums * weight, 255).astype(int)
    shift = min(30, int(math.log2((2**31 - 1 - sums[-1]) / (sums[-1] * weight))))
    for scaled in (math.floor(weight * 2**shift), math.ceil(weight * 2**shift)):
        if np.array_equal((sums * scaled) >> shift, exact):
            return scaled, shift
    return None


def _soft_plan(weights: np.ndarray) -> tuple[Plan, float, float] | None:
    """Find the set of equal taps that a kernel is made from, by filters of three taps along rows and columns.

    Returns:
        The set's plan, its first row and column being the kernel's second; the weight of a filter's central tap beside
        1 for the outer ones; and the factor of all. None where there is no such set.
    """
    inside = weights > weights.max() / 2
    if inside[[0, -1]].any() or inside[:, [0, -1]].any() or inside.sum() > _MOST_EQUAL:
        return None
    padded = np.pad(inside.astype(np.float64), 1)
    shifts = [padded[row:, column:][: weights.shape[0], : weights.shape[1]] for row in range(3) for column in range(3)]
    sides, corners = shifts[1] + shifts[3] + shifts[5] + shifts[7], shifts[0] + shifts[2] + shifts[6] + shifts[8]
    parts = np.stack([part.ravel() for part in (shifts[4], sides, corners)], axis=1)
    middle, side, _ = np.linalg.lstsq(parts, weights.ravel())[0]
    if not (middle > 0 and side > 0):
        return None
    centre, factor = middle / side, side**2 / middle
    missed = weights.ravel() - parts @ (factor * np.array([centre**2, centre, 1]))
    if not np.abs(missed).sum() * 128 < _SOFT / 8:
        return None
    return _tap_plan(inside[1:-1, 1:-1]), float(centre), float(factor)


def _tap_plan(taps: np.ndarray) -> Plan:
    """Group columns that hold taps in the same rows: pairs (rows, columns), shortest first."""
    columns: dict[tuple[int, ...], list[int]] = {}
    for column in range(taps.shape[1]):
        rows = tuple(int(row) for row in np.flatnonzero(taps[:, column]))
        if rows:
            columns.setdefault(rows, []).append(column)
    return tuple((rows, tuple(columns[rows])) for rows in sorted(columns, key=len))


def correlate(images: Tensor, kernel: Kernel) -> Tensor:
    """Correlate every channel with a kernel; clip and cut the exact sums to bytes.

    Args:
        images: ``(N, C, H, W)`` uint8. Continued beyond its edges by reflection about the edge pixels. Not modified.
        kernel: From ``make_kernel``.

    Returns:
        ``(N, C, H, W)`` uint8.
    """
    return _by_taps(images, kernel) if kernel.groups else _by_estimate(images, kernel)


def reflect(images: Tensor, before: tuple[int, int], size: tuple[int, int]) -> Tensor:
    """Continue images by reflection about the edge pixels.

    Args:
        images: ``(N, C, H, W)``.
        before: Rows above the images and columns to their left.
        size: Rows and columns of the result.
    """
    if not in_main_memory(images):
        return extend(extend(images, -1, before[1], size[1], "mirror"), -2, before[0], size[0], "mirror")
    height, width = images.shape[2:]
    borders = before[0], size[0] - height - before[0], before[1], size[1] - width - before[1]
    result = images.new_empty((*images.shape[:2], *size))
    for plane, out in zip(images.flatten(0, 1).numpy(), result.flatten(0, 1).numpy(), strict=True):
        cv2.copyMakeBorder(plane, *borders, cv2.BORDER_REFLECT_101, out)
    return result


def _by_taps(images: Tensor, kernel: Kernel) -> Tensor:
    """Add shifted copies as integers, weight by weight."""
    height, width = images.shape[2:]
    rows, columns = kernel.weights.shape
    padded = reflect(images, (rows // 2, columns // 2), (height + rows - 1, width + columns - 1)).to(torch.int16)
    sums = (_tap_sum(padded, plan, rows, columns) for _, plan in kernel.groups)
    if kernel.ratio:
        scaled, shift = kernel.ratio
        return next(sums).to(torch.int32).mul_(scaled).bitwise_right_shift_(shift).to(torch.uint8)
    levels = torch.zeros(images.shape, dtype=torch.float64, device=images.device)
    for (weight, _), total in zip(kernel.groups, sums, strict=True):
        levels += total.double().mul_(weight)
    return cut(levels.clamp_(0, 255))


def _tap_sum(padded: Tensor, plan: Plan, rows: int, columns: int) -> Tensor:
    """Add up the taps of one weight. In a disk, a long column contains the shorter ones: their sum is reused.

    Rows lie one behind another, so that a shift by rows and columns is one by places, the same for all; what it draws
    in from beyond a row's end is cut off.
    """
    source, pitch = padded.reshape(-1), padded.shape[3]
    size = len(source) - (rows - 1) * pitch  # of sums over rows
    total, column_sum, done = source[:0], source[:0], set[int]()
    for some_rows, some_columns in plan:
        if not done <= set(some_rows):
            done = set()
        for row in sorted(set(some_rows) - done):
            part = source.narrow(0, row * pitch, size)
            column_sum = column_sum.add_(part) if done else part.clone()
            done.add(row)
        for column in some_columns:
            part = column_sum.narrow(0, column, size - columns + 1)
            total = total.add_(part) if len(total) else part.clone()
    return _crop(total, padded.shape, padded.shape[2] - rows + 1, padded.shape[3] - columns + 1)


def _crop(values: Tensor, shape: torch.Size, height: int, width: int) -> Tensor:
    """View the first rows and columns of what lies as ``(N, C, rows, columns)`` do, but may lack its end."""
    strides = (shape[1] * shape[2] * shape[3], shape[2] * shape[3], shape[3], 1)
    return values.as_strided((shape[0], shape[1], height, width), strides)


def _by_estimate(images: Tensor, kernel: Kernel) -> Tensor:
    """Estimate the sums, then settle exactly what lies too near a whole level to be told from it."""
    height, width = images.shape[2:]
    rows, columns = kernel.weights.shape
    size = (_smooth(height + rows - 1), _smooth(width + columns - 1))
    padded = reflect(images, (rows // 2, columns // 2), size)
    total = float(kernel.weights.sum())
    for error, dtype in ((_SOFT if kernel.soft else _SINGLE, torch.float32), (_DOUBLE, torch.float64)):
        if kernel.soft and dtype == torch.float32:
            estimate = _soft_sum(padded, kernel.soft, rows, columns)[:, :, :height, :width]
        else:
            estimate = _transform(padded, kernel, dtype, (height, width))
        # What is beyond 255 becomes 255, without a doubt.
        result, doubtful = cut_within(estimate.add_(128 * total).clamp_(max=255.5), error)
        places = true_places(doubtful)
        if len(places) * _FEW < result.numel():
            break
    for some in torch.split(places, _WINDOWS):
        result.view(-1)[some] = _settle(padded, kernel, some, result.shape)
    return result


def _soft_sum(padded: Tensor, soft: tuple[Plan, float, float], rows: int, columns: int) -> Tensor:
    """Correlate bytes less 128 with a softened set: ``(N, C, H, W)`` float32."""
    plan, centre, factor = soft
    less = (padded ^ 128).view(torch.int8).to(torch.int16)
    sums = _tap_sum(less, plan, rows - 2, columns - 2)
    if in_main_memory(sums):
        filters = np.array((1, centre, 1)), np.array((1, centre, 1)) * factor
        planes = np.stack([cv2.sepFilter2D(plane, cv2.CV_32F, *filters) for plane in sums.flatten(0, 1).numpy()])
        return torch.from_numpy(planes).view(sums.shape)[:, :, 1:-1, 1:-1]
    single = sums.float()
    across = (single[..., 2:] + single[..., :-2]).add_(single[..., 1:-1], alpha=centre)
    return (across[:, :, 2:] + across[:, :, :-2]).add_(across[:, :, 1:-1], alpha=centre).mul_(factor)


def _transform(padded: Tensor, kernel: Kernel, dtype: torch.dtype, size: tuple[int, int]) -> Tensor:
    """Correlate bytes less 128, which lose less to rounding, by way of their spectrum: ``(N, C, *size)``.

    Channels go in pairs, as the real and the imaginary part of complex numbers. Weights are real, so a pair stays
    apart; and complex transforms spare the passes that transforms of real numbers need to pack what they transform.
    """
    channels = (padded ^ 128).view(torch.int8).flatten(0, 1)
    half = (len(channels) + 1) // 2  # of an odd number, the middle one is in both halves
    spectrum = torch.fft.fft2(_join(channels[:half], channels[-half:], dtype))
    spectrum_of = _spectrum if math.prod(size) <= _MOST_KEPT else _spectrum.__wrapped__
    sums = torch.fft.ifft2(spectrum.mul_(spectrum_of(kernel, spectrum.shape[1:], spectrum.dtype, padded.device)))
    return _part(sums[:, : size[0], : size[1]], len(channels)).view(*padded.shape[:2], *size)


def _join(first: Tensor, second: Tensor, dtype: torch.dtype) -> Tensor:
    """Make complex numbers, whose parts have a precision, of two ``(P, H, W)`` int8."""
    if not in_main_memory(first):
        return torch.complex(first.to(dtype), second.to(dtype))
    pairs = torch.empty((*first.shape, 2), dtype=torch.int8)
    for one, other, out in zip(first.numpy(), second.numpy(), pairs.numpy(), strict=True):
        cv2.merge((one, other), out)
    return torch.view_as_complex(pairs.to(dtype))


def _part(numbers: Tensor, count: int) -> Tensor:
    """Take ``(P, H, W)`` complex numbers apart, into that many planes, which is 2 P or one less: ``_join`` undone."""
    half = len(numbers)
    if not in_main_memory(numbers):
        return torch.cat((numbers.real, numbers.imag[2 * half - count :]))
    parts = torch.view_as_real(numbers)
    planes = torch.empty((count, *numbers.shape[1:]), dtype=parts.dtype)
    for pair, one, other in zip(parts.numpy(), planes[:half].numpy(), planes[-half:].numpy(), strict=True):
        cv2.split(pair, (one, other))
    return planes


@lru_cache(maxsize=32)
def _spectrum(kernel: Kernel, size: tuple[int, int], dtype: torch.dtype, device: torch.device) -> Tensor:
    spectrum: Tensor = torch.fft.fft2(torch.from_numpy(kernel.weights).to(device), s=size)
    return spectrum.conj().resolve_conj().to(dtype)


def _settle(padded: Tensor, kernel: Kernel, places: Tensor, shape: torch.Size) -> Tensor:
    """Sum the taps at ``(M,)`` places, counted through values of the shape ``(N, C, H, W)``."""
    height, width = shape[2:]
    plane, row, column = places // (height * width), places // width % height, places % width
    corners = (plane * padded.shape[2] + row) * padded.shape[3] + column
    rows, columns = np.nonzero(kernel.weights)
    taps = send(torch.from_numpy(rows * padded.shape[3] + columns), places.device)
    weights = send(torch.from_numpy(kernel.weights[rows, columns]), places.device)
    wanted = corners[:, None] + taps
    seen = padded.flatten().index_select(0, wanted.flatten()).view(wanted.shape)
    return cut((seen.double() @ weights).clamp_(0, 255))


def _smooth(size: int) -> int:
    """Return the first multiple of 4 from ``size`` on without prime factors beyond 7: fast to transform."""
    candidate = size + -size % 4
    while True:
        rest = candidate
        for prime in (2, 3, 5, 7):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return candidate
        candidate += 4
