"""Exact correlation of bytes with a kernel.

The sum of byte × weight over a kernel is cut to a byte, so a last bit decides a level wherever the sum is nearly
whole. Here the sum has no last bit to lose: weights are multiples of 2^-40, hence every product and every partial sum
is exact in float64, in whatever order, batch or device it is made. Small kernels are summed tap by tap, large ones go
through a Fourier transform, and the few values that the transform leaves in doubt are summed tap by tap after all.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from rugged.corruptions.levels import cut

_GRID = 2.0**40
_MOST_TAPS = 64  # from here on the Fourier transform is faster; int16 sums of bytes are safe up to 128
_DOUBT = 2.0**-30  # a thousand times the transform's error, in levels
_WINDOWS = 4096  # doubtful values summed at once, to bound memory


@dataclass(frozen=True)
class Kernel:
    """Weights of an odd number of rows and columns, zero borders trimmed.

    Attributes:
        weights: ``(rows, columns)`` float64, multiples of 2^-40.
        groups: For kernels of few taps, the taps by weight: ``(weight, plan)``, as ``_tap_plan`` makes them.
    """

    weights: np.ndarray
    groups: tuple[tuple[float, "Plan"], ...]


Plan = tuple[tuple[tuple[int, ...], tuple[int, ...]], ...]


def make_kernel(weights: np.ndarray) -> Kernel:
    """Round weights to the grid, trim borders of zeros evenly on all sides, and plan the sums.

    Args:
        weights: ``(rows, columns)``, odd both, none negative, with a sum below 2.
    """
    weights = np.round(weights.astype(np.float64) * _GRID) / _GRID
    while min(weights.shape) > 1 and not (weights[[0, -1]].any() or weights[:, [0, -1]].any()):
        weights = weights[1:-1, 1:-1]
    levels = np.unique(weights[weights > 0]) if np.count_nonzero(weights) <= _MOST_TAPS else []
    return Kernel(weights, tuple((float(level), _tap_plan(weights == level)) for level in levels))


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
    rows, columns = kernel.weights.shape
    padded = reflect(images, rows // 2, columns // 2)
    return _by_taps(padded, kernel) if kernel.groups else _by_transform(padded, kernel)


def reflect(images: Tensor, rows: int, columns: int) -> Tensor:
    """Continue images by reflection about the edge pixels, by any number of rows and columns on each side."""
    for axis, margin in ((2, rows), (3, columns)):
        size = images.shape[axis]
        period = max(2 * (size - 1), 1)
        place = torch.arange(-margin, size + margin, device=images.device) % period
        images = images.index_select(axis, torch.minimum(place, period - place) % size)
    return images


def _by_taps(padded: Tensor, kernel: Kernel) -> Tensor:
    """Add shifted copies as integers, weight by weight."""
    rows, columns = kernel.weights.shape
    height, width = padded.shape[2] - rows + 1, padded.shape[3] - columns + 1
    padded = padded.to(torch.int16)
    levels = torch.zeros((*padded.shape[:2], height, width), dtype=torch.float64, device=padded.device)
    for weight, plan in kernel.groups:
        levels += _tap_sum(padded, plan, height, width).double().mul_(weight)
    return cut(levels.clamp_(0, 255))


def _tap_sum(padded: Tensor, plan: Plan, height: int, width: int) -> Tensor:
    """Add up the taps of one weight. In a disk, a long column contains the shorter ones: their sum is reused."""
    total = torch.zeros((*padded.shape[:2], height, width), dtype=torch.int16, device=padded.device)
    done: tuple[int, ...] = ()
    column_sum = torch.zeros((), dtype=torch.int16, device=padded.device)
    for rows, columns in plan:
        if not set(done) <= set(rows):
            done, column_sum = (), torch.zeros_like(column_sum)
        for row in sorted(set(rows) - set(done)):
            column_sum = column_sum + padded[:, :, row : row + height]
        done = rows
        for column in columns:
            total += column_sum[..., column : column + width]
    return total


def _by_transform(padded: Tensor, kernel: Kernel) -> Tensor:
    """Multiply spectra, then settle exactly what lies too near a whole level to be told from it."""
    weights = torch.from_numpy(kernel.weights).to(padded.device)
    height, width = padded.shape[2] - weights.shape[0] + 1, padded.shape[3] - weights.shape[1] + 1
    size = (_smooth(padded.shape[2]), _smooth(padded.shape[3]))
    spectrum = torch.fft.rfft2(padded.double(), s=size).mul_(torch.fft.rfft2(weights, s=size).conj())
    levels = torch.fft.irfft2(spectrum, s=size)[:, :, :height, :width].clamp(0, 255)
    nearest = levels.round()
    # Zero needs no settling: sums are never negative, so the bytes around it all become 0.
    doubtful = ((levels - nearest).abs_() < _DOUBT).logical_and_(nearest > 0)
    result = cut(levels)
    for places in doubtful.nonzero().split(_WINDOWS):
        image, channel, row, column = places.unbind(1)
        windows = padded.unfold(2, weights.shape[0], 1).unfold(3, weights.shape[1], 1)[image, channel, row, column]
        exact = windows.flatten(1).double() @ weights.flatten()
        result[image, channel, row, column] = cut(exact.clamp_(0, 255))
    return result


def _smooth(size: int) -> int:
    """Return the first even number from ``size`` on without a prime factor above 5: fast to transform."""
    candidate = size + size % 2
    while True:
        rest = candidate
        for prime in (2, 3, 5):
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return candidate
        candidate += 2
