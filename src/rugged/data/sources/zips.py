"""Zip archives, read where they lie.

Nothing is extracted, so nothing can be written outside of a folder and the disk holds the pictures once. Archives
that try such things all the same are refused: they were made to harm, or by a broken tool.
"""

import lzma
import shlex
import stat
import threading
import zlib
from functools import partial
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from zipfile import BadZipFile, ZipFile, ZipInfo, is_zipfile

from rugged.core.errors import DataError
from rugged.data.decode import SIGNATURE, BadImageError, looks_like_image
from rugged.data.sources.trees import FILE_LIMIT, IMAGE_ENDINGS, Tree, ending, hidden, read_file, unusable_name

# Pictures are compressed already, lists of text shrink ten times at most: an archive that grows a hundredfold to
# gigabytes holds something else.
_RATIO_LIMIT = 100
_HARMLESS_TOTAL = 2**30
_ENCRYPTED = 0x1


def zip_tree(where: Path) -> Tree:
    """The files of a zip archive.

    Raises:
        DataError: Not a zip, damaged, encrypted, or unsafe: absolute paths, paths that lead out of it, links, or far
            more content than its size explains.
    """
    archive = _open(where)
    entries = [entry for entry in archive.infolist() if not _is_hidden(entry.filename)]
    for entry in entries:
        _check(entry, where)
    _check_total(entries, where)
    paths = sorted(entry.filename for entry in entries if not entry.is_dir())
    twice = next((path for path, following in pairwise(paths) if path == following), None)
    if twice is not None:
        raise DataError(f"{where} holds {twice!r} twice, so which one is meant is not known. Make the archive again.")
    problems = {path: problem for path in paths if (problem := unusable_name(path))}
    return Tree(
        where=where,
        files=tuple(path for path in paths if path not in problems),
        folders=_folders(entries),
        read=partial(_read_entry, archive, threading.Lock()),
        problems=tuple(problems.values()),
        fingerprint=file_fingerprint([where]),
    )


def file_fingerprint(files: list[Path]) -> str:
    """A fingerprint of files by name, size and date of change."""
    statuses = [(file.name, file.stat()) for file in sorted(files)]
    lines = "".join(f"{name}\0{status.st_size}\0{status.st_mtime_ns}\n" for name, status in statuses)
    return sha256(lines.encode()).hexdigest()


def _open(where: Path) -> ZipFile:
    try:
        zip_like = _begins_as_zip(where)  # First of all, since an error of the disk is "no zip" to ZipFile.
        return ZipFile(where)
    except BadZipFile as error:
        if ending(where.name) in IMAGE_ENDINGS or looks_like_image(read_file(where, SIGNATURE)):
            raise DataError(
                f"{where} is one picture; expected a data set: a folder or zip with one subfolder a class. To see this "
                f"picture under every corruption: rugged corrupt {shlex.quote(str(where))} OUT.png --preview; to write "
                f"corrupted copies of it: rugged corrupt {shlex.quote(str(where))} OUT --own-size"
            ) from error
        size = where.stat().st_size
        what = "a damaged or incomplete zip archive" if zip_like or is_zipfile(where) else "no zip archive"
        raise DataError(
            f"{where} ({size:,} bytes) is {what}: {error}. Fetch it again; other kinds of archive (.tar, .7z) have "
            f"to be unpacked first, and the folder named instead."
        ) from error
    except (OSError, NotImplementedError) as error:
        raise DataError(f"Cannot read the archive {where}: {error}.") from error


def _begins_as_zip(where: Path) -> bool:
    with where.open("rb") as stream:
        return stream.read(4) == b"PK\x03\x04"


def _is_hidden(path: str) -> bool:
    return any(hidden(part) for part in path.split("/") if part not in ("", ".", ".."))


def _check(entry: ZipInfo, where: Path) -> None:
    path = entry.filename.replace("\\", "/")
    refused = None
    if path.startswith("/") or path[1:2] == ":" or ".." in path.split("/"):
        refused = "a path that leads out of the archive"
    elif stat.S_ISLNK(entry.external_attr >> 16):
        refused = "a link"
    elif entry.flag_bits & _ENCRYPTED:
        raise DataError(f"{where} is encrypted ({entry.filename!r} needs a password). Unpack it, then name the folder.")
    if refused:
        raise DataError(
            f"{where} holds {refused}: {entry.filename!r}. Such an archive is not safe and was not read. "
            f"If you trust it, unpack it yourself and name the folder."
        )


def _check_total(entries: list[ZipInfo], where: Path) -> None:
    packed = max(where.stat().st_size, 1)
    total = sum(entry.file_size for entry in entries)
    if total > _HARMLESS_TOTAL and total > _RATIO_LIMIT * packed:
        raise DataError(
            f"{where} says that its {packed:,} bytes unpack to {total:,}, more than {_RATIO_LIMIT} times as many: "
            f"a decompression bomb, not pictures. It was not read."
        )


def _folders(entries: list[ZipInfo]) -> frozenset[str]:
    """Every folder on the way to an entry: archives need not list folders themselves."""
    found: set[str] = set()
    for entry in entries:
        parent = entry.filename.rstrip("/") if entry.is_dir() else entry.filename.rpartition("/")[0]
        while parent and parent not in found:
            found.add(parent)
            parent = parent.rpartition("/")[0]
    return frozenset(found)


def _read_entry(archive: ZipFile, lock: threading.Lock, path: str, count: int | None) -> bytes:
    entry = archive.getinfo(path)
    if entry.file_size > FILE_LIMIT:
        raise BadImageError("file too large", f"{entry.file_size:,} bytes; at most {FILE_LIMIT:,}")
    try:
        with lock, archive.open(entry) as stream:
            return stream.read() if count is None else stream.read(count)
    except (BadZipFile, zlib.error, lzma.LZMAError, EOFError) as error:
        raise BadImageError("damaged in the archive", str(error)) from error
    except NotImplementedError as error:
        raise BadImageError("unknown compression", str(error)) from error
    except OSError as error:
        raise BadImageError("unreadable", error.strerror or str(error)) from error
