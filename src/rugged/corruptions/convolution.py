"""Exact correlation of bytes with a kernel.

The sum of byte × weight over a kernel is cut to a byte, so a last bit decides a level wherever the sum is nearly
whole. Here the sum has no last bit to lose: weights are multiples of 2^-40, hence every product and every partial sum
is exact in float64, in whatever order, batch or device it is made. Small kernels are summed tap by tap, large ones go
through a Fourier transform, and the few values that the transform leaves in doubt are summed tap by tap after all. The
transform's precision is that of float32, unless it leaves too many in doubt, as flat areas do.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from rugged.corruptions.levels import cut

_GRID = 2.0**40
_MOST_TAPS = 64  # from here on the Fourier transform is faster; int16 sums of bytes are safe up to 128
# Precisions of the transform, and what is in doubt after it, in levels: in float32 five times the largest error found
# on noise, edges, gratings and points up to 1024 pixels; in float64 a thousand times.
_DOUBTS = ((torch.float32, 2.0**-11), (torch.float64, 2.0**-30))
_FEW = 64  # one value of so many in doubt costs as much to settle as a transform in float64
_WINDOWS = 4096  # doubtful values summed at once, to bound memory

Plan = tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]


@dataclass(frozen=True, eq=False)
class Kernel:
    """Weights of an odd number of rows and columns, zero borders trimmed. Compared by identity.

    Attributes:
        weights: ``(rows, columns)`` float64, multiples of 2^-40.
        groups: For kernels of few taps, the taps by weight: ``(weight, plan)``, as ``_tap_plan`` makes them.
    """

    weights: np.ndarray
    groups: tuple[tuple[float, Plan], ...]


def make_kernel(weights: np.ndarray) -> Kernel:
    """Round weights to the grid, trim borders of zeros evenly on all sides, and plan the sums.

    Args:
        weights: ``(rows, columns)``, odd both, none negative, with a sum below 2.
    """
    weights = np.round(weights.astype(np.float64) * _GRID) / _GRID
    while min(weights.shape) > 1 and not (weights[[0, -1]].any() or weights[:, [0, -1]].any()):
        weights = weights[1:-1, 1:-1]
    if np.count_nonzero(weights) > _MOST_TAPS:
        return Kernel(weights, ())
    return Kernel(weights, tuple((float(w), _tap_plan(weights == w)) for w in np.unique(weights[weights > 0])))


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
    return _by_taps(images, kernel) if kernel.groups else _by_transform(images, kernel)


def reflect(images: Tensor, before: tuple[int, int], size: tuple[int, int]) -> Tensor:
    """Continue images by reflection about the edge pixels.

    Args:
        images: ``(N, C, H, W)``.
        before: Rows above the images and columns to their left.
        size: Rows and columns of the result.
    """
    for axis, start, length in ((3, before[1], size[1]), (2, before[0], size[0])):
        old = images.shape[axis]
        place = torch.arange(-start, length - start, device=images.device) % max(2 * (old - 1), 1)
        place = torch.minimum(place, 2 * (old - 1) - place)
        left, right = images.index_select(axis, place[:start]), images.index_select(axis, place[start + old :])
        images = torch.cat((left, images, right), axis)
    return images


def _by_taps(images: Tensor, kernel: Kernel) -> Tensor:
    """Add shifted copies as integers, weight by weight."""
    height, width = images.shape[2:]
    rows, columns = kernel.weights.shape
    padded = reflect(images, (rows // 2, columns // 2), (height + rows - 1, width + columns - 1)).to(torch.int16)
    levels = torch.zeros(images.shape, dtype=torch.float64, device=images.device)
    for weight, plan in kernel.groups:
        levels += _tap_sum(padded, plan, height, width).double().mul_(weight)
    return cut(levels.clamp_(0, 255))


def _tap_sum(padded: Tensor, plan: Plan, height: int, width: int) -> Tensor:
    """Add up the taps of one weight. In a disk, a long column contains the shorter ones: their sum is reused."""
    nothing = torch.zeros((), dtype=torch.int16, device=padded.device)
    total, column_sum, done = nothing, nothing, set[int]()
    for rows, columns in plan:
        if not done <= set(rows):
            column_sum, done = nothing, set()
        for row in sorted(set(rows) - done):
            column_sum = column_sum + padded[:, :, row : row + height]
        done = set(rows)
        for column in columns:
            total = total + column_sum[..., column : column + width]
    return total


def _by_transform(images: Tensor, kernel: Kernel) -> Tensor:
    """Multiply spectra, then settle exactly what lies too near a whole level to be told from it."""
    rows, columns = kernel.weights.shape
    size = (_smooth(images.shape[2] + rows - 1), _smooth(images.shape[3] + columns - 1))
    padded = reflect(images, (rows // 2, columns // 2), size)
    total = float(kernel.weights.sum())
    for dtype, doubt in _DOUBTS:
        levels = _transform(padded, kernel, dtype)[:, :, : images.shape[2], : images.shape[3]]
        levels = levels.add(128 * total)
        if 255 * total + doubt > 255.5:
            levels.clamp_(max=255.5)  # what is beyond becomes 255, without a doubt
        result, below = cut(levels.add_(doubt)), cut(levels.sub_(2 * doubt))
        places = true_places(result != below)
        if len(places) * _FEW < result.numel():
            break
    for some in torch.split(places, _WINDOWS):
        result.view(-1)[some] = _settle(padded, kernel, some, result.shape)
    return result


def _transform(padded: Tensor, kernel: Kernel, dtype: torch.dtype) -> Tensor:
    """Correlate bytes less 128, which lose less to rounding, by way of their spectrum: the padded shape."""
    size = (padded.shape[2], padded.shape[3])
    spectrum = torch.fft.rfft2((padded ^ 128).view(torch.int8).to(dtype)).mul_(
        _spectrum(kernel, size, dtype, padded.device)
    )
    levels: Tensor = torch.fft.irfft2(spectrum, s=size)
    return levels


@lru_cache(maxsize=32)
def _spectrum(kernel: Kernel, size: tuple[int, int], dtype: torch.dtype, device: torch.device) -> Tensor:
    spectrum: Tensor = torch.fft.rfft2(torch.from_numpy(kernel.weights).to(device), s=size)
    return spectrum.conj().resolve_conj().to(dtype.to_complex())


def _settle(padded: Tensor, kernel: Kernel, places: Tensor, shape: torch.Size) -> Tensor:
    """Sum the taps at ``(M,)`` places, counted through values of the shape ``(N, C, H, W)``."""
    image, channel, row, column = torch.unravel_index(places, shape)
    corners = ((image * shape[1] + channel) * padded.shape[2] + row) * padded.shape[3] + column
    rows, columns = np.nonzero(kernel.weights)
    taps = torch.from_numpy(rows * padded.shape[3] + columns).to(places.device)
    weights = torch.from_numpy(kernel.weights[rows, columns]).to(places.device)
    wanted = corners[:, None] + taps
    seen = padded.flatten().index_select(0, wanted.flatten()).view(wanted.shape)
    return cut((seen.double() @ weights).clamp_(0, 255))


def true_places(mask: Tensor) -> Tensor:
    """Return the places of what is true, counted through the whole mask: ``(M,)`` int64."""
    if mask.device.type == "cpu":  # NumPy is eight times faster
        return torch.from_numpy(np.flatnonzero(mask.numpy()))
    return mask.flatten().nonzero()[:, 0]


def _smooth(size: int) -> int:
    """Return the first multiple of 4 from ``size`` on without a prime factor above 5: fast to transform."""
    candidate = size + -size % 4
    while True:
        rest = candidate
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return candidate
        candidate += 4
