"""Pairs from folders of files, as GOPRO has them: ``<root>/train/<sequence>/{blur,sharp}/<name>.png``."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from rugged.core.environment import available_cores
from rugged.core.errors import ConfigError, DataError
from rugged.data.decode import BadImageError, decode_image, orientation, upright_size
from rugged.data.sources.trees import IMAGE_ENDINGS, ending, read_file
from rugged.data.splits import hash_key
from rugged.engine import Indices
from rugged.engine.manifest import TrainedOn
from rugged.restore.pairs import HeldOut, Provenance, crop_place, flip_alike
from rugged.restore.recipe import PairsRecipe, RestoreRecipe

_HELD_OUT = 20  # One sequence of so many is not learned from.
_SIDES = ("blur", "sharp")


@dataclass(frozen=True)
class Pair:
    """Two files of one name.

    Attributes:
        sequence: The folder that holds both of their folders.
        blurred: The one file.
        sharp: The other.
        size: Height and width of both pictures, upright.
    """

    sequence: Path
    blurred: Path
    sharp: Path
    size: tuple[int, int]


@dataclass(frozen=True)
class PairFolder:
    """A folder of pairs, found and looked over.

    Attributes:
        path: The folder.
        pairs: In the order of their names.
        content_hash: Over the files' names and lengths.
    """

    path: Path
    pairs: tuple[Pair, ...]
    content_hash: str


def open_pairs(path: Path) -> PairFolder:
    """Find the pairs in a folder: ``<path>/train/<sequence>/{blur,sharp}``, or the same without one or both levels.

    Raises:
        DataError: There are none, a file has no partner or two of them, or two partners differ in size or orientation.
    """
    root = path / "train" if (path / "train").is_dir() else path
    if not root.is_dir():
        raise DataError(f"There is no folder {path}; expected one with pairs of pictures, such as GOPRO's.")
    root = root.resolve()  # It may be a sequence itself, and "." is no name for one.
    folders = [each for each in (root, *sorted(root.iterdir())) if all((each / side).is_dir() for side in _SIDES)]
    pairs = [pair for folder in folders for pair in _pairs_in(folder)]
    if not pairs:
        raise DataError(
            f"{root} holds no pairs of pictures; expected folders blur and sharp with files of the same names, "
            "in it or in folders of sequences."
        )
    if len(pairs) < 2:
        raise DataError(f"{root} holds one pair; expected two or more: one is held out to watch progress.")
    listed = "".join(
        f"{file.relative_to(root).as_posix()}\0{file.stat().st_size}\n"
        for pair in pairs
        for file in (pair.blurred, pair.sharp)
    )
    return PairFolder(path, tuple(pairs), sha256(listed.encode()).hexdigest())


def _pairs_in(folder: Path) -> Iterator[Pair]:
    blurred, sharp = (_by_name(folder / side) for side in _SIDES)
    alone = sorted(blurred.keys() ^ sharp.keys())
    if alone:
        first = blurred.get(alone[0]) or sharp[alone[0]]
        raise DataError(
            f"{first} has no partner of the same name: {len(alone)} of the pictures in {folder} stand alone. Remove "
            "them, or add what is missing."
        )
    for name in sorted(blurred):
        (one, turned), (other, other_turned) = _look_at(blurred[name]), _look_at(sharp[name])
        if turned != other_turned:
            # Of a square nobody could tell whether one of them was turned, or has only lost what says how.
            raise DataError(
                f"{blurred[name]} has the EXIF orientation {turned}, its partner {other_turned}. Store both "
                "pictures of a pair alike, such as upright and without this entry."
            )
        if one != other:
            raise DataError(
                f"{blurred[name]} has {one[0]} x {one[1]} pixels, its partner {other[0]} x {other[1]}. Both pictures "
                "of a pair must show the same, pixel by pixel."
            )
        yield Pair(folder, blurred[name], sharp[name], one)


def _by_name(folder: Path) -> dict[str, Path]:
    """The pictures in a folder by their names without the ending."""
    named: dict[str, Path] = {}
    for file in sorted(folder.iterdir()):
        if ending(file.name) in IMAGE_ENDINGS and named.setdefault(file.stem, file) != file:
            raise DataError(f"{named[file.stem]} and {file} have one name, and so one partner. Remove one of them.")
    return named


def _look_at(file: Path) -> tuple[tuple[int, int], int]:
    """Height and width of the upright picture, and how it is stored, from the head of the file."""
    try:
        with Image.open(file) as image:
            return upright_size(image), orientation(image)
    except Exception as error:  # A damaged head makes the format readers raise errors of every class.
        raise DataError(f"{file} is not a readable picture ({error}). Remove it and its partner.") from error


@dataclass(frozen=True)
class FolderPairs:
    """Pairs of files, of each of which a square is shown.

    Attributes:
        recipe: Crop and flip.
        pairs: To learn from.
        development: To look at.
        device: Where pictures are wanted.
        provenance: What they are.
        fetched_ahead: Batches that are worth fetching while the device works.
        readers: Threads that decode files.
    """

    recipe: PairsRecipe
    pairs: tuple[Pair, ...]
    development: tuple[Pair, ...]
    device: torch.device
    provenance: Provenance
    fetched_ahead: int = 2
    readers: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(available_cores(), "decode"))

    def __len__(self) -> int:
        return len(self.pairs)

    def fetch(self, indices: Indices) -> list[tuple[Tensor, Tensor]]:
        """Decode the files whole: where they are cut is for the step to draw."""
        return list(self.readers.map(_read, (self.pairs[index] for index in indices)))

    def make(self, fetched: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
        """Cut a square out of each pair, and mirror half of them."""
        cut = []
        for pair in fetched:
            place = crop_place(pair[0], self.recipe.crop) if self.recipe.crop else (slice(None),) * 2
            cut.append([picture[(..., *place)] for picture in pair])
        clean, damaged = (torch.stack(side).to(self.device) for side in zip(*cut, strict=True))
        if self.recipe.flip:
            clean, damaged = flip_alike(clean, damaged)
        return clean, damaged

    def held_out(self) -> Iterator[HeldOut]:
        """The middle of each pair."""
        for pair in self.development:
            size = self.provenance.picture_size
            top, left = ((whole - shown) // 2 for whole, shown in zip(pair.size, size, strict=True))
            place = (..., slice(top, top + size[0]), slice(left, left + size[1]))
            clean, damaged = (picture[place][None] for picture in _read(pair))
            yield HeldOut(pair.sequence.name, clean, damaged)


def take_pairs(recipe: RestoreRecipe, folder: PairFolder, device: torch.device) -> FolderPairs:
    """Make ready to learn from a folder of pairs, some of whose sequences are held out.

    Raises:
        ConfigError: Pictures smaller than the crop, or of several sizes without one.
    """
    crop, sizes = recipe.pairs.crop, sorted({pair.size for pair in folder.pairs})
    if crop is None and len(sizes) > 1:
        raise ConfigError(
            f"The pictures in {folder.path} have {len(sizes)} sizes ({sizes[0]}, {sizes[1]} …), and a batch must have "
            "one. Set pairs.crop, such as pairs.crop=256."
        )
    small = [pair for pair in folder.pairs if crop is not None and min(pair.size) < crop]
    if small:
        raise ConfigError(
            f"pairs.crop is {crop}, and {small[0].sharp} has {small[0].size[0]} x {small[0].size[1]} pixels "
            f"({len(small)} pairs are too small). Lower pairs.crop, or remove them."
        )
    learned, development = _hold_out(folder.pairs)
    return FolderPairs(
        recipe=recipe.pairs,
        pairs=learned,
        development=development[: recipe.development_pictures],
        device=device,
        provenance=Provenance(
            trained_on=TrainedOn(folder.path.resolve().name, folder.content_hash),
            picture_size=(crop, crop) if crop else sizes[0],
        ),
    )


def _hold_out(pairs: Sequence[Pair]) -> tuple[tuple[Pair, ...], tuple[Pair, ...]]:
    """Pairs to learn from, and those to look at: whole sequences, whose pictures are much alike, where there are two.

    Which they are depends on the names alone.
    """
    several = len({pair.sequence for pair in pairs}) > 1
    names = {pair: pair.sequence.name if several else pair.sharp.stem for pair in pairs}
    ranked = sorted(set(names.values()), key=lambda name: hash_key(name, "rugged development pairs"))
    chosen = set(ranked[: max(1, len(ranked) // _HELD_OUT)])
    inside = tuple(pair for pair in pairs if names[pair] not in chosen)
    return inside, tuple(pair for pair in pairs if names[pair] in chosen)


def _read(pair: Pair) -> tuple[Tensor, Tensor]:
    """The sharp picture and the blurred one, ``(3, H, W)`` uint8."""
    pictures = []
    for file in (pair.sharp, pair.blurred):
        try:
            pixels = decode_image(read_file(file)).pixels
        except BadImageError as error:
            raise DataError(f"{file} cannot be read: {error}. Remove it and its partner.") from error
        found = pixels.shape[:2]
        if found != pair.size:  # It was changed, or is a PNG that says only behind its pixels how they are stored.
            raise DataError(
                f"{file} has {found[0]} x {found[1]} pixels; its head said {pair.size[0]} x {pair.size[1]}. Store it "
                "upright, without EXIF data, and its partner likewise."
            )
        pictures.append(torch.from_numpy(np.array(pixels)).permute(2, 0, 1))
    sharp, blurred = pictures
    return sharp, blurred
