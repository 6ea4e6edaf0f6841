"""Rows to columns and back."""

import cv2
import torch
from torch import Tensor

from rugged.corruptions.host import in_main_memory


def transpose(values: Tensor) -> Tensor:
    """Swap the axes of ``(rows, columns)``, into memory of its own."""
    if in_main_memory(values):  # OpenCV is five to ten times faster
        return torch.from_numpy(cv2.transpose(values.numpy()))
    return values.t().contiguous()
