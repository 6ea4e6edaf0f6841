"""Pictures in their own size, for what crops them itself: those of a source undecoded, those of a pack as packed."""

from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rugged.core.errors import DataError
from rugged.core.files import expanded, require_outside
from rugged.core.progress import say
from rugged.data import packed
from rugged.data.decode import BadImageError, decode_image
from rugged.data.last_time import last_time
from rugged.data.locks import digest
from rugged.data.opening import holdout_of, is_name, open_dataset
from rugged.data.packing import require_usable
from rugged.data.sources import Picture as SourcePicture
from rugged.data.sources import fingerprint, read_source
from rugged.data.splits import evenly
from rugged.perturbations.writing import Picture


def pictures_in_own_size(
    where: str, split: str, out: Path, limit: int | None = None
) -> tuple[list[Picture], dict[str, str]]:
    """Find the pictures of a split, which holds the same ones as when ``where`` is opened as a data set.

    Args:
        where: As for ``open_dataset``.
        split: ``train`` or ``val``.
        out: The folder where something is to be made of them.
        limit: Only so many, taken evenly over the classes.

    Returns:
        The pictures in the order of their ids, and what they are, for the record: a name, a hash of the content, and
        of a source one of the ids in the split, which also depends on how it was packed.

    Raises:
        DataError: Nothing of that name, a source that cannot be used, an empty split, or an ``out`` that would be read
            as part of the data.
    """
    path = expanded(where)
    if is_name(where) or packed.is_pack(path) or not path.exists():
        dataset = open_dataset(where)
        packed.require_apart(out, dataset)
        chosen = dataset.train if split == "train" else dataset.val
        pictures = [Picture(name, partial(_row, chosen.images, row)) for row, name in enumerate(chosen.ids)]
        facts = {"name": dataset.name, "content": dataset.content_hash}
    else:
        require_outside(out, [path.resolve()])
        found = read_source(path, holdout_of(path))
        for note in found.notes:
            say(note)
        by_id = {picture.id: picture for picture in reversed(found.splits()[split])}  # Of several, the first counts.
        last = last_time(path)
        if last is not None and last.bad_images == "skip":  # Only the pack says which could not be used.
            dataset = open_dataset(where)
            by_id = {name: by_id[name] for name in (dataset.train if split == "train" else dataset.val).ids}
        else:
            require_usable(found)
        pictures = [Picture(name, partial(_decode, by_id[name])) for name in sorted(by_id)]
        facts = {"name": found.name, "content": fingerprint(path), "pictures": digest("\n".join(sorted(by_id)))}
    if not pictures:
        raise DataError(f"{where} has no pictures in the split {split!r}. Choose the other one with --split.")
    if limit is not None:
        labels = np.unique([picture.id.partition("/")[0] for picture in pictures], return_inverse=True)[1]
        pictures = [pictures[index] for index in evenly(labels.astype(np.int64), limit)]
    return pictures, facts


def _row(images: NDArray[np.uint8], row: int) -> NDArray[np.uint8]:
    pixels: NDArray[np.uint8] = images[row]
    return pixels


def _decode(picture: SourcePicture) -> NDArray[np.uint8]:
    try:
        return decode_image(picture.load()).pixels
    except BadImageError as error:
        raise DataError(f"{picture.where} cannot be used: {error}. Mend or remove it, then run again.") from error
