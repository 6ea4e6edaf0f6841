"""The published collections of corrupted pictures, known by what they hold and not by what they are called."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from rugged.data.official.archive import Contents


@dataclass(frozen=True)
class _Collection:
    """What tells a collection.

    Attributes:
        layout: Of its files.
        stored: How they keep pixels.
        classes: How many.
        class_list: SHA-256 over the sorted class ids, a line each; None where these have no official form.
        images: In each cell.
        side: Of a picture.
    """

    layout: str
    stored: str
    classes: int
    class_list: str | None
    images: int
    side: int


_IMAGENET = "70002b0ff5de60a3a17a82dbfcff291931f96225ddf941ad2e182fc39e183d15"
_TINY_IMAGENET = "342d6acf18911d62da4c981221f833718a3ef8299e55512239e09c64e49a344c"

_KNOWN = {
    "ImageNet-C": _Collection("pictures", "jpeg85", 1000, _IMAGENET, 50_000, 224),
    "Tiny ImageNet-C": _Collection("pictures", "jpeg85", 200, _TINY_IMAGENET, 10_000, 64),
    "CIFAR-10-C": _Collection("arrays", "no", 10, None, 10_000, 32),
    "CIFAR-100-C": _Collection("arrays", "no", 100, None, 10_000, 32),
}

OTHER_PICTURES = ("Tiny ImageNet-C",)
"""Collections that were not made from the validation split of the data set of that name."""


def collection_of(contents: Contents, classes: Sequence[str]) -> str | None:
    """The published collection that files are the whole of, going by classes, number, size and storage of the pictures.

    Args:
        contents: Of the files. What ``rugged corrupt`` wrote is no published collection.
        classes: The data set's class ids.
    """
    if contents.manifest is not None:
        return None
    listed = sha256("".join(f"{each}\n" for each in sorted(classes)).encode()).hexdigest()
    found = (contents.layout, contents.stored, len(classes), len(contents.ids), *contents.size)
    for name, known in _KNOWN.items():
        wanted = (known.layout, known.stored, known.classes, known.images, known.side, known.side)
        if found == wanted and known.class_list in (None, listed):
            return name
    return None
