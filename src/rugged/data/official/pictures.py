"""Picture files, one a corrupted picture: ``<corruption>/<severity>/<class id>/<file>`` in folders or tar archives."""

import io
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rugged.core.catalogue import CellKey
from rugged.core.environment import available_cores
from rugged.core.errors import DataError
from rugged.data.decode import BadImageError, decode_image
from rugged.data.official.archive import WHOLE_AGAIN, Contents
from rugged.data.official.index import Entries, Index, id_of
from rugged.data.official.members import Member, read_bytes

_SHOWN = 3
_HASHED = 16


class PictureFiles:
    """Picture files. See ``rugged.data.official.archive.Archive`` for the methods.

    Args:
        where: The folder or archive, for messages.
        index: What lies in it.
        classes: Class ids in the order of their labels.
        first: The cell whose pictures all others must hold, too.
        manifest: Of ``rugged corrupt``, where it wrote them.

    Raises:
        DataError: The first cell is not there, or its first picture cannot be read.
    """

    def __init__(
        self, where: Path, index: Index, classes: Sequence[str], first: CellKey, manifest: dict[str, Any] | None
    ) -> None:
        self._where, self._first, self._cells = where, first, index.cells
        names = index.names
        self._names = sorted((names[number] for number in self._entries(first).names), key=id_of)
        number_of = {name: number for number, name in enumerate(names)}
        self._every_name = names
        self._rank = np.full(len(names), -1, np.int64)
        self._rank[[number_of[name] for name in self._names]] = np.arange(len(self._names))
        self._aligned: set[CellKey] = set()
        ids = tuple(map(id_of, self._names))
        if len(set(ids)) < len(ids):
            raise DataError(f"{_name(first)} in {where} holds a picture twice. {WHOLE_AGAIN}")
        labels = {class_id: label for label, class_id in enumerate(classes)}
        size, stored = self._size_and_storage()
        self.contents = Contents(
            where=where,
            ids=ids,
            labels=np.array([labels[each.split("/", 1)[0]] for each in ids], np.int64),
            size=size,
            stored=stored,
            layout="pictures",
            manifest=manifest,
            notes=_passed_over(index),
        )

    def require(self, cell: CellKey) -> None:
        """Put the pictures of a cell into the order of the first one's."""
        if cell in self._aligned:
            return
        entries = self._entries(cell)
        numbers = np.asarray(entries.names)
        ranks = self._rank[numbers]
        if len(np.unique(numbers)) < len(numbers):
            raise DataError(f"{_name(cell)} in {self._where} holds a picture twice. {WHOLE_AGAIN}")
        strange = [self._every_name[number] for number in numbers[ranks < 0]]
        lacking = [self._names[rank] for rank in np.setdiff1d(np.arange(len(self._names)), ranks)]
        if strange or lacking:
            raise DataError(
                f"{_name(cell)} in {self._where} does not hold the same pictures as {_name(self._first)}: it lacks "
                f"{_listed(lacking)} and holds {_listed(strange)} besides. {WHOLE_AGAIN}"
            )
        order = np.argsort(ranks)
        for numbers_of in (entries.names, entries.offsets, entries.sizes):
            values = np.asarray(numbers_of)[order]
            numbers_of[:] = type(numbers_of)(numbers_of.typecode, values.tobytes())
        self._aligned.add(cell)

    def fingerprint(self, cell: CellKey) -> str:
        """Of all files' sizes, which differ where pixels do unless a format has none of its own; and of some files."""
        self.require(cell)
        entries = self._entries(cell)
        found = sha256(np.asarray(entries.sizes, "<i8").tobytes())
        for row in np.unique(np.linspace(0, len(entries.sizes) - 1, _HASHED).astype(int)).tolist():
            found.update(read_bytes(self._member(cell, entries, row)))
        return found.hexdigest()

    def read(self, cell: CellKey, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Decode some pictures on all cores, read in the order in which they lie on the disk."""
        self.require(cell)
        entries = self._entries(cell)
        pictures = np.empty((len(rows), *self.contents.size, 3), np.uint8)

        def decode(place: int) -> None:
            pictures[place] = self._decode(cell, entries, int(rows[place]))

        order = np.argsort(np.asarray(entries.offsets)[rows], kind="stable").tolist()
        with ThreadPoolExecutor(available_cores(), "decode") as pool:
            for _ in pool.map(decode, order):
                pass
        return pictures

    def _decode(self, cell: CellKey, entries: Entries, row: int) -> NDArray[np.uint8]:
        member = self._member(cell, entries, row)
        place = f"{member.path} in {member.file}" if member.packed else str(member.file)
        try:
            pixels = decode_image(read_bytes(member)).pixels
        except BadImageError as error:
            raise DataError(f"{place} cannot be read: {error}. {WHOLE_AGAIN}") from error
        if pixels.shape[:2] != self.contents.size:
            raise DataError(
                f"{place} has {_pixels(pixels.shape)} pixels, others have {_pixels(self.contents.size)}. All pictures "
                "of a collection have one size: they lie at the model's crop already."
            )
        return pixels

    def _member(self, cell: CellKey, entries: Entries, row: int) -> Member:
        name = self._names[row]
        file = entries.file if entries.packed else entries.file / name
        path = f"{cell[0]}/{cell[1]}/{name}"
        return Member(path, file, entries.offsets[row], entries.sizes[row], entries.packed)

    def _entries(self, cell: CellKey) -> Entries:
        if cell not in self._cells:
            raise DataError(f"{_name(cell)} is not in {self._where}. {WHOLE_AGAIN}")
        return self._cells[cell]

    def _size_and_storage(self) -> tuple[tuple[int, int], str]:
        self.require(self._first)
        member = self._member(self._first, self._entries(self._first), 0)
        data = read_bytes(member)
        try:
            height, width = decode_image(data).pixels.shape[:2]
        except BadImageError as error:
            raise DataError(f"{member.path} in {self._where} cannot be read: {error}. {WHOLE_AGAIN}") from error
        return (height, width), _stored(data)


def _name(cell: CellKey) -> str:
    return f"{cell[0]} {cell[1]}"


def _listed(names: Sequence[str]) -> str:
    shown = f" ({', '.join(names[:_SHOWN])}{' …' if len(names) > _SHOWN else ''})" if names else ""
    return f"{len(names):,}{shown}"


def _pixels(shape: Sequence[int]) -> str:
    return f"{shape[1]} × {shape[0]}"


def _passed_over(index: Index) -> tuple[str, ...]:
    if not index.passed_over:
        return ()
    names = ", ".join(sorted(index.passed_over))
    count = len(set().union(*index.passed_over.values()))
    return (f"Passed over: pictures of {count:,} classes that the data set does not have (under {names}).",)


def _stored(data: bytes) -> str:
    """How a picture was stored: with the loss of JPEG at quality 85, of another format, or none."""
    with Image.open(io.BytesIO(data)) as image:
        kind = str(image.format).lower()
        if kind == "jpeg":
            return "jpeg85" if getattr(image, "quantization", None) == _quality_85() else "jpeg"
        return "no" if kind in ("png", "bmp", "dib", "ppm", "tga") else kind


@cache
def _quality_85() -> Any:
    """The quantisation tables of a JPEG file of quality 85."""
    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "JPEG", quality=85)
    with Image.open(stream) as image:
        return image.quantization  # type: ignore[attr-defined]
