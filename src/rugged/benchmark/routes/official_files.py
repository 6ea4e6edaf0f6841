"""The route of official files: corrupted pictures as they were published, or as ``rugged corrupt`` wrote them."""

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rugged.benchmark.choice import choose_images
from rugged.benchmark.routes.route import Images
from rugged.core.catalogue import CellKey
from rugged.core.errors import DataError
from rugged.core.selection import choose_preset
from rugged.data import Dataset, Split, content_hash
from rugged.data.official import Archive, collection_of, open_archive
from rugged.data.official.archive import Contents
from rugged.data.official.collections import OTHER_PICTURES
from rugged.data.packed import origin_of
from rugged.data.splits import evenly
from rugged.engine import as_batch
from rugged.results import CLEAN, Conditions

_IMAGENET_RESIZE = 256
_LOOKED_AT = 32
_ALIKE = 0.4
"""Of the likeness, on average. 64 pictures of Tiny ImageNet at severity 5 had .56 under fog when enlarged to 224 × 224,
and .79 or more otherwise; other pictures at most .17."""


@dataclass
class OfficialFiles:
    """Reads. See ``rugged.benchmark.route.Route`` for the methods.

    Attributes:
        conditions: As the files and the data set have them.
        archive: The corrupted pictures.
        rows: Which of them are measured.
        clean: The clean pictures: the same ones in the same order, where the data set has them.
        dataset: Where they come from.
        device: Where pictures go.
        ahead: One chunk is read and decoded while the one before is measured.
    """

    conditions: Conditions
    archive: Archive
    rows: NDArray[np.int64]
    clean: Split
    dataset: Dataset
    device: torch.device
    ahead: int = 1

    def images(self, corruption: str) -> Images:
        """Those of the files; for clean those of the data set."""
        if corruption == CLEAN:
            return Images(self.clean.ids, self.clean.labels)
        contents = self.archive.contents
        return Images(tuple(contents.ids[row] for row in self.rows), contents.labels[self.rows])

    def pictures(self, corruption: str, severity: int, rows: NDArray[np.int64]) -> Tensor:
        """Read pictures as they are: they are at the model's crop already, and none is resized here."""
        if corruption == CLEAN:
            return as_batch(self.clean.images[rows], self.device)
        return as_batch(self.archive.read((corruption, severity), self.rows[rows]), self.device)

    def provenance(self, corruption: str, severity: int) -> dict[str, Any]:
        """A fingerprint of the cell's files."""
        return {} if corruption == CLEAN else {"files": self.archive.fingerprint((corruption, severity))}

    def require_all(self) -> None:
        """See that the files have what was measured earlier, too: saved cells count only while theirs are the same."""
        for corruption, severity in self.conditions.cells[1:]:
            try:
                self.archive.require((corruption, severity))
            except DataError as error:
                where = self.archive.contents.where
                raise DataError(
                    f"The saved summary also holds {corruption} {severity}, which is not in {where}. Name a folder "
                    "that holds the files of all that is measured, or another one for these results with --out."
                ) from error

    def notes(self) -> list[str]:
        """Which files these are, and how the clean pictures go with them."""
        return list(_notes(self.conditions, self.archive.contents, self.dataset, len(self.clean)))


def official_files(
    where: Path,
    dataset: Dataset,
    corruptions: tuple[str, ...],
    severities: tuple[int, ...],
    limit: int | None,
    device: torch.device,
) -> OfficialFiles:
    """Open corrupted pictures that lie in files.

    Args:
        where: The folder or archive.
        dataset: Its classes count, and its validation split gives the clean pictures.
        corruptions: Which will be measured.
        severities: At which severities.
        limit: Take only so many images, evenly over the classes.
        device: Where pictures go.

    Raises:
        ConfigError: The limit is below 1.
        DataError: Something is missing or damaged; or the data set has no validation images.
    """
    clean = choose_images(dataset.val, limit)
    cells = [(corruption, severity) for corruption in corruptions for severity in severities]
    archive = open_archive(where, [info.id for info in dataset.classes], cells)
    contents = archive.contents
    rows = evenly(contents.labels, len(contents.ids) if limit is None else limit)
    same = _in_split(archive, cells[0], rows, dataset)
    if same is not None:
        whole = np.array_equal(same, np.arange(len(dataset.val)))
        clean = dataset.val if whole else dataset.val.take(same)
    conditions = _conditions(contents, dataset, corruptions, severities, rows, clean, same is not None)
    return OfficialFiles(conditions, archive, rows, clean, dataset, device)


def _in_split(archive: Archive, cell: CellKey, rows: NDArray[np.int64], dataset: Dataset) -> NDArray[np.int64] | None:
    """Where the pictures of the files are in the validation split; None where they are others.

    Names alone are not enough: a name such as ``val_17`` may stand for another photograph elsewhere.
    """
    contents = archive.contents
    place = {identifier: position for position, identifier in enumerate(dataset.val.ids)}
    found = [place.get(contents.ids[row], -1) for row in rows]
    if -1 in found:
        return None
    positions = np.array(found, np.int64)
    if contents.manifest is not None and contents.manifest["source"]["content_hash"] == dataset.content_hash:
        return positions
    looked_at = np.unique(np.linspace(0, len(rows) - 1, _LOOKED_AT).astype(np.int64))
    pairs = zip(archive.read(cell, rows[looked_at]), dataset.val.images[positions[looked_at]], strict=True)
    likeness = np.mean([_likeness(corrupted, clean) for corrupted, clean in pairs])
    return positions if likeness > _ALIKE else None


