"""Smooth random fields: Gaussian filters of any width as exact matrix products.

A matrix product is the fastest filter there is, but adds in an order that its library chooses by size, batch and
processor. Here no order shows: numbers lie on grids, so that every product and every partial sum is exact in float64.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from rugged.corruptions.edges import Mode, inside
from rugged.corruptions.gaussian import gaussian_weights
from rugged.corruptions.host import in_main_memory


@dataclass(frozen=True)
class _Filter:
    """A filter along an axis: the matrix that makes it, cut in one of two ways to save products.

    Attributes:
        blocks: Which places each block makes, which ones it sees, its weights. For filters of short reach.
        halves: For long filters of long axes: half the weights of what both halves of the axis have in common, and of
            what they differ by. The filter looks the same from both ends, so these do not mix.
    """

    blocks: tuple[tuple[slice, slice, Tensor], ...] = ()
    halves: tuple[Tensor, Tensor] | None = None


# The first axis adds multiples of 2^-20 x 2^-28 up to 7, which is 51 bits. Its sums are rounded to a grid of 2^-25
# times the largest value, so the second axis adds up to 53 bits, what float64 holds.
_WEIGHT_BITS = 27  # one more where weights are halved
_BETWEEN_BITS = 25
# Places made by one product: few, to skip most of the zeros beyond a filter's reach, where there are any. A GPU, which
# waits to be told of each product, gets fewer and larger ones.
_BLOCK, _BLOCK_ON_GPU = 24, 64
_LONG = 100  # places of an axis; from here on halves pay …
_MOST_SEEN = 0.8  # … where a block would see more than this part of them: folding the axis has a price of its own
_MOST_KEPT = 1 << 9  # places of an axis whose filters are kept between calls


def smooth(fields: Tensor, sigma: float, *, truncate: float = 4.0, mode: Mode = "nearest", most: int = 7) -> Tensor:
    """Filter fields with a Gaussian of any width.

    Within 10^-6 of ``scipy.ndimage.gaussian_filter``. For multiples of 2^-20, as this package's draws are, the result
    is the same to the last bit in any batch and on any device.

    Args:
        fields: ``(..., H, W)``, values between ``-most`` and ``most``. Not modified.
        sigma: Standard deviation, in pixels.
        truncate: Where the filter ends, in standard deviations.
        mode: How fields go on beyond their edges.
        most: What no value exceeds, at most 7. The smaller, the finer the grid between the axes.

    Returns:
        ``(..., H, W)`` float64, in a memory layout of its own.
    """
    height, width = fields.shape[-2:]
    # Rows come first: a block of them, from all fields, is one matrix.
    rows_first = fields.movedim(-2, 0)
    columns = torch.empty(rows_first.shape, dtype=torch.float64, device=fields.device).copy_(rows_first)
    grid = 2.0 ** ((most - 1).bit_length() - _BETWEEN_BITS)
    # Those of an axis of 3000 places would hold 22 MB. To make them anew costs large pictures a tenth of their time.
    filter_of = _filter if max(height, width) <= _MOST_KEPT else _filter.__wrapped__
    columns = _apply(filter_of(height, sigma, truncate, mode, 1 / grid, fields.device), columns.view(height, -1))
    rows = columns.round_().view(-1, width)
    rows = _apply(filter_of(width, sigma, truncate, mode, grid, fields.device), rows.T).T
    return rows.view(rows_first.shape).movedim(0, -2)


def _apply(kernel: _Filter, lines: Tensor) -> Tensor:
    """Filter ``(length, lines)`` along the first axis. The result has the same strides."""
    result = torch.empty_like(lines)
    for made, seen, weights in kernel.blocks:
        torch.mm(weights, lines[seen], out=result[made])
    if kernel.halves:
        half = len(kernel.halves[0])  # of an odd number, with the middle
        first, last = lines[:half], lines[-half:].flip(0)
        common, difference = kernel.halves[0] @ (first + last), kernel.halves[1] @ (first - last)
        torch.add(common, difference, out=result[:half])
        result[-half:] = common.sub_(difference).flip(0)
    return result


@lru_cache(maxsize=32)
def _filter(length: int, sigma: float, truncate: float, mode: Mode, scale: float, device: torch.device) -> _Filter:
    """Make the filter of an axis, times a power of two."""
    matrix = _matrix(length, sigma, truncate, mode) * scale
    reach = len(gaussian_weights(sigma, truncate)) // 2
    if length >= _LONG and 2 * reach + _BLOCK > _MOST_SEEN * length:
        half = length - length // 2
        first, last = matrix[:half, :half] / 2, matrix[:half, length - half :][:, ::-1] / 2
        common, difference = first + last, first - last
        if length % 2:
            common[:, -1] /= 2  # the middle of the axis belongs to both halves
        return _Filter(halves=(torch.from_numpy(common).to(device), torch.from_numpy(difference).to(device)))
    block = _BLOCK if in_main_memory(device) else _BLOCK_ON_GPU
    step = block if 2 * reach + block < length else length
    blocks = []
    for start in range(0, length, step):
        made, seen = slice(start, min(start + step, length)), slice(max(start - reach, 0), start + step + reach)
        blocks.append((made, seen, torch.from_numpy(matrix[made, seen].copy()).to(device)))
    return _Filter(tuple(blocks))


def _matrix(length: int, sigma: float, truncate: float, mode: Mode) -> np.ndarray:
    """Return what a filter makes of an axis, ``(length, length)``: multiples of the grid of weights."""
    weights = np.round(gaussian_weights(sigma, truncate) * 2.0**_WEIGHT_BITS) / 2.0**_WEIGHT_BITS
    reach = len(weights) // 2
    weights[reach] += 1 - weights.sum()  # what is constant stays exactly so
    around = inside(np.arange(-reach, length + reach), length, mode)
    seen = np.lib.stride_tricks.sliding_window_view(around, 2 * reach + 1)
    places = seen + np.arange(length)[:, None] * length
    sums = np.bincount(places.ravel(), np.broadcast_to(weights, seen.shape).ravel(), length * length)
    return sums.reshape(length, length)
