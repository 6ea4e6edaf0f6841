"""A source: the pictures of a data set before decoding, wherever they lie."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from rugged.data.dataset import ClassInfo
from rugged.data.splits import held_out

# Folders and files that hold a validation split: the first of these that is there is the one that counts.
VALIDATION_NAMES = ("val", "valid", "validation", "test")

# Pictures that one thread takes at a time, in the source's order.
PICTURES_AT_A_TIME = 64


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture that can be read.

    Attributes:
        class_id: Its class.
        stem: Its name within the class.
        where: Its place in the source, as a person would look for it.
        load: Reads its bytes; raises ``rugged.data.decode.BadImageError``. Called from several threads at once.
    """

    class_id: str
    stem: str
    where: str
    load: Callable[[], bytes]

    @property
    def id(self) -> str:
        """``<class id>/<stem>``: what names the picture in every container."""
        return f"{self.class_id}/{self.stem}"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Something in a source that cannot be used; several are sorted by their places.

    Attributes:
        where: Its place in the source.
        reason: A few words, the same for every problem of the kind.
        detail: What was found in this case.
    """

    where: str
    reason: str
    detail: str = ""


@dataclass
class Source:
    """The pictures of a data set, found but not decoded.

    Attributes:
        name: What the data set is called when it has no other name.
        where: The folder or the archive.
        classes: Every class found, with or without pictures, in the order of their ids.
        train: Training pictures in the order in which they are read fastest.
        val: Validation pictures, in such an order as well.
        problems: What was found wrong before any picture was decoded.
        notes: What a reader of results should know, as sentences.
    """

    name: str
    where: Path
    classes: tuple[ClassInfo, ...]
    train: list[Picture]
    val: list[Picture]
    problems: list[Problem] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def splits(self) -> dict[str, list[Picture]]:
        """``train`` and ``val``."""
        return {"train": self.train, "val": self.val}


def hold_out(pictures: list[Picture], fraction: float) -> tuple[list[Picture], list[Picture], str]:
    """Divide pictures that came without a validation split.

    Returns:
        Training pictures, validation pictures, and the note that says so.
    """
    by_class: dict[str, set[str]] = {}
    for picture in pictures:
        by_class.setdefault(picture.class_id, set()).add(picture.id)
    chosen = set().union(*(held_out(ids, fraction) for ids in by_class.values()))
    train = [picture for picture in pictures if picture.id not in chosen]
    val = [picture for picture in pictures if picture.id in chosen]
    note = (
        f"The source has no validation split: {fraction:.0%} of each class, chosen by the hash of the picture's id, "
        f"are held out for validation."
    )
    return train, val, note


def count_by_reason(reasons: Iterable[str]) -> str:
    """``3 truncated, 1 empty file``, the most frequent first."""
    return ", ".join(f"{count:,} {reason}" for reason, count in Counter(reasons).most_common())
