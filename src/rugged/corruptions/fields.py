"""Smooth random fields: Gaussian filters of any width as exact matrix products.

A matrix product is the fastest filter there is, but adds in an order that its library chooses by size, batch and
processor. Here no order shows: numbers lie on grids, so that every product and every partial sum is exact in float64.
"""

from functools import lru_cache
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from rugged.corruptions.gaussian import gaussian_weights

Mode = Literal["nearest", "reflect"]
Blocks = tuple[tuple[slice, slice, Tensor], ...]

# The first axis adds multiples of 2^-20 x 2^-27 below 8, which is 50 bits. Its sums are rounded to multiples of 2^-23,
# so the second axis adds multiples of 2^-23 x 2^-27 below 8: 53 bits, what float64 holds.
_WEIGHT_GRID = 2.0**27
_BETWEEN_GRID = 2.0**23
# Places made by one product: few, to skip most of the zeros beyond a filter's reach, where there are any.
_BLOCK = 24


def smooth(fields: Tensor, sigma: float, *, truncate: float = 4.0, mode: Mode = "nearest") -> Tensor:
    """Filter fields with a Gaussian of any width.

    Within 10^-6 of ``scipy.ndimage.gaussian_filter``. For multiples of 2^-20, as this package's draws are, the result
    is the same to the last bit in any batch and on any device.

    Args:
        fields: ``(..., H, W)``, values between -7 and 7. Not modified.
        sigma: Standard deviation, in pixels.
        truncate: Where the filter ends, in standard deviations.
        mode: How fields go on beyond their edges: ``"nearest"`` repeats the edge, ``"reflect"`` mirrors about it, as
            often as it takes.

    Returns:
        ``(..., H, W)`` float64, in a memory layout of its own.
    """
    height, width = fields.shape[-2:]
    columns = fields.reshape(-1, height, width).transpose(0, 1).contiguous().double().view(height, -1)
    columns = _apply(_filter_blocks(height, sigma, truncate, mode, fields.device), columns)
    rows = columns.mul_(_BETWEEN_GRID).round_().mul_(1 / _BETWEEN_GRID).view(-1, width)
    rows = _apply(_filter_blocks(width, sigma, truncate, mode, fields.device), rows.T).T
    return rows.view(height, -1, width).transpose(0, 1).view(fields.shape)


def _apply(blocks: Blocks, lines: Tensor) -> Tensor:
    """Filter ``(length, lines)`` along the first axis. The result has the same strides."""
    result = torch.empty_like(lines)
    for made, seen, weights in blocks:
        torch.mm(weights, lines[seen], out=result[made])
    return result


@lru_cache(maxsize=32)
def _filter_blocks(length: int, sigma: float, truncate: float, mode: Mode, device: torch.device) -> Blocks:
    """Cut the matrix of a filter along an axis: which places each block makes, which ones it sees, its weights."""
    weights = np.round(gaussian_weights(sigma, truncate) * _WEIGHT_GRID) / _WEIGHT_GRID
    reach = len(weights) // 2
    weights[reach] += 1 - weights.sum()  # what is constant stays exactly so
    step = _BLOCK if 2 * reach + _BLOCK < length else length
    blocks = []
    for start in range(0, length, step):
        made = np.arange(start, min(start + step, length))
        places = made[:, None] + np.arange(-reach, reach + 1)
        if mode == "nearest":
            places = places.clip(0, length - 1)
        else:
            places %= 2 * length
            places = np.minimum(places, 2 * length - 1 - places)
        first, last = int(places.min()), int(places.max()) + 1
        matrix = np.zeros((len(made), last - first))
        np.add.at(matrix, ((made - start)[:, None], places - first), weights)
        blocks.append((slice(start, start + len(made)), slice(first, last), torch.from_numpy(matrix).to(device)))
    return tuple(blocks)
