"""Data sets: found, decoded once into a pack, and opened as memory maps.

Importing this package is cheap; what a name needs is imported when it is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rugged.data.contact_sheet import draw_contact_sheet as draw_contact_sheet
    from rugged.data.corrupted.one_per_image import write_one_per_image as write_one_per_image
    from rugged.data.corrupted.own_size import write_corrupted_files as write_corrupted_files
    from rugged.data.corrupted.writer import write_corrupted as write_corrupted
    from rugged.data.dataset import ClassInfo as ClassInfo
    from rugged.data.dataset import Dataset as Dataset
    from rugged.data.dataset import Split as Split
    from rugged.data.decode import decode_image as decode_image
    from rugged.data.opening import as_dataset as as_dataset
    from rugged.data.opening import open_dataset as open_dataset
    from rugged.data.opening import open_pack as open_pack
    from rugged.data.opening import pack_source as pack_source
    from rugged.data.opening import prepare_tiny_imagenet as prepare_tiny_imagenet
    from rugged.data.packed import content_hash as content_hash
    from rugged.data.splits import development_split as development_split

_HOMES = {
    "ClassInfo": "dataset",
    "Dataset": "dataset",
    "Split": "dataset",
    "as_dataset": "opening",
    "content_hash": "packed",
    "draw_contact_sheet": "contact_sheet",
    "decode_image": "decode",
    "development_split": "splits",
    "open_dataset": "opening",
    "open_pack": "opening",
    "pack_source": "opening",
    "prepare_tiny_imagenet": "opening",
    "write_corrupted": "corrupted.writer",
    "write_corrupted_files": "corrupted.own_size",
    "write_one_per_image": "corrupted.one_per_image",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(_HOMES)
