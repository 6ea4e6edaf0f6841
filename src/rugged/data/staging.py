"""Folders that are whole or not there: what is made beside its place and moved there when it is done."""

import errno
import glob
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rugged.core.errors import DataError
from rugged.core.files import NO_SPACE, is_left, make_and_hold
from rugged.data import packed

_MEGABYTE = 2**20
_HELD = "held"
"""A file that is locked while the folder beside it is being made. Other machines see that, not a lock in the cache."""


class _TooLittleSpaceError(OSError):
    """What is to be written is known not to fit."""

    def __init__(self, needed: int, free: int) -> None:
        super().__init__(errno.ENOSPC, "Too little space")
        self.needed = needed
        self.free = free

    def __str__(self) -> str:
        return f"{-(-self.needed // _MEGABYTE):,} MB needed, {_left(self.free)}"  # Rounded up: never equal to the rest.


@contextmanager
def staging(out: Path, ours: bool = False, elsewhere: str = " with --out or RUGGED_CACHE") -> Iterator[Path]:
    """Give a temporary folder beside ``out`` and move it into place when the block succeeds.

    Only a process that is killed leaves it; the next one that makes ``out`` clears that away (not on Windows, where
    nobody could tell whether it is still being filled).

    Args:
        out: The folder to make, or the pack to replace. One process at a time on a machine: the caller holds a lock.
        ours: Whether ``out`` lies where only rugged writes, so that anything found there may be replaced.
        elsewhere: How another place is chosen, for messages.

    Raises:
        DataError: ``out`` is something other than a pack, cannot be written, or the disk is full.
    """
    if not ours and not _may_be_replaced(out):
        raise DataError(f"{out} exists and is not a packed data set, so it is left alone. Choose another folder.")
    prefix = f".{out.name}.packing-"
    beside, held = None, ExitStack()
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        for leftover in out.parent.glob(f"{glob.escape(prefix)}*"):
            if is_left(leftover / _HELD):
                shutil.rmtree(leftover, ignore_errors=True)
        beside = Path(tempfile.mkdtemp(prefix=prefix, dir=out.parent))
        make_and_hold(beside / _HELD, held)
        temporary = beside / "new"
        temporary.mkdir()
        temporary.chmod(0o755)  # Whatever the mask: a data set is as readable as its surroundings allow.
        yield temporary
        if out.exists():
            out.rename(beside / "old")
        temporary.rename(out)
    except OSError as error:
        full = no_space(error, out)
        if full:
            raise DataError(
                f"{full}. Nothing was kept. Free some space, or choose another place{elsewhere}."
            ) from error
        raise DataError(f"Cannot write {out}: {error.strerror or error}. Choose another place{elsewhere}.") from error
    finally:
        held.close()
        if beside is not None:
            shutil.rmtree(beside, ignore_errors=True)


def _may_be_replaced(out: Path) -> bool:
    if not out.exists():
        return True
    return out.is_dir() and (packed.is_pack(out) or not any(out.iterdir()))


def require_space(folder: Path, needed: int) -> None:
    """Fail at once, not after minutes, where ``needed`` bytes will not fit; ``staging`` makes it a clear message."""
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise _TooLittleSpaceError(needed, free)


def no_space(error: OSError, out: Path) -> str | None:
    """Say that the disk of ``out`` is full, and how much is left, if that is what the error is about."""
    if error.errno not in NO_SPACE:
        return None
    found = str(error) if isinstance(error, _TooLittleSpaceError) else _left(shutil.disk_usage(out.parent).free)
    return f"The disk of {out} is full ({found})"


def _left(free: int) -> str:
    return f"{free // _MEGABYTE:,} MB left"
