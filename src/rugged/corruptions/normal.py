"""Normal numbers from a table of quantiles: no logarithm or cosine whose last bit differs between machines."""

import math
from functools import lru_cache

import torch
from torch import Tensor

from rugged.corruptions.bits import Bits
from rugged.corruptions.tables import index_type, look_up_halfwords

_ENTRIES = 1 << 16
# Quantiles are rounded to multiples of this. It is far coarser than the error of any library's inverse normal, so
# every machine rounds to the same entry, and fine enough for float32 to hold every multiple up to 4.4 exactly.
_GRID = 2.0**-20


def standard_normal(stream: Bits, shape: tuple[int, ...]) -> Tensor:
    """Draw standard normal numbers.

    Args:
        stream: Random bits of N images.
        shape: Of what one image needs.

    Returns:
        ``(N, *shape)`` float32, each one of 65,536 equally likely quantiles: -4.33 to 4.33, variance 0.99998.
    """
    ranks = stream.halfwords(math.prod(shape), index_type(stream.device))
    return look_up_halfwords(quantiles(stream.device), ranks).view(-1, *shape)


@lru_cache
def quantiles(device: torch.device) -> Tensor:
    """Return the normal quantiles of (i + 1/2) / 65536: ``(65536,)`` float32, rising, exactly antisymmetric."""
    ranks = torch.arange(_ENTRIES // 2, dtype=torch.float64)
    lower = torch.special.ndtri((ranks + 0.5) / _ENTRIES)
    lower = (lower / _GRID).round() * _GRID
    return torch.cat((lower, -lower.flip(0))).to(torch.float32).to(device)