def _likeness(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    """The correlation of two thumbnails, or of their details where these have more: fog hides all but the details."""
    coarse, fine = ((_grey(first, side), _grey(second, side)) for side in (8, 16))
    return max(_correlation(*coarse), _correlation(*(grey - cv2.blur(grey, (3, 3)) for grey in fine)))


def _correlation(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Of two pictures; 0 where one has nothing to see."""
    return float(np.corrcoef(one.ravel(), other.ravel())[0, 1]) if one.std() and other.std() else 0.0


def _grey(picture: NDArray[np.uint8], side: int) -> NDArray[np.float64]:
    """A square of grey levels, which no noise alters much."""
    small = cv2.resize(picture.astype(np.float64), (side, side), interpolation=cv2.INTER_AREA)
    grey: NDArray[np.float64] = np.asarray(small, np.float64).mean(axis=2)
    return grey


def _conditions(
    contents: Contents,
    dataset: Dataset,
    corruptions: tuple[str, ...],
    severities: tuple[int, ...],
    rows: NDArray[np.int64],
    clean: Split,
    same: bool,
) -> Conditions:
    manifest = contents.manifest or {}
    collection = collection_of(contents, [info.id for info in dataset.classes])
    if same and collection in OTHER_PICTURES:
        collection = None  # Of the right number and size, yet made from the data set's own pictures by somebody else.
    textures = manifest.get("textures", "photographs") if "frost" in corruptions else "none"
    return Conditions(
        dataset=dataset.name,
        content_hash=_content_hash(contents, rows, dataset, clean),
        split=clean.name,
        images=len(rows),
        classes=len(dataset.classes),
        size=contents.size,
        route="files of rugged corrupt" if manifest else "official files",
        stored=contents.stored,
        preset=choose_preset(manifest.get("preset"), *contents.size),
        textures=textures,
        seed=manifest.get("seed", 0),
        stream_version=manifest.get("stream_version", 0),
        corruptions=corruptions,
        severities=severities,
        limit=len(rows) if len(rows) < len(contents.ids) else None,
        collection=collection,
        clean_images=None if same else len(clean),
    )


def _content_hash(contents: Contents, rows: NDArray[np.int64], dataset: Dataset, clean: Split) -> str:
    """Over the clean pictures, and the ids of the corrupted ones: their pixels are each cell's own affair."""
    source = "" if contents.manifest is None else contents.manifest["source"]["content_hash"]
    lines = [content_hash(dataset.classes, clean), source, *(contents.ids[row] for row in rows)]
    return sha256("".join(f"{line}\n" for line in lines).encode()).hexdigest()


def _notes(conditions: Conditions, contents: Contents, dataset: Dataset, clean: int) -> Iterator[str]:
    name = contents.where.resolve().name
    if contents.manifest is not None:
        source = contents.manifest["source"]["name"]
        yield f"Corrupted pictures as `rugged corrupt` wrote them to {name}, from {source}."
        yield from contents.manifest["notes"]
    elif conditions.collection is not None:
        yield f"Corrupted pictures as published: {conditions.collection}, read from {name}."
    else:
        yield (
            f"Corrupted pictures of {name}, by whom and from what is not known: by classes, number, size and storage "
            "they are no published collection as a whole, so that no figure is comparable with published ones."
        )
    yield from contents.notes
    if conditions.clean_images is not None:
        nameless = contents.layout == "arrays" and contents.manifest is None
        why = (
            "Rows of arrays have no names, so that corrupted pictures cannot be paired with clean ones"
            if nameless
            else f"The corrupted pictures are not those of {dataset.name}'s validation split"
        )
        yield (
            f"{why}: clean figures are of {clean:,} pictures of the data set, all others of {conditions.images:,} from "
            "the files. Intervals draw the two independently, and what corruption adds to the error (relative CE) lies "
            "between different pictures."
        )
    if dataset.size != contents.size:
        (high, wide), (height, width) = dataset.size, contents.size
        yield f"Clean pictures have {wide} × {high} pixels, corrupted ones {width} × {height}."
    elif conditions.collection == "ImageNet-C" and origin_of(dataset.folder).resize != _IMAGENET_RESIZE:
        yield (
            f"ImageNet-C was cut from pictures whose shorter side had been resized to {_IMAGENET_RESIZE}, and these "
            "clean pictures were not: clean error and relative CE are of another crop. Pack them with --size 224 "
            f"--resize {_IMAGENET_RESIZE}."
        )
    lacking = len(dataset.classes) - len(np.unique(contents.labels))
    if lacking:
        yield f"{lacking:,} of the data set's {len(dataset.classes):,} classes have no corrupted picture."
