"""Work that a GPU does beside what it was given before, instead of after it."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache

import torch
from torch import Tensor


@contextmanager
def side_stream(device: torch.device) -> Iterator[None]:
    """What is launched inside does not wait for earlier work; what is launched afterwards waits for it.

    A batch is prepared so while the network still learns from the one before: where preparing has to wait for a number
    from the device, it then waits for a few small kernels, not for the network. On other devices nothing changes.

    Args:
        device: That the work is for.
    """
    if device.type != "cuda":
        yield
        return
    stream = _stream(device)
    with torch.cuda.stream(stream):
        yield
    torch.cuda.current_stream(device).wait_stream(stream)


def record_streams(tensors: Iterable[Tensor]) -> None:
    """Tell the allocator that what was made on the side is used here: else it would give its memory away too early."""
    for tensor in tensors:
        if tensor.is_cuda:
            tensor.record_stream(torch.cuda.current_stream(tensor.device))


@cache
def _stream(device: torch.device) -> torch.cuda.Stream:
    return torch.cuda.Stream(device, priority=-1)  # type: ignore[no-untyped-call]
