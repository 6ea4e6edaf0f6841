"""What the writer asks of a layout, and what all layouts share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from rugged.corruptions import Corruptor
from rugged.data.corrupted.pictures import SourcePictures
from rugged.data.corrupted.shard import Shard

WORK = ".writing"
"""In the folder that is written: what is not whole yet, and the locks. Gone when everything is there."""

PICTURES_AN_ITEM = 250
"""At least so many pictures are written at once: a quarter of a second of work, so that little is lost by a stop."""

Counts = dict[str, dict[str, int]]


@dataclass(frozen=True)
class Job:
    """Everything that is to be written.

    Attributes:
        out: The folder.
        pictures: Of which pictures.
        corruptor: How they are corrupted.
        corruptions: In which ways.
        severities: How severely.
        shard: Which share of it this process writes.
    """

    out: Path
    pictures: SourcePictures
    corruptor: Corruptor
    corruptions: tuple[str, ...]
    severities: tuple[int, ...]
    shard: Shard

    @property
    def work(self) -> Path:
        """Where that lies which is not whole yet."""
        return self.out / WORK

    @property
    def scratch(self) -> Path:
        """This share's own part of it."""
        return self.work / self.shard.file_name


@dataclass(frozen=True, slots=True)
class Item:
    """Some pictures, ``start`` to ``stop`` in the order of their ids, under one corruption at one severity."""

    corruption: str
    severity: int
    start: int
    stop: int

    def __len__(self) -> int:
        return self.stop - self.start


class Layout(Protocol):
    """How corrupted pictures lie in a folder. Instances travel to worker processes."""

    def items(self, shard: Shard) -> list[Item]:
        """The work of a share, in the order in which it is done. The shares are disjoint and make the whole."""

    def done(self, item: Item) -> bool:
        """Whether an item is there, and whole."""

    def begin(self) -> None:
        """Write what belongs beside the pictures, before any of them."""

    def prepare(self, items: Sequence[Item]) -> None:
        """Make room for items that are not done: in the process that gives them out, before it does."""

    def write(self, item: Item) -> None:
        """Write an item: in any process, at any time, as often as one likes."""

    def finish(self, item: Item) -> None:
        """Take note that an item has been written: in the process that gave it out."""

    def counts(self) -> Counts:
        """How many pictures are there, by corruption and severity."""


def missing_shares(layout: Layout, shard: Shard) -> list[str]:
    """The shares of this division of which something is not there."""
    return [str(each) for each in shard.siblings() if not all(layout.done(item) for item in layout.items(each))]


def total(counts: Mapping[str, Mapping[str, int]]) -> int:
    """All pictures that are there."""
    return sum(count for cells in counts.values() for count in cells.values())
