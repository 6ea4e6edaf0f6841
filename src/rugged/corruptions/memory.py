"""How the C library treats the memory of short-lived tensors."""

import os
from functools import cache

import torch

_LARGEST = 31 << 20  # bytes: just below the size up to which glibc learns


@cache
def keep_freed_memory() -> None:
    """Have the C library keep freed memory for the next chunk, once for the process.

    glibc gives large blocks back to the system when they are freed, and learns from the largest that it saw freed up to
    which size it had better keep them. Until then chunks of a few hundred kilobytes are fetched and given back every
    time, and page faults cost some kernels a third of their time. The block freed here is never touched, so it takes no
    memory itself. Whoever has set the threshold in the environment is left alone.
    """
    if "MALLOC_MMAP_THRESHOLD_" not in os.environ:
        torch.empty(_LARGEST, dtype=torch.uint8)
