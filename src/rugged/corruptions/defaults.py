"""PyTorch's own defaults, whatever the program around has set."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def plain_defaults() -> Iterator[None]:
    """Make tensors as PyTorch does at first: float32, and on the CPU where nothing else is said.

    What kernels compute, and the tables that they keep, must not depend on ``torch.set_default_dtype`` and
    ``torch.set_default_device``. Where these were not called, this changes nothing.
    """
    dtype, device = torch.get_default_dtype(), torch.get_default_device()
    if dtype == torch.float32 and device.type == "cpu":
        yield
        return
    torch.set_default_dtype(torch.float32)
    try:
        with torch.device("cpu"):
            yield
    finally:
        torch.set_default_dtype(dtype)
