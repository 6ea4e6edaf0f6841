"""How the C library treats the memory of short-lived tensors."""

import ctypes
import os
import sys
from collections.abc import Callable
from threading import Lock

PARTS = 32 << 20  # bytes: covers what the kernels hold, which work on parts of a batch
NETWORKS = 1 << 30  # bytes: covers the activations of a batch

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # Names of mallopt's parameters, from glibc's malloc.h.
_MOST_FREE = 2**31 - 1  # bytes: the most that mallopt can be told

_lock = Lock()
_kept = 0


def keep_freed_memory(largest: int = PARTS) -> None:
    """Have the C library keep freed blocks below ``largest`` bytes for the next tensors, for the rest of the process.

    glibc fetches large blocks from the system and gives them back at once when they are freed: from 128 KB on, or what
    it has learned since, but never above 32 MB. Every use of such a block then begins with page faults, which cost some
    kernels a third of their time and a network on a CPU up to half. Asked again for less, this changes nothing. What is
    freed by other threads than the main one is kept up to 64 MB whatever is asked for.

    Whoever has set one of these thresholds in the environment is left alone; other C libraries are, too.
    """
    global _kept
    with _lock:
        if largest <= _kept:
            return
        _kept = largest
        mallopt = _mallopt()
        if mallopt is None or _set_by_user():
            return
        for size in (largest, PARTS):  # Older versions of glibc refuse more than 32 MB.
            if mallopt(_MMAP_THRESHOLD, size):
                mallopt(_TRIM_THRESHOLD, min(2 * size, _MOST_FREE))
                return


def _mallopt() -> Callable[[int, int], int] | None:
    return getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform.startswith("linux") else None


def _set_by_user() -> bool:
    names, tunables = ("mmap_threshold", "mmap_max", "trim_threshold"), os.environ.get("GLIBC_TUNABLES", "")
    return any(f"MALLOC_{name.upper()}_" in os.environ or f"glibc.malloc.{name}=" in tunables for name in names)
