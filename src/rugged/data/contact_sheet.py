"""A contact sheet: a few pictures of each class on one page, to see what the data is."""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from rugged.data.dataset import ClassInfo, Dataset
from rugged.data.drawing import BACKGROUND, FAINT, MARGIN, shortened, width, write
from rugged.data.splits import hash_key

_GAP = 4
_SMALL = 11
_SIDES = (40, 96)  # A picture is shown between these sides, so that small ones are seen and large ones fit.


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where things stand: blocks, one a class, in columns read from top to bottom."""

    side: int
    pictures: int
    columns: int
    rows: int

    @property
    def block(self) -> tuple[int, int]:
        return self.pictures * (self.side + _GAP) + 20, self.side + 34

    @property
    def page(self) -> tuple[int, int]:
        width, height = self.block
        return 2 * MARGIN + self.columns * width - 20, 2 * MARGIN + 58 + self.rows * height

    def corner(self, label: int) -> tuple[int, int]:
        width, height = self.block
        column, row = divmod(label, self.rows)
        return MARGIN + column * width, MARGIN + 58 + row * height


def draw_contact_sheet(dataset: Dataset, per_class: int | None = None) -> Image.Image:
    """Draw a few training pictures of each class, chosen by the hash of their ids.

    Args:
        dataset: The data. A class without training pictures shows validation pictures.
        per_class: Pictures of each class; None: 12, or 6 where there are more than 40 classes.

    Returns:
        An RGB page. Its proportions are near those of a screen, whatever the number of classes.
    """
    many = len(dataset.classes) > 40
    layout = _layout(len(dataset.classes), per_class or (6 if many else 12), dataset.size[0])
    page = Image.new("RGB", layout.page, BACKGROUND)
    draw = ImageDraw.Draw(page)
    high, wide = dataset.size
    write(draw, (MARGIN, MARGIN - 4), dataset.name, 26)
    summary = (
        f"{len(dataset.classes)} classes · {len(dataset.train):,} training and {len(dataset.val):,} validation "
        f"pictures of {wide} x {high} · {dataset.content_hash[:12]}"
    )
    write(draw, (MARGIN, MARGIN + 28), summary, 13, FAINT)
    for label, (info, train, val) in enumerate(dataset.counts()):
        _draw_class(page, draw, layout, dataset, label, info, f"{train:,} + {val:,}")
    return page


def _layout(classes: int, pictures: int, size: int) -> _Layout:
    low, high = _SIDES
    side = min(max(size, low), high)
    block = _Layout(side, pictures, 1, 1).block
    # Columns so that the page is about 1.4 times as wide as high.
    columns = min(max(round(math.sqrt(1.4 * classes * block[1] / block[0])), 1), classes)
    return _Layout(side, pictures, columns, math.ceil(classes / columns))


def _draw_class(
    page: Image.Image,
    draw: ImageDraw.ImageDraw,
    layout: _Layout,
    dataset: Dataset,
    label: int,
    info: ClassInfo,
    counts: str,
) -> None:
    left, top = layout.corner(label)
    right = left + layout.pictures * (layout.side + _GAP) - _GAP
    write(draw, (right, top + 2), counts, _SMALL, FAINT, "ra")
    room = right - left - width(counts, _SMALL) - 8
    title = shortened(info.name, room)
    write(draw, (left, top), title, 13)
    after = width(title, 13) + 8
    if info.id != info.name and after + width(info.id, _SMALL) <= room:
        write(draw, (left + after, top + 2), info.id, _SMALL, FAINT)
    for place, pixels in enumerate(_choose(dataset, label, layout.pictures)):
        picture = Image.fromarray(pixels)
        if picture.size != (layout.side, layout.side):
            picture = picture.resize((layout.side, layout.side), Image.Resampling.LANCZOS)
        page.paste(picture, (left + place * (layout.side + _GAP), top + 20))


def _choose(dataset: Dataset, label: int, count: int) -> list[np.ndarray[tuple[int, ...], np.dtype[np.uint8]]]:
    for split in (dataset.train, dataset.val):
        members = np.flatnonzero(split.labels == label).tolist()
        if members:
            ranked = sorted(members, key=lambda position: hash_key(split.ids[position], "rugged contact sheet"))
            return [np.asarray(split.images[position]) for position in ranked[:count]]
    return []
