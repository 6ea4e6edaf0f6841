"""The page that everybody knows: one picture, a row for each corruption, a column for each severity."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from rugged.core.catalogue import ALL, EXTRA, SEVERITIES, display_name
from rugged.core.errors import DataError
from rugged.core.selection import choose_corruptions, choose_severities
from rugged.corruptions import Corruptor, choose_corruptor
from rugged.data.dataset import Dataset, Split
from rugged.data.decode import BadImageError, decode_image
from rugged.data.drawing import BACKGROUND, FAINT, MARGIN, width, write
from rugged.data.sources.trees import read_file
from rugged.data.splits import hash_key

LONGEST = 512
"""A picture file with a longer side is shrunk to it: the page would be larger than a screen can be scrolled over."""

_SHOWN = 128  # Pictures are enlarged by whole numbers up to about this side: each pixel stays what it is.
_LEAST = 36  # A cell's sides, however thin the picture: what is written beside and above it takes so much room.
_GAP = 5
_NAMES = 148
_HEAD = 104
_GROUPS = {
    "Noise": ("gaussian_noise", "shot_noise", "impulse_noise"),
    "Blur": ("defocus_blur", "glass_blur", "motion_blur", "zoom_blur"),
    "Weather": ("snow", "frost", "fog", "brightness"),
    "Digital": ("contrast", "elastic_transform", "pixelate", "jpeg_compression"),
    "Extra": EXTRA,
}
_REST = "Others"  # Corruptions that somebody has added: the set ``extra`` does not hold them either.


@dataclass(frozen=True, eq=False)
class PreviewPicture:
    """A picture to show.

    Attributes:
        pixels: ``(H, W, 3)`` uint8.
        id: What its randomness is keyed by.
        caption: Where it is from, for the page.
    """

    pixels: NDArray[np.uint8]
    id: str
    caption: str


def picture_of(dataset: Dataset, split: Split, identifier: str | None = None) -> PreviewPicture:
    """Choose a picture of a data set; unless one is named, a bright and colourful one.

    Raises:
        DataError: There is no picture of this id, or none at all.
    """
    if not len(split):
        raise DataError(f"The {split.name} split of {dataset.name} is empty. Choose the other one with --split.")
    if identifier is None:
        position = _most_telling(split)
    elif identifier in split.ids:
        position = split.ids.index(identifier)
    else:
        raise DataError(
            f"There is no picture {identifier!r} in the {split.name} split of {dataset.name}; its ids look like "
            f"{split.ids[0]!r}."
        )
    name = split.ids[position]
    return PreviewPicture(np.array(split.images[position]), name, f"{name} of {dataset.name}")


def read_picture(file: Path, side: int | None = None) -> PreviewPicture:
    """Read a picture file: its own size, shrunk where its longer side is beyond ``LONGEST`` pixels.

    Args:
        file: The picture.
        side: Fit it to a square of this side.

    Raises:
        DataError: It cannot be read, or is not a picture.
    """
    try:
        pixels = decode_image(read_file(file), side).pixels
    except BadImageError as error:
        raise DataError(f"{file} cannot be shown: {error}. Name another picture, or a data set.") from error
    image, caption = Image.fromarray(pixels), file.name
    if max(image.size) > LONGEST:
        image.thumbnail((LONGEST, LONGEST), Image.Resampling.LANCZOS)
        caption += ", reduced"
    return PreviewPicture(np.array(image), file.stem, caption)


def draw_preview(
    picture: PreviewPicture,
    *,
    corruptions: Sequence[str] = ALL,
    severities: Sequence[int] = SEVERITIES,
    preset: str | None = None,
    seed: int = 0,
    textures: str | None = None,
) -> Image.Image:
    """Draw the page.

    Args:
        picture: The picture.
        corruptions: Names of corruptions or of sets of them.
        severities: Some of 1 to 5.
        preset: Table of severities; by the picture's size unless named.
        seed: Of the keyed draws.
        textures: For frost: a folder of the published photographs, or ``"procedural"``; None looks for the photographs
            and fetches them on first use.

    Returns:
        An RGB page.

    Raises:
        ConfigError: A corruption, severity or preset that does not exist.
        CorruptionError: A picture of this size cannot be corrupted so.
    """
    names, levels = choose_corruptions(corruptions), choose_severities(severities)
    corruptor = choose_corruptor(picture.pixels.shape[:2], names, preset, seed, textures)
    page = _Page(picture, corruptor, names, levels)
    page.draw_head()
    for row, name in enumerate(names):
        page.draw_row(row, name)
    return page.image


class _Page:
    """The page while it is drawn: a grid of cells below a head, with names at the left."""

    def __init__(
        self, picture: PreviewPicture, corruptor: Corruptor, names: Sequence[str], severities: Sequence[int]
    ) -> None:
        self.picture, self.corruptor, self.names, self.severities = picture, corruptor, names, severities
        down, across = picture.pixels.shape[:2]
        facts = [f"{across} x {down}", f"preset {corruptor.preset}", f"seed {corruptor.seed}"]
        self.lines = [" · ".join([picture.caption, *facts]), *corruptor.notes(down, across)]
        self.scale = max(1, round(_SHOWN / max(down, across)))
        self.cell: tuple[int, int] = (
            max(across * self.scale, _LEAST) + _GAP,
            max(down * self.scale, _LEAST) + _GAP,
        )
        columns = len(severities) + 1
        grid = MARGIN + _NAMES + columns * self.cell[0] - _GAP
        right = max(grid, MARGIN + ceil(max(width(line, 13) for line in self.lines)))
        bottom = MARGIN + _HEAD + len(names) * self.cell[1] + self._groups_before(len(names) - 1) * _GAP * 3
        self.image = Image.new("RGB", (right + MARGIN, bottom + MARGIN), BACKGROUND)
        self.draw = ImageDraw.Draw(self.image)

    def draw_head(self) -> None:
        """The title, what is shown, and the heads of the columns."""
        write(self.draw, (MARGIN, MARGIN - 4), "Common corruptions", 26)
        for number, line in enumerate(self.lines):
            write(self.draw, (MARGIN, MARGIN + 30 + 18 * number), line, 13, FAINT)
        for column, head in enumerate(("clean", *map(str, self.severities))):
            write(self.draw, (self._middle(column), MARGIN + _HEAD - 8), head, 13, FAINT, "ms")

    def draw_row(self, row: int, name: str) -> None:
        """A corruption: its name, the clean picture, and the severities."""
        top = MARGIN + _HEAD + row * self.cell[1] + self._groups_before(row) * _GAP * 3
        middle = top + (self.cell[1] - _GAP) / 2
        first = row == 0 or _group(self.names[row - 1]) != _group(name)
        if first:
            write(self.draw, (MARGIN, top), _group(name).upper(), 10, FAINT)
        write(self.draw, (MARGIN, middle), display_name(name), 14, anchor="lm")
        self._paste(0, middle, self.picture.pixels)
        clean = torch.from_numpy(self.picture.pixels[None]).permute(0, 3, 1, 2)
        for column, severity in enumerate(self.severities, start=1):
            corrupted = self.corruptor(clean, name, severity, ids=[self.picture.id])
            self._paste(column, middle, corrupted[0].permute(1, 2, 0).contiguous().numpy())

    def _paste(self, column: int, middle: float, pixels: NDArray[np.uint8]) -> None:
        image = Image.fromarray(pixels)
        shown = image.resize((image.width * self.scale, image.height * self.scale), Image.Resampling.NEAREST)
        self.image.paste(shown, (int(self._middle(column) - shown.width / 2), int(middle - shown.height / 2)))

    def _middle(self, column: int) -> float:
        return MARGIN + _NAMES + column * self.cell[0] + (self.cell[0] - _GAP) / 2

    def _groups_before(self, row: int) -> int:
        return len({_group(name) for name in self.names[: row + 1]}) - 1


def _group(name: str) -> str:
    return next((group for group, members in _GROUPS.items() if name in members), _REST)


def _most_telling(split: Split) -> int:
    """Of a few dozen pictures the one with the largest fields of different colours: there corruptions show best."""
    ranked = sorted(range(len(split)), key=lambda position: hash_key(split.ids[position], "rugged preview"))

    def telling(position: int) -> float:
        fields = np.asarray(Image.fromarray(split.images[position]).resize((8, 8), Image.Resampling.BOX), np.float64)
        return float(fields.std((0, 1)).sum() + (fields - fields.mean(2, keepdims=True)).std((0, 1)).sum())

    return max(ranked[:64], key=telling)
