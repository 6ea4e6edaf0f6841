"""Files under their own names: ``OUT/<corruption>/<severity>/<path of the picture>``.

Each file is written beside its place and moved there: it is whole or not there.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from stat import S_ISREG

from rugged.data.corrupted.encode import PictureFormat, encode
from rugged.data.corrupted.layout import Counts, Item, Job
from rugged.data.corrupted.shard import Shard

_PIXELS_AN_ITEM = 1 << 22
"""Of the pictures that are written at once, on average: a fraction of a second of work."""
_PICTURES_AN_ITEM = 250
"""At most so many of them, since a file has a price of its own, however small."""


@dataclass(frozen=True)
class SingleFiles:
    """A file for each picture. See ``rugged.data.corrupted.layout.Layout`` for the methods.

    Attributes:
        job: What is written.
        file_format: How.
        names: The path of each picture's copy in a folder of one corruption and severity.
    """

    job: Job
    file_format: PictureFormat
    names: tuple[str, ...]

    def items(self, shard: Shard) -> list[Item]:
        """Neighbouring pictures together, as many as have enough pixels on average."""
        count = len(self.job.pictures)
        step = min(_PICTURES_AN_ITEM, max(1, _PIXELS_AN_ITEM // self.job.pictures.pixels))
        cells = product(self.job.corruptions, self.job.severities)
        return shard.take([Item(*cell, at, min(at + step, count)) for cell in cells for at in range(0, count, step)])

    def done(self, item: Item) -> bool:
        """Whether all its files are there."""
        return not self._missing(item)

    def begin(self) -> None:
        """Nothing: the files say everything."""

    def prepare(self, items: Sequence[Item]) -> None:
        """Nothing: ``write`` leaves what it finds in its place."""

    def write(self, item: Item) -> None:
        """Write the files of an item that are not there."""
        place = self._place(item.corruption, item.severity)
        scratch = self.job.scratch / str(os.getpid())
        scratch.mkdir(parents=True, exist_ok=True)
        batches = self.job.pictures.corrupted(self._missing(item), self.job.corruptor, item.corruption, item.severity)
        for members, images in batches:
            for member, data in zip(members, encode(images, self.file_format), strict=True):
                made, path = scratch / "picture", place / self.names[member]
                made.write_bytes(data)
                path.parent.mkdir(parents=True, exist_ok=True)
                made.replace(path)

    def finish(self, item: Item) -> None:
        """The files in their place say it."""

    def counts(self) -> Counts:
        """Count the files that are there."""
        everything = range(len(self.names))
        return {
            corruption: {
                str(severity): sum(self._is_there(self._place(corruption, severity), member) for member in everything)
                for severity in self.job.severities
            }
            for corruption in self.job.corruptions
        }

    def _missing(self, item: Item) -> list[int]:
        place = self._place(item.corruption, item.severity)
        return [member for member in range(item.start, item.stop) if not self._is_there(place, member)]

    def _is_there(self, place: Path, member: int) -> bool:
        try:
            status = (place / self.names[member]).stat()
            return S_ISREG(status.st_mode) and status.st_size > 0
        except (FileNotFoundError, NotADirectoryError):
            return False

    def _place(self, corruption: str, severity: int) -> Path:
        return self.job.out / corruption / str(severity)
