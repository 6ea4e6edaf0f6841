"""``manifest.json`` of a folder of corrupted pictures: what it holds, how it was made, and whether it is whole."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rugged.core import files
from rugged.core.differences import differences
from rugged.core.environment import versions
from rugged.core.errors import DataError, RuggedError
from rugged.corruptions import STREAM_VERSION, Corruptor
from rugged.data.dataset import Dataset

MANIFEST = "manifest.json"
KIND = "corrupted pictures"

_FORMAT = 1
_DECIDING = ("rugged", "torch", "numpy", "opencv-python-headless", "pillow")  # which reads and draws frost
_PROGRESS = ("counts", "complete", "missing_shards", "notes")
_NOT_OFFICIAL = (
    "The pictures are those of Tiny ImageNet itself. The official Tiny ImageNet-C was made from other photographs, "
    "so scores on the two cannot be compared."
)


def source_of(dataset: Dataset, split: str, pictures: int) -> dict[str, Any]:
    """Say which pictures are corrupted: so many of a split of a data set, or of ``all``."""
    return {
        "name": dataset.name,
        "content_hash": dataset.content_hash,
        "split": split,
        "pictures": pictures,
        "size": list(dataset.size),
    }


def describe(
    source: Mapping[str, Any], corruptor: Corruptor, corruptions: tuple[str, ...], severities: tuple[int, ...]
) -> dict[str, Any]:
    """Say what decides the bytes that are written.

    Args:
        source: Which pictures.
        corruptor: How they are corrupted.
        corruptions: In which ways.
        severities: How severely.
    """
    return {
        "source": source,
        "corruptions": list(corruptions),
        "severities": list(severities),
        "preset": corruptor.preset,
        "textures": corruptor.textures_label,
        "seed": corruptor.seed,
        "stream_version": STREAM_VERSION,
        "versions": versions(_DECIDING),
    }


def notes(dataset: Dataset, corruptor: Corruptor) -> list[str]:
    """What a reader of scores must know, as sentences."""
    own = [_NOT_OFFICIAL] if dataset.name == "tiny-imagenet" else []
    return [*dataset.notes, *corruptor.notes(*dataset.size), *own]


def wanted_of(description: Mapping[str, Any], file_format: str, remarks: list[str]) -> dict[str, Any]:
    """The manifest of what is to be written, but for the progress."""
    return {"format": _FORMAT, "kind": KIND, **description, "file_format": file_format, "notes": remarks}


def require_same(path: Path, wanted: Mapping[str, Any]) -> None:
    """Refuse a folder whose manifest, if there is one, says something else.

    Raises:
        DataError: It is of something else; each difference is named.
    """
    if not path.exists():
        return
    try:
        saved = files.read_json(path)
    except RuggedError as error:
        raise DataError(
            f"{error} Choose another folder than {path.parent}, or delete it if rugged corrupt wrote it."
        ) from error
    if not isinstance(saved, dict) or saved.get("kind") != KIND:
        raise DataError(f"{path.parent} holds something that rugged corrupt has not written. Choose another folder.")
    found = differences(saved, wanted, _PROGRESS)
    if found:
        raise DataError(
            f"{path.parent} was begun otherwise: {'; '.join(found)}. Run the command that began it, choose another "
            "folder, or delete this one."
        )


def write(path: Path, manifest: Mapping[str, Any], counts: Mapping[str, Any], missing: list[str]) -> None:
    """Write a manifest with what is there by now."""
    state = {"counts": counts, "complete": not missing, "missing_shards": missing}
    files.write_json(path, {**manifest, **state})
