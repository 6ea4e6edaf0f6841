"""CIFAR-C's layout: ``OUT/<corruption>.npy`` of all severities, one after the other, with ``labels.npy``.

A corruption's array grows in the work folder, with a list beside it of what has been written, and is moved to its
place when it is whole. A share of the work is some of the corruptions: no array is ever written by two machines.
"""

import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rugged.core import files
from rugged.data import npy
from rugged.data.corrupted.layout import PICTURES_AN_ITEM, Counts, Item, Job
from rugged.data.corrupted.shard import Shard
from rugged.data.staging import require_space


@dataclass(frozen=True)
class Arrays:
    """One array a corruption. See ``rugged.data.corrupted.layout.Layout`` for the methods.

    Attributes:
        job: What is written.
        size: Height and width of all pictures.
        labels: Their classes, as indices.
    """

    job: Job
    size: tuple[int, int]
    labels: Sequence[int]

    def items(self, shard: Shard) -> list[Item]:
        """A few hundred pictures each."""
        count = len(self.job.pictures)
        starts = range(0, count, PICTURES_AN_ITEM)
        return [
            Item(corruption, severity, start, min(start + PICTURES_AN_ITEM, count))
            for corruption in shard.take(self.job.corruptions)
            for severity in self.job.severities
            for start in starts
        ]

    def done(self, item: Item) -> bool:
        """Whether the corruption's array is in its place, or the list says that the item is in the growing one."""
        return self._whole(item.corruption) or _line(item) in self._listed(item.corruption)

    def begin(self) -> None:
        """Write ``labels.npy`` and ``ids.txt``: one label and one id for each row of the arrays."""
        times = len(self.job.severities)
        labels = io.BytesIO()
        np.save(labels, np.tile(np.asarray(self.labels, dtype="<i8"), times))
        files.write_bytes(self.job.out / "labels.npy", labels.getvalue())
        files.write_text(self.job.out / "ids.txt", "".join(f"{each}\n" for each in self.job.pictures.ids * times))

    def prepare(self, items: Sequence[Item]) -> None:
        """Make the arrays that are to be filled, and the lists for their rows."""
        require_space(self.job.work, 3 * self.job.pictures.pixels * sum(map(len, items)))
        self.job.work.mkdir(parents=True, exist_ok=True)
        for corruption in dict.fromkeys(item.corruption for item in items):
            listed = self._listed(corruption)
            if not listed:
                npy.create(self._growing(corruption), self._shape)
            # Anew, so that the next line does not continue one that a kill has cut short.
            files.write_text(self._list(corruption), "".join(f"{line}\n" for line in sorted(listed)))

    def write(self, item: Item) -> None:
        """Write the rows of an item."""
        first = self.job.severities.index(item.severity) * len(self.job.pictures)
        members = range(item.start, item.stop)
        batches = self.job.pictures.corrupted(members, self.job.corruptor, item.corruption, item.severity)
        for batch, images in batches:
            positions = [first + member for member in batch]
            npy.write_rows(self._growing(item.corruption), positions, images.permute(0, 2, 3, 1).contiguous().numpy())

    def finish(self, item: Item) -> None:
        """Put an item on the list; or its array into its place, when it is the last."""
        items = self.items(Shard())
        whole = {_line(each) for each in items if each.corruption == item.corruption}
        growing = self._growing(item.corruption)
        with growing.open("rb+") as array:
            os.fsync(array.fileno())  # What the list names must be on the disk before the list is.
        if whole - self._listed(item.corruption) - {_line(item)}:
            with self._list(item.corruption).open("a", encoding="ascii") as stream:
                stream.write(f"{_line(item)}\n")
            return
        growing.replace(self._place(item.corruption))
        self._list(item.corruption).unlink()

    def counts(self) -> Counts:
        """All pictures of the arrays that are in their place, none of the others."""
        severities = [str(severity) for severity in self.job.severities]
        return {
            corruption: dict.fromkeys(severities, len(self.job.pictures) if self._whole(corruption) else 0)
            for corruption in self.job.corruptions
        }

    @property
    def _shape(self) -> tuple[int, int, int, int]:
        return len(self.job.severities) * len(self.job.pictures), *self.size, 3

    def _place(self, corruption: str) -> Path:
        return self.job.out / f"{corruption}.npy"

    def _growing(self, corruption: str) -> Path:
        return self.job.work / f"{corruption}.npy"

    def _list(self, corruption: str) -> Path:
        return self.job.work / f"{corruption}.txt"

    def _whole(self, corruption: str) -> bool:
        return npy.is_whole(self._place(corruption), self._shape)

    def _listed(self, corruption: str) -> set[str]:
        """The lines of the list, if the array that they speak of is there."""
        if not npy.is_whole(self._growing(corruption), self._shape):
            return set()
        try:
            return set(self._list(corruption).read_text(encoding="ascii").splitlines())
        except FileNotFoundError:
            return set()


def _line(item: Item) -> str:
    return f"{item.severity} {item.start} {item.stop}"
