"""The pack: a data set as a folder of plain files that open in no time.

::

    dataset.json        format, name, classes, size, counts, content hash, source, notes, corruptions if any
    train-images.npy    (N, H, W, 3) uint8: numpy.load(..., mmap_mode="r") reads it without this package
    train-labels.npy    (N,) int64
    train-ids.txt       one id a line, in the order of the images
    val-images.npy      and so on
    set_aside.csv       what was left out, if anything
    corruptions.csv     which corruption each picture carries, if they carry any
    verified.json       size and date of each file when its content was last verified

Opening checks the structure and the sizes each time. It checks the whole content against its hash when the size or the
date of a file differs from ``verified.json``, as git's index does: a pack costs no time to open until it is touched.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rugged.core import files
from rugged.core.catalogue import PROCEDURAL_FROST
from rugged.core.errors import DataError, RuggedError
from rugged.data.dataset import ClassInfo, Dataset, Split
from rugged.data.npy import read_header

FORMAT = 1
MANIFEST = "dataset.json"
SET_ASIDE = "set_aside.csv"
TABLE = "corruptions.csv"
SPLITS = ("train", "val")

_STAMP = "verified.json"
_PAYLOAD = tuple(f"{split}-{part}" for split in SPLITS for part in ("images.npy", "labels.npy", "ids.txt"))
_BLOCK = 2**24

FILES = frozenset({MANIFEST, SET_ASIDE, TABLE, _STAMP, *_PAYLOAD})
"""Every name that a pack's folder may hold."""


class UnusablePackError(DataError):
    """A pack that is damaged, incomplete, or of another format."""


@dataclass(frozen=True)
class Origin:
    """Where a pack came from and how, so that it can be made again.

    Attributes:
        path: The source: an absolute path, or ``builtin``.
        fingerprint: The source's, when it was packed.
        automatic: Whether rugged chose the place of the pack, and so may make it again unasked.
        size: The side that was asked for; None for the pictures' own.
        resize: What the shorter side was resized to before the centre was cropped; None for ``size``.
        holdout: The share held out where the source has no validation split.
        bad_images: ``refuse`` or ``skip``.
        name: The data set's name where it is not the source's own.
        command: The command that makes it, where that is not ``rugged data``.
    """

    path: str
    fingerprint: str
    automatic: bool
    size: int | None = None
    resize: int | None = None
    holdout: float = 0.2
    bad_images: str = "refuse"
    name: str | None = None
    command: str | None = None


def images_path(folder: Path, split: str) -> Path:
    """The file of a split's pictures."""
    return folder / f"{split}-images.npy"


def finish(
    folder: Path,
    name: str,
    classes: tuple[ClassInfo, ...],
    labels: dict[str, NDArray[np.int64]],
    ids: dict[str, list[str]],
    origin: Origin,
    notes: list[str],
    corrupted: Mapping[str, Any] | None = None,
) -> None:
    """Complete a pack whose pictures are written: labels, ids, content hash and manifest.

    Args:
        folder: Holds ``train-images.npy`` and ``val-images.npy``, rows in the order of their ids.
        name: The data set's name.
        classes: In the order of their ids.
        labels: For each split, ``(N,)``.
        ids: For each split, N ids, sorted.
        origin: Where the pictures came from.
        notes: What was done to them.
        corrupted: Which ``corruptions`` they were given and how, if they were.

    Raises:
        DataError: An id holds a line end, so that the list of them could not be read again.
    """
    for split in SPLITS:
        broken = next((each for each in ids[split] if "\n" in each or "\r" in each), None)
        if broken is not None:
            raise DataError(f"The picture {broken!r} has a line end in its name. Rename it.")
        np.save(folder / f"{split}-labels.npy", labels[split].astype("<i8"))
        files.write_text(folder / f"{split}-ids.txt", "".join(f"{line}\n" for line in ids[split]))
    splits = {split: _map(folder, split, tuple(ids[split])) for split in SPLITS}
    height, width = splits["train"].images.shape[1:3]
    manifest = {
        "format": FORMAT,
        "name": name,
        "size": [height, width],
        "counts": {split: len(splits[split]) for split in SPLITS},
        "content_hash": content_hash(classes, splits["train"], splits["val"]),
        "notes": notes,
        "source": asdict(origin),
        **({} if corrupted is None else {"corrupted": corrupted}),
        "classes": [asdict(info) for info in classes],
    }
    files.write_json(folder / MANIFEST, manifest)
    _write_stamp(folder)


