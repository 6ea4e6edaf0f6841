"""What numbers of 8 and of 16 bits stand for, looked up in tables."""

from functools import cache

import cv2
import numpy as np
import torch
from torch import Tensor

from rugged.corruptions.host import in_main_memory


def look_up_bytes(table: np.ndarray, levels: Tensor) -> Tensor:
    """Replace bytes on a CPU.

    Args:
        table: ``(256,)``.
        levels: uint8 of any shape, contiguous.
    """
    return torch.from_numpy(cv2.LUT(levels.view(-1, levels.shape[-1]).numpy(), table)).view(levels.shape)


def look_up_halfwords(table: Tensor, indices: Tensor) -> Tensor:
    """Replace whole numbers below 65536.

    Args:
        table: ``(65536,)``.
        indices: Of any shape, on the table's device; uint16 for OpenCV, int32 for PyTorch. See ``index_type``.
    """
    if indices.dtype == torch.uint16:
        found = torch.from_numpy(cv2.LUT(indices.reshape(-1, indices.shape[-1]).numpy(), table[None].numpy()))
    else:
        found = table.index_select(0, indices.reshape(-1))
    return found.view(indices.shape)


def index_type(device: torch.device) -> torch.dtype:
    """Return the type of the indices that are looked up fastest."""
    return torch.uint16 if opencv_takes_halfwords(device) else torch.int32


def opencv_takes_halfwords(device: torch.device) -> bool:
    """Whether OpenCV can look up what is on a device by 16 bits, as it does from version 4.13 on."""
    return in_main_memory(device) and _knows_halfwords()


@cache
def _knows_halfwords() -> bool:
    try:
        cv2.LUT(np.zeros((1, 1), np.uint16), np.zeros((1, 1 << 16), np.uint8))
    except cv2.error:
        return False
    return True
