"""Between bytes and the unit interval, the way the reference goes there and back; and levels known but nearly."""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from rugged.corruptions.host import in_main_memory


def to_unit(images: Tensor, dtype: torch.dtype = torch.float64) -> Tensor:
    """Divide bytes by 255: uint8 of any shape to ``dtype`` in [0, 1]."""
    return images.to(dtype).div_(constant(255, dtype, images.device))


@lru_cache
def constant(value: float, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return a number as a tensor of no dimensions, made once. Not to be modified.

    To divide by: CUDA multiplies by the reciprocal of a mere number, which is off by a last bit.
    """
    return torch.full((), value, dtype=dtype, device=device)


def to_levels(values: Tensor) -> Tensor:
    """Clip to [0, 1], multiply by 255 and cut (never round) to uint8. Overwrites ``values``."""
    return cut(values.clamp_(0, 1).mul_(255))


def cut(levels: Tensor, *, wide: bool = False) -> Tensor:
    """Cut float32 or float64 in [0, 256) to uint8; wide ones, in [0, 32768), to int16."""
    if in_main_memory(levels):  # NumPy is a third faster
        return torch.from_numpy(levels.numpy().astype(np.int16 if wide else np.uint8))
    whole = levels.to(torch.int16)
    return whole if wide else whole.to(torch.uint8)  # in two steps: each is vectorised, the direct one is not


def cut_within(levels: Tensor, error: float) -> tuple[Tensor, Tensor]:
    """Cut numbers in [0, 256) that may be off by an error, and find what that leaves in doubt. Overwrites ``levels``.

    Returns:
        Bytes, of any two that a number may be cut to the higher; and a mask of where there are two. Both contiguous.
    """
    highest, lowest = cut(levels.add_(error)), cut(levels.sub_(2 * error))
    return highest.contiguous(), (highest != lowest).contiguous()
