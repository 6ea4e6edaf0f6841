"""A tree of files to find pictures in: a folder, or a zip archive read where it lies (see ``zips.py``)."""

import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path

from rugged.core.errors import DataError
from rugged.data.decode import SIGNATURE, BadImageError, looks_like_image
from rugged.data.sources.source import VALIDATION_NAMES, Problem

IMAGE_ENDINGS = frozenset(
    f".{name}"
    for names in ("jpg jpeg jpe jfif png bmp dib gif webp tif tiff", "ppm pgm pbm pnm tga jp2 avif ico")
    for name in names.split(" ")
)

# A single picture or list larger than this is not one: reading it would only fill the memory.
FILE_LIMIT = 512 * 2**20
_UNUSABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True)
class Tree:
    """Files below a root.

    Attributes:
        where: The folder or the archive.
        files: Paths below the root with ``/`` between the parts, sorted. Hidden files and folders are left out.
        folders: Paths of all folders, so that those without a file are known too.
        read: Gives the bytes of a file, or its first bytes when a number is given. Raises BadImageError.
        problems: Links and names that cannot be used.
        fingerprint: Changes when a file or folder is added or removed, or a file changes in size or date.
    """

    where: Path
    files: tuple[str, ...]
    folders: frozenset[str]
    read: Callable[[str, int | None], bytes]
    problems: tuple[Problem, ...]
    fingerprint: str

    def text(self, path: str) -> str:
        """A text file, decoded as UTF-8 with or without a byte order mark."""
        try:
            return self.read(path, None).decode("utf-8-sig")
        except BadImageError as error:
            raise DataError(f"Cannot read {path} in {self.where}: {error}.") from error
        except UnicodeDecodeError as error:
            raise DataError(f"{path} in {self.where} is not UTF-8 text ({error}).") from error

    def is_picture(self, path: str) -> bool:
        """Whether a file is meant as a picture: by its ending, else by its first bytes."""
        if ending(path) in IMAGE_ENDINGS:
            return True
        try:
            return looks_like_image(self.read(path, SIGNATURE))
        except BadImageError:
            return False

    def root(self) -> str:
        """The folder where the data set begins, as a prefix: archives often hold one folder around everything."""
        prefix = ""
        while True:
            inside = [path[len(prefix) :] for path in self.folders if path.startswith(prefix)]
            children = {path.split("/", 1)[0] for path in inside}
            pictures = [path for path in self.files if path.startswith(prefix) and ending(path) in IMAGE_ENDINGS]
            if len(children) != 1 or any("/" not in path[len(prefix) :] for path in pictures):
                return prefix
            child = children.pop()
            # A split is no wrapping, and neither is a class: that has no folders in it.
            if child.lower() in ("train", *VALIDATION_NAMES) or len(inside) == 1:
                return prefix
            prefix = f"{prefix}{child}/"


def ending(path: str) -> str:
    """The ending of a file's name in lower case, with its dot; empty when it has none."""
    return os.path.splitext(path)[1].lower()  # noqa: PTH122 (a path inside a source, and called for every file)


def hidden(name: str) -> bool:
    """Whether a file or folder is the system's, not the user's."""
    return name.startswith(".") or name in ("__MACOSX", "Thumbs.db", "desktop.ini")


def unusable_name(path: str) -> Problem | None:
    """Names that cannot stand in a list of ids: no valid text, or with a line end or other control character."""
    if not _UNUSABLE.search(path):
        return None
    return Problem(ascii(path), "unusable name", "holds control characters or is no valid text; rename it")


def folder_tree(where: Path) -> Tree:
    """Find every file below a folder. Links are followed, each folder once.

    Raises:
        DataError: The folder itself cannot be listed.
    """
    try:
        os.scandir(where).close()
    except OSError as error:
        raise DataError(f"Cannot list the folder {where}: {error.strerror}.") from error
    found = _Walk(where)
    found.walk("", where, frozenset())
    entries = sorted(found.files)
    lines = [f"{path}\0{size}\0{changed}\n" for path, size, changed in entries]
    lines += [f"{path}\n" for path in sorted(found.folders)]
    lines += [f"{problem.where}\0{problem.reason}\n" for problem in found.problems]
    return Tree(
        where=where,
        files=tuple(path for path, _, _ in entries),
        folders=frozenset(found.folders),
        read=partial(_read_file, where),
        problems=tuple(found.problems),
        fingerprint=sha256("".join(lines).encode()).hexdigest(),
    )


class _Walk:
    """The findings of one walk through a folder."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.files: list[tuple[str, int, int]] = []
        self.folders: list[str] = []
        self.problems: list[Problem] = []

    def walk(self, prefix: str, folder: Path, above: frozenset[tuple[int, int]]) -> None:
        try:
            status = folder.stat()
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            self.problems.append(Problem(prefix.rstrip("/"), "unreadable folder", error.strerror or str(error)))
            return
        identity = (status.st_dev, status.st_ino)
        if identity in above:
            self.problems.append(Problem(prefix.rstrip("/"), "endless link", "leads to a folder around itself"))
            return
        for entry in entries:
            if not hidden(entry.name):
                self._visit(prefix + entry.name, entry, above | {identity})

    def _visit(self, path: str, entry: os.DirEntry[str], above: frozenset[tuple[int, int]]) -> None:
        problem = unusable_name(path)
        if problem:
            self.problems.append(problem)
        elif entry.is_dir():
            self.folders.append(path)
            self.walk(path + "/", Path(entry.path), above)
        elif entry.is_file():
            status = entry.stat()
            self.files.append((path, status.st_size, status.st_mtime_ns))
        elif entry.is_symlink():
            self.problems.append(Problem(path, "broken link", f"leads to {Path(entry.path).readlink()}"))
        # What is left are pipes, sockets and devices: never pictures, and reading one could wait for ever.


def _read_file(top: Path, path: str, count: int | None) -> bytes:
    return read_file(top / path, count)


def read_file(path: Path, count: int | None = None) -> bytes:
    """The bytes of a file that is meant as a picture, or its first ``count``.

    Raises:
        BadImageError: It cannot be read, or is larger than any picture.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(FILE_LIMIT + 1 if count is None else count)
    except OSError as error:
        raise BadImageError("unreadable", error.strerror or str(error)) from error
    if len(data) > FILE_LIMIT:
        raise BadImageError("file too large", f"more than {FILE_LIMIT:,} bytes")
    return data
