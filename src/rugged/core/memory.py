"""How the C library treats the memory of short-lived tensors."""

import ctypes
import os
import sys

PARTS = 32 << 20  # bytes: covers what the kernels hold, which work on parts of a batch
NETWORKS = 1 << 30  # bytes: covers the activations of a batch

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # Names of mallopt's parameters, from glibc's malloc.h.
_MOST_FREE = 2**31 - 1  # bytes: the most that mallopt can be told

_kept = 0


def keep_freed_memory(largest: int = PARTS) -> None:
    """Have the C library keep freed blocks of up to ``largest`` bytes for the next tensors, in the whole process.

    glibc fetches large blocks from the system and gives them back at once when they are freed: from 128 KB on, or what
    it has learned since, but never above 32 MB. Every use of such a block then begins with page faults, which cost some
    kernels a third of their time and a network on a CPU up to half. Asked again for less, this changes nothing. Whoever
    has set glibc's thresholds in the environment is left alone; other C libraries are, too.
    """
    global _kept
    if largest <= _kept:
        return
    _kept = largest
    if not sys.platform.startswith("linux") or _set_by_user():
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    # Older versions of glibc refuse more than 32 MB.
    if mallopt is not None and (mallopt(_MMAP_THRESHOLD, largest) or mallopt(_MMAP_THRESHOLD, PARTS)):
        mallopt(_TRIM_THRESHOLD, min(2 * largest, _MOST_FREE))


def _set_by_user() -> bool:
    named = ("MALLOC_MMAP_THRESHOLD_", "MALLOC_MMAP_MAX_", "MALLOC_TRIM_THRESHOLD_")
    return "glibc.malloc." in os.environ.get("GLIBC_TUNABLES", "") or any(name in os.environ for name in named)
