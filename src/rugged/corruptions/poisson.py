"""Poisson numbers from tables of whole numbers: the photon counts that make up a grey level.

A picture has 256 levels, so 256 distributions cover it. Each is an alias table (Walker 1977): a power of two of
columns, all equally likely, each with a count of its own and one other. Of 32 random bits the lower ones choose the
column and the upper ones one of its two counts.
"""

import math
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from rugged.core.errors import CorruptionError
from rugged.corruptions.bits import Bits

_LEVELS = 256
_BITS = 32  # a number
_MOST = 1000  # photons at white: a table of 2 MB, and weights that float64 can hold
_SMALL = 2.0**-700  # times e^1000 stays below what float64 can hold


def poisson(stream: Bits, images: Tensor, photons: float) -> Tensor:
    """Draw a photon count for every value.

    Args:
        stream: Random bits of N images.
        images: ``(N, 3, H, W)`` uint8.
        photons: Mean count at white; at other levels it is in proportion.

    Returns:
        ``(N, 3, H, W)`` int32. The chance of any one count is off by at most 2^-32.

    Raises:
        CorruptionError: There are no photons, or too many for a table.
    """
    table = alias_table(float(photons), images.device)
    columns = len(table) // _LEVELS
    shift = columns.bit_length() - 1
    size = math.prod(images.shape[1:])
    bits = stream.words(-(-size // 2)).contiguous().view(torch.int32)[:, :size].reshape(-1)
    column = bits & (columns - 1)
    entry = table.index_select(0, torch.add(column, images.to(torch.int32).view(-1), alpha=columns))
    # -1, all bits set, where the other count is chosen: cheaper than a comparison.
    other = bits.bitwise_right_shift_(shift).add_(entry >> shift).bitwise_right_shift_(31)
    return entry.bitwise_and_(other).add_(column).bitwise_and_(columns - 1).view(images.shape)


@lru_cache
def alias_table(photons: float, device: torch.device) -> Tensor:
    """Return the columns of all levels, ``(256 * columns,)`` int32.

    The lower bits of an entry say how many columns further, round the end, the other count is. The upper bits, from
    -½ to ½ of their range, are the share of the column that is its own: added to as many random bits, they give a
    negative number where it is the other's turn.
    """
    masses = poisson_masses(photons)
    columns = masses.shape[1]
    height = (1 << _BITS) // columns
    entries = np.empty(masses.shape, dtype=np.int32)
    own = np.arange(columns)
    for row, mass in zip(entries, masses, strict=True):
        kept, other = fill_columns(mass, height)
        row[:] = (kept % height - height // 2) * columns + (other - own) % columns  # full columns: the other is itself
    return torch.from_numpy(entries).view(-1).to(device)


def poisson_masses(photons: float) -> np.ndarray:
    """Return the chance of every count at every level, ``(256, columns)`` int64: whole 2^-32ths that sum to 1.

    Only additions, multiplications, divisions and roundings make them, which are the same on every machine.
    """
    if not 0 < photons <= _MOST:
        raise CorruptionError(f"photons must be more than 0 and at most {_MOST}, not {photons}.")
    highest = int(photons + 6.5 * math.sqrt(photons) + 8)  # what is beyond has less than a chance of 2^-33
    columns = 1 << highest.bit_length()
    means = np.arange(_LEVELS)[:, None] * photons / (_LEVELS - 1)
    ratios = means / np.arange(1, columns)  # of the chance of a count to that of the one before
    weights = np.cumprod(np.hstack((np.full_like(means, _SMALL), ratios)), axis=1)
    reached = np.cumsum(weights, axis=1)
    parts = np.rint(reached / reached[:, -1:] * (1 << _BITS)).astype(np.int64)
    return np.diff(parts, axis=1, prepend=0)


def fill_columns(mass: np.ndarray, height: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut masses up so that columns of one height hold them, with parts of at most two masses in each.

    Long masses, in their order, fill up the columns of short ones, in theirs. One that has thus become short itself is
    filled up by the next long one. Running sums tell where each of them ends.

    Args:
        mass: ``(columns,)`` integers that sum to ``columns * height``.
        height: Of every column.

    Returns:
        How much of each column is its own mass's, and which mass has the rest (its own, where there is none): both
        ``(columns,)`` integers.
    """
    other = np.arange(len(mass))
    short, long = np.flatnonzero(mass < height), np.flatnonzero(mass >= height)
    lacking, spare = np.cumsum(height - mass[short]), np.cumsum(mass[long] - height)
    kept = mass.copy()
    other[short] = long[np.searchsorted(spare, lacking - (height - mass[short]))]
    # The short column in which a long mass runs out, if it does: the next long mass makes up what is missing there.
    last = np.searchsorted(lacking, spare, side="right")
    kept[long] = height + spare - np.append(lacking, spare[-1])[last]
    other[long[:-1]] = long[1:]
    return kept, np.where(kept == height, np.arange(len(mass)), other)
