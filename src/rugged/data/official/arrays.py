"""CIFAR-10-C's layout: ``<corruption>.npy`` with all severities one after the other, and ``labels.npy``."""

import math
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rugged.core.catalogue import SEVERITIES, CellKey
from rugged.core.errors import DataError
from rugged.data.npy import Header, read_header
from rugged.data.official.archive import WHOLE_AGAIN, Contents
from rugged.data.official.members import Member, read_bytes


class ArrayFiles:
    """Arrays, mapped into memory. See ``rugged.data.official.archive.Archive`` for the methods.

    Args:
        where: The folder or archive, for messages.
        members: The files: ``labels.npy``, ``ids.txt`` where there is one, and an array a corruption.
        classes: Class ids in the order of their labels.
        first: The cell whose size all others must have, too.
        manifest: Of ``rugged corrupt``, where it wrote them.

    Raises:
        DataError: Labels or the first array are missing, damaged, or do not fit each other.
    """

    def __init__(
        self,
        where: Path,
        members: Mapping[str, Member],
        classes: Sequence[str],
        first: CellKey,
        manifest: dict[str, Any] | None,
    ) -> None:
        self._where, self._members = where, members
        self._severities: Sequence[int] = SEVERITIES if manifest is None else manifest["severities"]
        self._maps: dict[str, NDArray[np.uint8]] = {}
        self._shape = self._map(first[0]).shape
        self._count, remainder = divmod(self._shape[0], len(self._severities))
        if remainder or not self._count:
            raise DataError(
                f"{first[0]}.npy in {where} has {self._shape[0]:,} rows; expected equally many for each of "
                f"{len(self._severities)} severities, one after the other. {WHOLE_AGAIN}"
            )
        labels = self._labels(len(classes))
        self.contents = Contents(
            where=where,
            ids=self._ids(labels, classes),
            labels=labels,
            size=(self._shape[1], self._shape[2]),
            stored="no",
            layout="arrays",
            manifest=manifest,
            notes=()
            if manifest is not None
            else (f"labels.npy numbers the classes: 0 is {classes[0]}, and so on in the order of the class ids.",),
        )

    def require(self, cell: CellKey) -> None:
        """See that there are such rows."""
        corruption, severity = cell
        if severity not in self._severities:
            raise DataError(f"{corruption} {severity} is not in {self._where}. {WHOLE_AGAIN}")
        shape = self._map(corruption).shape
        if shape != self._shape:
            raise DataError(
                f"{corruption}.npy in {self._where} has the shape {shape}, others have {self._shape}. {WHOLE_AGAIN}"
            )

    def fingerprint(self, cell: CellKey) -> str:
        """Of the pixels."""
        return sha256(np.ascontiguousarray(self._rows(cell)).data).hexdigest()

    def read(self, cell: CellKey, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Copy some rows."""
        return np.asarray(self._rows(cell)[rows])

    def _rows(self, cell: CellKey) -> NDArray[np.uint8]:
        self.require(cell)
        start = self._severities.index(cell[1]) * self._count
        return self._map(cell[0])[start : start + self._count]

    def _map(self, corruption: str) -> NDArray[np.uint8]:
        if corruption not in self._maps:
            name = f"{corruption}.npy"
            if name not in self._members:
                raise DataError(f"{name} is not in {self._where}. {WHOLE_AGAIN}")
            self._maps[corruption] = _open_array(self._members[name], self._where)
        return self._maps[corruption]

    def _labels(self, classes: int) -> NDArray[np.int64]:
        """One label a picture: the file repeats them for each severity, or not."""
        if "labels.npy" not in self._members:
            raise DataError(f"labels.npy is not in {self._where}. It says which class each row is of.")
        member = self._members["labels.npy"]
        header, left = _read_header(member, self._where)
        count, severities = math.prod(header.shape), len(self._severities)
        fits = np.issubdtype(header.dtype, np.integer) and count in (self._count, severities * self._count)
        if fits and header.size == left:
            labels = np.frombuffer(read_bytes(member)[-left:], header.dtype)
            numbers = labels.reshape(-1, self._count).astype(np.int64)
            fits = bool((numbers == numbers[0]).all()) and 0 <= numbers.min() <= numbers.max() < classes
        else:
            fits = False
        if not fits:
            raise DataError(
                f"labels.npy in {self._where} does not fit: it holds {count:,} of {header.dtype} in {member.size:,} "
                f"bytes; expected {self._count:,} classes from 0 to {classes - 1}, once or the same for each severity. "
                "Is this the collection that goes with the data set?"
            )
        first: NDArray[np.int64] = numbers[0]
        return first

    def _ids(self, labels: NDArray[np.int64], classes: Sequence[str]) -> tuple[str, ...]:
        """Those that stand beside the arrays, or the number of the row."""
        if "ids.txt" not in self._members:
            return tuple(f"{classes[label]}/{row:05}" for row, label in enumerate(labels.tolist()))
        text = read_bytes(self._members["ids.txt"]).decode("utf-8", "replace")
        ids = tuple(text.split("\n")[: self._count])  # Not splitlines: an id may hold what else ends a line in Unicode.
        if len(set(ids)) != self._count or any(
            each.split("/", 1)[0] != classes[label] for each, label in zip(ids, labels.tolist(), strict=True)
        ):
            raise DataError(f"ids.txt in {self._where} does not fit labels.npy and the data set. {WHOLE_AGAIN}")
        return ids


def _read_header(member: Member, where: Path) -> tuple[Header, int]:
    """Read how an array lies in a file of its own or in a tar, and how many bytes are left for its values."""
    try:
        with member.file.open("rb") as stream:
            stream.seek(member.offset)
            header = read_header(stream)
    except OSError as error:
        raise DataError(f"Cannot read {member.file}: {error.strerror or error}.") from error
    except ValueError as error:
        # NumPy's own words would advise to load it as a pickle.
        raise DataError(f"{member.path} in {where} cannot be read as a NumPy array. {WHOLE_AGAIN}") from error
    return header, member.offset + member.size - header.start


def _open_array(member: Member, where: Path) -> NDArray[np.uint8]:
    """Map an array where it lies."""
    header, left = _read_header(member, where)
    shape, order = header.shape, "Fortran" if header.fortran else "C"
    usual = header.dtype == np.uint8 and not header.fortran and len(shape) == 4 and shape[3] == 3 and min(shape) >= 0
    if not usual or 0 in shape[1:] or header.size != left:
        raise DataError(
            f"{member.path} in {where} holds {header.dtype} of the shape {shape} in {order} order, {member.size:,} "
            f"bytes in all; expected uint8 of the shape (pictures, height, width, 3) in C order, whole. {WHOLE_AGAIN}"
        )
    return np.memmap(member.file, np.uint8, "r", header.start, shape)
