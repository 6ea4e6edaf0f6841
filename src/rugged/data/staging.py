"""Folders that are whole or not there: what is made beside its place and moved there when it is done."""

import errno
import glob
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from rugged.core.errors import DataError
from rugged.core.files import NO_SPACE, below_a_file, is_left, make_and_hold
from rugged.data import packed
from rugged.data.packed import Origin, UnusablePackError

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
def staging(out: Path, origin: Origin, elsewhere: str = " with --out or RUGGED_CACHE") -> Iterator[Path]:
    """Give a temporary folder on the disk of ``out`` and move it into place when the block succeeds.

    Only a process that is killed leaves it; the next one that makes ``out`` clears that away (not on Windows, where
    nobody could tell whether it is still being filled).

    Args:
        out: The folder to make, or the pack to replace. One process at a time on a machine: the caller holds a lock.
        origin: What is packed: it decides what may be replaced.
        elsewhere: How another place is chosen, for messages.

    Raises:
        DataError: ``out`` may not be replaced, cannot be written, or the disk is full.
    """
    require_replaceable(out, origin)
    out = out.resolve()  # A link stays, and what it names is written.
    stays = out.is_dir() and not origin.automatic  # It may be a disk of its own, or the current folder.
    home, prefix = out if stays else out.parent, _prefix(out)
    beside, held = None, ExitStack()
    try:
        home.mkdir(parents=True, exist_ok=True)
        for leftover in home.glob(f"{glob.escape(prefix)}*"):
            if is_left(leftover / _HELD):
                shutil.rmtree(leftover, ignore_errors=True)
        beside = Path(tempfile.mkdtemp(prefix=prefix, dir=home))
        make_and_hold(beside / _HELD, held)
        temporary = beside / "new"
        temporary.mkdir()
        temporary.chmod(0o755)  # Whatever the mask: a data set is as readable as its surroundings allow.
        yield temporary
        if stays:
            _move_files(temporary, out)
        else:
            if out.exists():
                out.rename(beside / "old")
            temporary.rename(out)
    except OSError as error:
        full = no_space(error, out)
        if full:
            raise DataError(
                f"{full}. Nothing was kept. Free some space, or choose another place{elsewhere}."
            ) from error
        reason = below_a_file(out) or f"{error.strerror or error}. Choose another place{elsewhere}."
        raise DataError(f"Cannot write {out}: {reason}") from error
    finally:
        held.close()
        if beside is not None:
            shutil.rmtree(beside, ignore_errors=True)


def require_replaceable(out: Path, origin: Origin) -> None:
    """Refuse a place that rugged did not choose, and where anything lies but a pack of the same source.

    Args:
        out: The folder to make.
        origin: What is to be packed there.

    Raises:
        DataError: Something else is there.
    """
    if origin.automatic or not out.exists():
        return
    names = {path.name for path in out.iterdir()} if out.is_dir() else {""}
    names = {name for name in names if not name.startswith(_prefix(out.resolve()))}
    if not names:
        return
    try:
        found = packed.origin_of(out)
    except UnusablePackError as error:
        raise DataError(
            f"{out} exists and is not a packed data set, so it is left alone. Choose another folder."
        ) from error
    if found.path != origin.path:
        raise DataError(
            f"{out} is a pack of {found.path}, not of {origin.path}, so it is left alone. Choose another folder, or "
            "delete this one."
        )
    others = sorted(names - packed.FILES)
    if others:
        raise DataError(
            f"{out} holds other things beside the pack ({', '.join(others[:3])}), so it is left alone. Move them "
            "away, or choose another folder."
        )


def _prefix(out: Path) -> str:
    return f".{out.name}.packing-"


def _move_files(made: Path, out: Path) -> None:
    """Move a pack's files into a folder that stays. The first one says whose they are, should that be cut short."""
    files = sorted(made.iterdir(), key=lambda path: path.name != packed.MANIFEST)
    for path in files:
        path.replace(out / path.name)
    for name in packed.FILES - {path.name for path in files}:
        (out / name).unlink(missing_ok=True)


def require_space(folder: Path, needed: int) -> None:
    """Fail at once, not after minutes, where ``needed`` bytes will not fit; ``staging`` makes it a clear message."""
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise _TooLittleSpaceError(needed, free)


def no_space(error: OSError, out: Path) -> str | None:
    """Say that the disk of ``out`` is full, and how much is left, if that is what the error is about."""
    if error.errno not in NO_SPACE:
        return None
    disk = out if out.is_dir() else out.parent
    found = str(error) if isinstance(error, _TooLittleSpaceError) else _left(shutil.disk_usage(disk).free)
    return f"The disk of {out} is full ({found})"


def _left(free: int) -> str:
    return f"{free // _MEGABYTE:,} MB left"
