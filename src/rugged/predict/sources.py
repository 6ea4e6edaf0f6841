"""Which pictures a command line names: files, folders, patterns, lists."""

import csv
import glob
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import BinaryIO, TextIO

from rugged.core.errors import DataError
from rugged.data.decode import BadImageError, looks_like_image
from rugged.data.sources.trees import IMAGE_ENDINGS, ending, hidden, read_file

_HEAD = 16
_LONGEST = 2**20
"""Bytes of a line in a list: no path is longer, and what has no line ends would only fill the memory."""

_EVAL = ["id", "path", "height", "width", "channels"]
"""Columns of a table without a line of heads, as evaluation lists of courses are."""


@dataclass(frozen=True, slots=True)
class Source:
    """A picture that was named.

    Attributes:
        name: As it was written.
        path: Where it lies.
        id: What a list calls it.
        error: Why it cannot be read, where that is known already.
    """

    name: str
    path: Path
    id: str | None = None
    error: str | None = None


def find_pictures(names: Sequence[str], stdin: BinaryIO) -> Iterator[Source]:
    """Find pictures one after the other; nothing is listed before its turn comes.

    Args:
        names: Files; folders, whose pictures are taken with those of the folders in them; patterns with ``*``, ``?``
            or ``[…]``, ``**`` for folders of any depth; ``.csv`` files with a column ``path`` and perhaps ``id``, or
            without heads and with id, path, height, width and channels in each line, whose paths are looked for beside
            the file, then from the current folder; ``-`` for paths on standard input, one a line, or with NUL between
            them, as ``find -print0`` writes.
        stdin: For ``-``.

    Raises:
        DataError: A CSV file that is none, has no column ``path``, or two of ``path`` or ``id``.
    """
    return chain.from_iterable([_find(name, stdin) for name in names])


def _find(name: str, stdin: BinaryIO) -> Iterable[Source]:
    path = Path(name)
    if name == "-":
        return (Source(each, Path(each)) for each in _listed(stdin))
    try:
        if path.is_dir():
            return _in_folder(path)
        if path.is_file() and path.suffix.lower() == ".csv":
            return _in_table(path)
        if not path.exists() and glob.has_magic(name):
            return _fitting(name)
    except OSError as error:  # As of a name that is too long.
        return [Source(name, path, error=f"cannot be opened ({error.strerror})")]
    return [Source(name, path)]


def _in_folder(folder: Path) -> Iterator[Source]:
    """Pictures below a folder, by their names' endings or first bytes. Links to folders are not followed.

    A link that leads nowhere is reported where its name has a picture's ending: a picture is missing.
    """
    unreadable: list[OSError] = []
    for place, folders, files in os.walk(folder, onerror=unreadable.append):
        folders[:] = sorted(name for name in folders if not hidden(name))
        for name in sorted(files):
            path = Path(place, name)
            if hidden(name):
                continue
            try:
                if path.is_file() and is_picture(path):
                    yield Source(str(path), path)
                elif path.is_symlink() and not path.exists() and ending(name) in IMAGE_ENDINGS:
                    yield Source(str(path), path, error=f"broken link (leads to {path.readlink()})")
            except OSError as refusal:  # A folder may be listed and yet not be entered.
                yield Source(str(path), path, error=f"cannot be opened ({refusal.strerror})")
    for error in unreadable:
        name = str(error.filename)
        yield Source(name, Path(name), error=f"cannot be listed ({error.strerror})")


def is_picture(path: Path) -> bool:
    """Whether a file is meant as a picture: by its name's ending, else by its first bytes."""
    if ending(path.name) in IMAGE_ENDINGS:
        return True
    try:
        return looks_like_image(read_file(path, _HEAD))
    except BadImageError:
        return False


def _fitting(pattern: str) -> Iterator[Source]:
    found: set[Path] = set()
    # Of the ways to a file that links open, in rings perhaps, the shortest counts. Pathlib takes no absolute pattern.
    for name in sorted(glob.iglob(pattern, recursive=True), key=lambda name: (name.count(os.sep), name)):  # noqa: PTH207
        path = Path(name)
        if path.is_file() and path.resolve() not in found:
            found.add(path.resolve())
            yield Source(name, path)
    if not found:
        yield Source(pattern, Path(pattern), error="no file fits this pattern")


def _in_table(path: Path) -> Iterator[Source]:
    rows = _rows(path)
    columns = next(rows, [])
    if twice := [name for name in ("path", "id") if columns.count(name) > 1]:
        raise DataError(f"{path} has the column {twice[0]!r} more than once: only one can be meant. Rename the others.")
    if "path" in columns:
        return _from_rows(path, columns, enumerate(rows, 2))
    if len(columns) == len(_EVAL) and all(value.strip().isdecimal() for value in columns[2:]):
        return _from_rows(path, _EVAL, enumerate(chain([columns], rows), 1))
    found = f"the columns {', '.join(map(repr, columns))}" if columns else "no columns"
    raise DataError(f"{path} has {found}; expected one called 'path'.")


def _from_rows(table: Path, columns: Sequence[str], rows: Iterable[tuple[int, list[str]]]) -> Iterator[Source]:
    for number, values in rows:
        row = dict(zip(columns, values, strict=False))
        name, own = row.get("path", ""), row.get("id")
        if name:
            yield Source(name, _beside(table, name), own)
        elif values:
            yield Source(f"{table}, line {number}", table, own, error="no path in this line")


def _beside(table: Path, name: str) -> Path:
    """Where a table's path leads: beside the table, else from the current folder."""
    beside = table.parent / name
    try:
        return beside if beside.exists() else Path(name)
    except OSError:  # As of a name that is too long: whoever reads it says so, and the rest is done.
        return beside


def _rows(path: Path) -> Iterator[list[str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            yield from csv.reader(_lines(stream), strict=True)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read as CSV ({error}). Expected UTF-8 text with a column path.") from error


def _lines(stream: TextIO) -> Iterator[str]:
    while line := stream.readline(_LONGEST):
        if len(line) == _LONGEST:
            raise csv.Error(f"a line of more than {_LONGEST:,} characters")
        yield line


def _listed(stream: BinaryIO) -> Iterator[str]:
    """Names from a stream as they come. Where its first block holds a NUL, that stands between them."""
    block = stream.read1(1 << 16) if hasattr(stream, "read1") else stream.read()
    separator = b"\0" if b"\0" in block else b"\n"
    rest = b""
    while block:
        *names, rest = (rest + block).split(separator)
        if len(rest) > _LONGEST:
            raise DataError(f"Standard input has a line of more than {_LONGEST:,} bytes; expected a path in each.")
        yield from _decoded(names, separator)
        block = stream.read1(1 << 16) if hasattr(stream, "read1") else b""
    yield from _decoded([rest], separator)


def _decoded(names: Iterable[bytes], separator: bytes) -> Iterator[str]:
    for name in names:
        plain = name.removesuffix(b"\r") if separator == b"\n" else name
        if plain:
            yield os.fsdecode(plain)
