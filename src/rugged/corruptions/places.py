"""Where a mask holds."""

import numpy as np
import torch
from torch import Tensor

from rugged.corruptions.host import in_main_memory


def true_places(mask: Tensor) -> Tensor:
    """Return the places of what is true, counted through the whole mask: ``(M,)`` int64."""
    if in_main_memory(mask):  # NumPy is six to eight times faster where few are
        return torch.from_numpy(np.flatnonzero(mask.numpy()))
    return mask.flatten().nonzero()[:, 0]