def content_hash(classes: tuple[ClassInfo, ...], *splits: Split) -> str:
    """The SHA-256, in hex, of everything that decides a result: a data set's of ``train`` and ``val``, in this order.

    That is, each part preceded by its length in bytes as a little-endian 64-bit integer: the class ids, one a line;
    then for each split its name, its ids, one a line, the labels as little-endian int64, the shape of the images as
    four little-endian int64, and the pixels. Text is UTF-8 with a line feed after each line. Readable class names,
    paths and dates are not part of it.
    """
    digest = sha256()

    def add(*parts: Any, length: int) -> None:
        digest.update(length.to_bytes(8, "little"))
        for part in parts:
            digest.update(part)

    def add_lines(lines: Iterable[str]) -> None:
        text = "".join(f"{line}\n" for line in lines).encode()
        add(text, length=len(text))

    add_lines(info.id for info in classes)
    for split in splits:
        add_lines([split.name])
        add_lines(split.ids)
        for numbers in (split.labels, np.array(split.images.shape)):
            data = numbers.astype("<i8").tobytes()
            add(data, length=len(data))
        flat = split.images.reshape(-1)
        digest.update(flat.nbytes.to_bytes(8, "little"))
        for start in range(0, flat.size, _BLOCK):
            digest.update(np.ascontiguousarray(flat[start : start + _BLOCK]).data)
    return digest.hexdigest()


def is_pack(folder: Path) -> bool:
    """Whether a folder is a pack, of whatever state. Many things are called ``dataset.json``: alone it makes none."""
    return (folder / MANIFEST).is_file() and any((folder / name).is_file() for name in _PAYLOAD)


def origin_of(folder: Path) -> Origin:
    """Where a pack came from. Reads what it can of manifests of other formats, too.

    Raises:
        UnusablePackError: The manifest does not say.
    """
    source: Any = _manifest(folder).get("source")
    try:
        return Origin(**source)
    except TypeError as error:
        raise UnusablePackError(f"{folder / MANIFEST} does not say what it was packed from.") from error


def require_apart(out: Path, dataset: Dataset, elsewhere: str = "") -> None:
    """Refuse to write into the data set itself: into its source or into its pack."""
    files.require_outside(out, (dataset.folder.resolve(), Path(origin_of(dataset.folder).path)), elsewhere)


def require_run_apart(folder: Path, dataset: Dataset) -> None:
    """Refuse a run folder in the data set: the default, ``runs``, lies there for whoever works in its folder."""
    require_apart(folder, dataset, " with --out")


def corrupted_of(folder: Path) -> Mapping[str, Any] | None:
    """How the pictures of a pack were corrupted; None if they were not.

    Raises:
        UnusablePackError: The manifest cannot be read.
    """
    return _corrupted(_manifest(folder))


def read_pack(folder: Path, verify: bool = False) -> Dataset:
    """Open a pack.

    Args:
        folder: The pack.
        verify: Check the whole content against the hash, even if no file has been touched.

    Raises:
        UnusablePackError: Damaged, incomplete, or of another format.
    """
    manifest = _manifest(folder)
    if manifest.get("format") != FORMAT:
        raise UnusablePackError(
            f"{folder} is a pack of format {manifest.get('format')!r}; this version of rugged reads format {FORMAT}."
        )
    try:
        dataset = _read(folder, manifest)
    except (OSError, EOFError, ValueError, KeyError, IndexError, TypeError) as error:
        raise UnusablePackError(f"The pack {folder} is damaged: {error}.") from error
    if verify or _stamp(folder) != _read_stamp(folder):
        found = content_hash(dataset.classes, dataset.train, dataset.val)
        if found != dataset.content_hash:
            with suppress(OSError):  # No later reader may trust it for the dates of its files.
                (folder / _STAMP).unlink(missing_ok=True)
            raise UnusablePackError(
                f"The pack {folder} is damaged: its content has the hash {found[:12]}…, "
                f"and {dataset.content_hash[:12]}… when it was packed."
            )
        _write_stamp(folder)
    return dataset


