"""What kernels draw from: random bits for a batch of images, wherever they come from."""

from typing import Protocol

import torch
from torch import Tensor


class Bits(Protocol):
    """Random bits for N images, uniform and independent. Every request continues where the last ended."""

    device: torch.device

    def words(self, count: int) -> Tensor:
        """Return the next ``(N, count)`` words of 64 bits, as int64 bit patterns."""
        ...

    def halfwords(self, count: int, dtype: torch.dtype) -> Tensor:
        """Return the next ``(N, count)`` whole numbers, uniform on 0 … 65535, as a type that holds them."""
        ...
