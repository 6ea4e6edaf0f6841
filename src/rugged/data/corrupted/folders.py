"""The official layout: ``OUT/<corruption>/<severity>/<class id>/<stem>.JPEG``.

A class folder is made beside its place and moved there when it holds all its pictures: it is whole or not there. One
rename for dozens of files costs nothing, and says what is done without any list of it.
"""

import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, product
from pathlib import Path

from rugged.core.errors import DataError
from rugged.core.files import is_file_name
from rugged.data.corrupted.encode import ENDINGS, PictureFormat, encode
from rugged.data.corrupted.layout import PICTURES_AN_ITEM, Counts, Item, Job
from rugged.data.corrupted.shard import Shard


@dataclass(frozen=True)
class Folders:
    """Files in class folders. See ``rugged.data.corrupted.layout.Layout`` for the methods."""

    job: Job
    file_format: PictureFormat

    @cached_property
    def _members(self) -> dict[str, range]:
        """The pictures of each class folder: neighbours, since ids are sorted."""
        members: dict[str, range] = {}
        start = 0
        for name, group in groupby(self.job.pictures.ids, key=lambda identifier: identifier.split("/", 1)[0]):
            stop = start + sum(1 for _ in group)
            members[name] = range(start, stop)
            start = stop
        return members

    @cached_property
    def _groups(self) -> dict[int, list[str]]:
        """Neighbouring class folders that are written together, by the first picture of the first."""
        groups: dict[int, list[str]] = {}
        start = 0
        for name, members in self._members.items():
            groups.setdefault(start, []).append(name)
            if members.stop - start >= PICTURES_AN_ITEM:
                start = members.stop
        return groups

    @cached_property
    def _expected(self) -> dict[str, set[str]]:
        """The files of each class folder."""
        ending = ENDINGS[self.file_format]
        return {
            name: {f"{self.job.pictures.ids[member][len(name) + 1 :]}{ending}" for member in members}
            for name, members in self._members.items()
        }

    def items(self, shard: Shard) -> list[Item]:
        """Neighbouring class folders together, until they have enough pictures."""
        bounds = [(start, self._members[names[-1]].stop) for start, names in self._groups.items()]
        cells = product(self.job.corruptions, self.job.severities)
        return shard.take([Item(*cell, *bound) for cell in cells for bound in bounds])

    def done(self, item: Item) -> bool:
        """Whether all class folders are whole."""
        return all(self._whole(item, name) for name in self._groups[item.start])

    def begin(self) -> None:
        """Nothing: files in class folders say everything."""

    def prepare(self, items: Sequence[Item]) -> None:
        """Nothing: ``write`` leaves what it finds in its place."""

    def write(self, item: Item) -> None:
        """Write the class folders of an item that are not whole."""
        place = self._place(item)
        names = [name for name in self._groups[item.start] if not self._whole(item, name)]
        members = [member for name in names for member in self._members[name]]
        scratch = self.job.scratch / str(os.getpid())
        scratch.mkdir(parents=True, exist_ok=True)
        place.mkdir(parents=True, exist_ok=True)
        self._write_files(scratch, item, members)
        for name in names:
            _move(scratch / name, place / name)

    def finish(self, item: Item) -> None:
        """The folders in their place say it."""

    def counts(self) -> Counts:
        """Count the files that belong there and are not empty."""
        counts: Counts = {}
        for corruption in self.job.corruptions:
            counts[corruption] = {}
            for severity in self.job.severities:
                place = self._place(Item(corruption, severity, 0, 0))
                found = (len(names & set(_files(place / name))) for name, names in self._expected.items())
                counts[corruption][str(severity)] = sum(found)
        return counts

    def _write_files(self, scratch: Path, item: Item, members: Sequence[int]) -> None:
        """Write pictures to ``scratch/<id>.<ending>``, over whatever a failed attempt has left there."""
        ending, made = ENDINGS[self.file_format], set()
        batches = self.job.pictures.corrupted(members, self.job.corruptor, item.corruption, item.severity)
        for batch, images in batches:
            for member, data in zip(batch, encode(images, self.file_format), strict=True):
                path = scratch / f"{self.job.pictures.ids[member]}{ending}"
                if path.parent not in made:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    made.add(path.parent)
                path.write_bytes(data)

    def _place(self, item: Item) -> Path:
        return self.job.out / item.corruption / str(item.severity)

    def _whole(self, item: Item, name: str) -> bool:
        return self._expected[name] <= set(_files(self._place(item) / name))


def check_names(ids: Sequence[str], ending: str) -> None:
    """Make sure that ids can be names of files below the folder that is written, and nowhere else.

    Args:
        ids: Of the pictures.
        ending: What the files' names end with, ``.png``.

    Raises:
        DataError: One is not.
    """
    for identifier in ids:
        parts = identifier.split("/")
        if len(parts) < 2 or not all(map(is_file_name, (*parts, f"{parts[-1]}{ending}"))):
            raise DataError(
                f"The picture {identifier!r} cannot be written to a file of its name with {ending} after it. Rename it "
                "in the source, or write arrays with --format npy, where names don't matter."
            )


def _move(made: Path, place: Path) -> None:
    try:
        made.rename(place)
    except OSError:
        if not place.is_dir():
            raise
        # Somebody has taken files out of it, or another process was faster and what it made is the same. What else
        # lies there is not ours.
        for name in _files(made):
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (made / name).replace(place / name)
        shutil.rmtree(made)


def _files(folder: Path, prefix: str = "") -> Iterator[str]:
    """Paths of the files below a folder that are not empty; none where there is no folder."""
    try:
        entries = os.scandir(folder)
    except FileNotFoundError:
        return
    with entries:
        for entry in entries:
            if entry.is_dir():
                yield from _files(folder / entry.name, f"{prefix}{entry.name}/")
            elif entry.stat().st_size:
                yield f"{prefix}{entry.name}"