def map_again(folder: Path, split: str, expected: str) -> NDArray[np.uint8]:
    """Map the pictures of a split anew, as other processes must, if they still are those that were opened.

    Args:
        folder: The pack.
        split: ``train`` or ``val``.
        expected: The content hash that the pack had when it was opened.

    Raises:
        DataError: The pack cannot be read, or was made anew since.
    """
    path = images_path(folder, split)
    try:
        images: NDArray[np.uint8] = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, EOFError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise DataError(f"Cannot read {path}: {reason}. Open the data set again, then run again.") from error
    # Read after the pictures: a pack's manifest is never replaced later than they are.
    if _manifest(folder).get("content_hash") != expected:
        raise DataError(
            f"The pack {folder} was made anew with other content since it was opened. Open the data set again, then "
            "run again."
        )
    return images


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest = files.read_json(folder / MANIFEST)
    except RuggedError as error:
        raise UnusablePackError(f"The pack {folder} is damaged: {error}") from error
    if not isinstance(manifest, dict):
        raise UnusablePackError(f"The pack {folder} is damaged: {MANIFEST} is no JSON object.")
    return manifest


def _read(folder: Path, manifest: dict[str, Any]) -> Dataset:
    classes = tuple(ClassInfo(entry["id"], entry["name"]) for entry in manifest["classes"])
    splits = {}
    for name in SPLITS:
        *lines, rest = (folder / f"{name}-ids.txt").read_text(encoding="utf-8").split("\n")
        if rest:
            raise ValueError(f"{name}-ids.txt does not end with a line end")
        split = _map(folder, name, tuple(lines))
        count = manifest["counts"][name]
        expected = (count, *manifest["size"], 3)
        if split.images.shape != expected or split.images.dtype != np.uint8:
            raise ValueError(f"{name}-images.npy has the shape {split.images.shape}, expected {expected} of uint8")
        if len(split.ids) != count or split.labels.shape != (count,) or split.labels.dtype != np.int64:
            raise ValueError(f"{name} has {len(split.ids)} ids and {split.labels.size} labels, expected {count}")
        if count and not 0 <= split.labels.min() <= split.labels.max() < len(classes):
            raise ValueError(f"{name}-labels.npy holds labels beyond the {len(classes)} classes")
        splits[name] = split
    corrupted = _corrupted(manifest) or {}
    ice = (PROCEDURAL_FROST,) if corrupted.get("textures") == "procedural" else ()
    return Dataset(
        name=manifest["name"],
        classes=classes,
        train=splits["train"],
        val=splits["val"],
        content_hash=manifest["content_hash"],
        notes=tuple(manifest["notes"]),
        folder=folder,
        corruptions=(*corrupted.get("corruptions", ()), *ice),
    )


def _corrupted(manifest: dict[str, Any]) -> Mapping[str, Any] | None:
    found: Any = manifest.get("corrupted")
    return found if isinstance(found, dict) else None


def _map(folder: Path, name: str, ids: tuple[str, ...]) -> Split:
    labels_file, images_file = folder / f"{name}-labels.npy", images_path(folder, name)
    _check_length(labels_file)
    empty = _check_length(images_file) == 0  # Of no bytes there is no memory map.
    labels = np.load(labels_file, allow_pickle=False)
    images = np.load(images_file, mmap_mode=None if empty else "r", allow_pickle=False)
    return Split(name, images, labels, ids)


def _check_length(path: Path) -> int:
    """The bytes of data in an array file. NumPy notices a file that is too short, but not one that is too long."""
    with path.open("rb") as stream:
        header = read_header(stream)
    expected = header.start + header.size
    if path.stat().st_size != expected:
        raise ValueError(f"{path.name} has {path.stat().st_size:,} bytes, expected {expected:,}")
    return header.size


def _stamp(folder: Path) -> dict[str, list[int]]:
    statuses = {name: (folder / name).stat() for name in (MANIFEST, *_PAYLOAD)}
    return {name: [status.st_size, status.st_mtime_ns] for name, status in statuses.items()}


def _read_stamp(folder: Path) -> Any:
    try:
        return files.read_json(folder / _STAMP)
    except RuggedError:
        return None


def _write_stamp(folder: Path) -> None:
    """Remember that the content is right."""
    with suppress(RuggedError):  # On a read-only medium the content is checked each time.
        files.write_json(folder / _STAMP, _stamp(folder))
