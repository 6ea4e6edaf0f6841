"""How pictures go on beyond their edges."""

from functools import lru_cache
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from rugged.corruptions.host import in_main_memory

Mode = Literal["nearest", "reflect", "mirror"]
"""SciPy's names: the edge repeats (a a | a b c), or what is inside is mirrored about it (b a | a b c), or about the
centres of the edge pixels (c b | a b c)."""


def extend(planes: Tensor, axis: int, before: int, size: int, mode: Mode) -> Tensor:
    """Continue planes along an axis.

    Args:
        planes: ``(..., H, W)``. Not modified.
        axis: -2, along the columns, or -1, along the rows.
        before: Values to put before the first.
        size: Of the result along the axis.
        mode: How.
    """
    old = planes.shape[axis]
    places = _places(old, before, size, mode, planes.device)
    if axis == -1 and in_main_memory(planes):  # value by value, a CPU copies several times slower
        first, last = planes.index_select(axis, places[:before]), planes.index_select(axis, places[before + old :])
        return torch.cat((first, planes, last), axis)
    return planes.index_select(axis, places)


@lru_cache
def _places(old: int, before: int, size: int, mode: Mode, device: torch.device) -> Tensor:
    return torch.from_numpy(inside(np.arange(-before, size - before), old, mode)).to(device)


def inside(places: np.ndarray, length: int, mode: Mode) -> np.ndarray:
    """Replace places beyond the ends of an axis by those whose values are seen there: integers of any shape."""
    if mode == "nearest":
        return places.clip(0, length - 1)
    period = 2 * length if mode == "reflect" else max(2 * length - 2, 1)
    places = places % period
    within: np.ndarray = np.minimum(places, period - (mode == "reflect") - places)
    return within
