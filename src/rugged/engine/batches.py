"""From pictures as they are stored to batches as networks take them, and back."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor


def as_batch(pictures: npt.NDArray[np.uint8], device: torch.device) -> Tensor:
    """Copy pictures into a batch on a device.

    Args:
        pictures: ``(N, H, W, 3)`` uint8, possibly a read-only memory map.
        device: Where the batch goes.

    Returns:
        ``(N, 3, H, W)`` uint8, in channels-last memory format: the bytes keep their order.
    """
    return torch.from_numpy(np.array(pictures)).to(device, non_blocking=True).permute(0, 3, 1, 2)


def as_pictures(batch: Tensor) -> npt.NDArray[np.uint8]:
    """Bring a batch back: ``(N, 3, H, W)`` uint8 on any device to ``(N, H, W, 3)``."""
    pictures: npt.NDArray[np.uint8] = batch.permute(0, 2, 3, 1).contiguous().cpu().numpy()
    return pictures
