"""The CPU beside a device: what its libraries can work on, what is too little for a GPU, and what is sent to one."""

import torch
from torch import Tensor

_FEW = 1 << 19  # values: 42 pictures of 64 × 64
_AT_ONCE = 1 << 25  # values on an accelerator: enough to keep it busy, bounded for its memory


def in_main_memory(place: Tensor | torch.device) -> bool:
    """Whether a tensor, or what is made on a device, lies in the memory that NumPy and OpenCV read.

    Kernels ask this where such a library is faster than PyTorch on a CPU. The other branch is what a GPU runs. It is
    right on a CPU too, and the tests hold both to the same bytes there.
    """
    return (place if isinstance(place, torch.device) else place.device).type == "cpu"


def too_few_for_a_gpu(images: Tensor) -> bool:
    """Whether images lie on a GPU and are so few that it works on them faster than it is told what to do.

    Then what costs time is the number of operations, and every answer that the CPU waits for; not the arithmetic.
    Kernels ask this where they can do with fewer operations that do more.
    """
    return not in_main_memory(images) and images.numel() <= _FEW


def values_at_once(place: Tensor | torch.device, in_cache: int) -> int:
    """How many values to work on at once: on a CPU as many as stay in its cache, which the caller says."""
    return in_cache if in_main_memory(place) else _AT_ONCE


def send(numbers: Tensor, device: torch.device) -> Tensor:
    """Copy a few numbers from the CPU to a device, without waiting for what the device has still to do.

    Args:
        numbers: On the CPU. They are read before this returns, and may be changed afterwards.
        device: Where to.
    """
    # An ordinary copy waits until a GPU has done all that it was given before. This one does not, and CUDA still reads
    # ordinary memory before the call returns.
    return numbers.to(device, non_blocking=True)
