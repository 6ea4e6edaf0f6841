"""Files in folders and tar archives, as places to read from.

Of a tar only the headers are read. Members are never extracted, links never followed and paths never joined to
anything on the disk, so that no archive can reach out of itself.
"""

import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from rugged.core.errors import DataError
from rugged.core.progress import say
from rugged.data.sources.trees import FILE_LIMIT, hidden, unusable_name

_LONG = 2**30  # From here on it takes a moment to read the headers of an archive.
_REGULAR = (tarfile.REGTYPE, tarfile.AREGTYPE)


class Member(NamedTuple):
    """A file: its path below the root, and where its bytes lie; ``packed`` for those in a tar."""

    path: str
    file: Path
    offset: int
    size: int
    packed: bool


def walk(where: Path) -> Iterator[Member]:
    """Every file in a folder or tar archive; tars in a folder are looked into. Hidden files are left out.

    Raises:
        DataError: Neither, damaged, or it cannot be read.
    """
    try:
        yield from _walk_folder(where, "") if where.is_dir() else _walk_tar(where)
    except OSError as error:
        raise DataError(f"Cannot read {error.filename or where}: {error.strerror or error}.") from error


def read_bytes(member: Member) -> bytes:
    """The bytes of a file.

    Raises:
        DataError: It cannot be read, is cut short, or too large for a picture or a list.
    """
    if member.size > FILE_LIMIT:
        raise DataError(f"{member.path} in {member.file} has {member.size:,} bytes; at most {FILE_LIMIT:,} are read.")
    try:
        with member.file.open("rb", buffering=0) as stream:
            stream.seek(member.offset)
            data = stream.read(member.size)
    except OSError as error:
        raise DataError(f"Cannot read {member.file}: {error.strerror or error}.") from error
    if len(data) < member.size:
        raise DataError(f"{member.path} in {member.file} has changed while it was read. Run the command again.")
    return data


def _walk_folder(folder: Path, prefix: str) -> Iterator[Member]:
    with os.scandir(folder) as listing:
        entries = sorted(listing, key=lambda entry: entry.name)
    for entry in entries:
        path = prefix + entry.name
        if hidden(entry.name) or unusable_name(path):
            continue
        if entry.is_dir(follow_symlinks=not prefix):  # The top may be put together of links; below they could circle.
            yield from _walk_folder(Path(entry.path), path + "/")
        elif entry.name.endswith(".tar") and entry.is_file():
            yield from _walk_tar(Path(entry.path))
        elif entry.is_file():
            yield Member(path, Path(entry.path), 0, entry.stat().st_size, packed=False)


def _walk_tar(where: Path) -> Iterator[Member]:
    length = where.stat().st_size
    if length > _LONG:
        say(f"Reading the table of contents of {where.name} ({length / 2**30:.0f} GiB).")
    try:
        with tarfile.open(where, "r:") as archive:
            while (header := archive.next()) is not None:
                # It would keep them all: a gigabyte for a million pictures.
                archive.members.clear()  # type: ignore[attr-defined]
                path = header.name.removeprefix("./")
                if header.type not in _REGULAR or header.issparse() or not _is_plain(path):
                    continue
                if header.offset_data + header.size > length:
                    raise DataError(f"{where} ends within {path}: it is incomplete. Download it again.")
                yield Member(path, where, header.offset_data, header.size, packed=True)
            # The reader takes a damaged header, or a file that was cut between two members, for the end.
            if not _ends(where, archive.offset):
                raise DataError(f"{where} has no end mark: it is cut short or damaged. Download it again.")
    except (tarfile.TarError, ValueError, OverflowError, EOFError, RecursionError) as error:
        raise DataError(
            f"{where} ({length:,} bytes) cannot be read as a tar archive ({error}). Expected a whole one, not "
            "compressed: download it again, or unpack what it is packed in."
        ) from error


def _ends(where: Path, offset: int) -> bool:
    """Whether a tar has its end mark here, a block of zeros."""
    with where.open("rb") as stream:
        stream.seek(offset)
        return stream.read(tarfile.BLOCKSIZE) == tarfile.NUL * tarfile.BLOCKSIZE


def _is_plain(path: str) -> bool:
    """Whether a path leads straight down from the root, through nothing hidden."""
    parts = path.split("/")
    return not any(part in ("", ".", "..") or hidden(part) for part in parts) and unusable_name(path) is None
