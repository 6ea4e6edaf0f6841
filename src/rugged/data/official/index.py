"""Where each picture of each cell lies. Millions of them, so numbers stand in arrays and each name is kept once."""

import os
from array import array
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from rugged.core.catalogue import ALL, SEVERITIES, CellKey
from rugged.core.errors import DataError
from rugged.data.official.members import Member
from rugged.data.sources.trees import FILE_LIMIT, IMAGE_ENDINGS, ending

_WRAPPINGS = 2  # Folders around the corruptions: ``Tiny-ImageNet-C/``, ``ImageNet-C/blur/``.
_LEVELS = {str(severity): severity for severity in SEVERITIES}


def locate(path: str) -> tuple[CellKey, str] | None:
    """The cell that a path belongs to, and ``<class id>/<file name>`` in it; None for anything else."""
    parts = path.split("/")
    for at in range(min(_WRAPPINGS + 1, len(parts) - 3)):
        if parts[at] in ALL and parts[at + 1] in _LEVELS:
            return (parts[at], _LEVELS[parts[at + 1]]), "/".join(parts[at + 2 :])
    return None


def id_of(name: str) -> str:
    """``<class id>/<stem>`` of ``<class id>/<file name>``."""
    return os.path.splitext(name)[0]  # noqa: PTH122 (a path inside an archive, and called for every picture)


@dataclass
class Entries:
    """The pictures of one cell, as they were found.

    Attributes:
        file: The tar that holds them; or, for files of their own, the folder that their names begin in.
        packed: Which of the two.
        names: Numbers of their names.
        offsets: Of their first bytes.
        sizes: In bytes.
    """

    file: Path
    packed: bool
    names: "array[int]" = field(default_factory=lambda: array("i"))
    offsets: "array[int]" = field(default_factory=lambda: array("q"))
    sizes: "array[int]" = field(default_factory=lambda: array("i"))


class Index:
    """All pictures of some classes.

    Args:
        classes: Ids of the classes to keep.
    """

    def __init__(self, classes: Collection[str]) -> None:
        self._classes = frozenset(classes)
        self._numbers: dict[str, int] = {}
        self.cells: dict[CellKey, Entries] = {}
        self.passed_over: dict[str, set[str]] = defaultdict(set)
        """For each corruption the classes that were not kept."""

    @property
    def names(self) -> list[str]:
        """``<class id>/<file name>``, by number."""
        return list(self._numbers)

    def add(self, member: Member) -> None:
        """Take note of a picture; of anything else, none.

        Raises:
            DataError: Its cell lies in two places.
        """
        found = locate(member.path) if ending(member.path) in IMAGE_ENDINGS else None
        if found is None:
            return
        cell, name = found
        class_id = name.split("/", 1)[0]
        if class_id not in self._classes:
            self.passed_over[cell[0]].add(class_id)
            return
        if member.size > FILE_LIMIT:
            raise DataError(f"{member.path} in {member.file} has {member.size:,} bytes: no picture. Remove it.")
        root = member.file if member.packed else member.file.parents[name.count("/")]
        entries = self.cells.setdefault(cell, Entries(root, member.packed))
        if entries.file != root:
            raise DataError(
                f"{cell[0]} {cell[1]} lies in two places, {entries.file} and {root}. Name the one that is meant."
            )
        entries.names.append(self._numbers.setdefault(name, len(self._numbers)))
        entries.offsets.append(member.offset)
        entries.sizes.append(member.size)
