"""A page of pictures in rows and columns, to hold them against each other pixel by pixel."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from rugged.data.drawing import BACKGROUND, FAINT, MARGIN, shortened, write

_SHOWN = 128  # Pictures are enlarged by whole numbers up to about this side: each pixel stays what it is.
_GAP = 6
_NAMES = 96
_NOTE = 16


@dataclass(frozen=True, eq=False)
class Column:
    """One picture in several states.

    Attributes:
        title: What stands above it.
        pictures: ``(H, W, 3)`` uint8, one for each row; None where there is none.
        notes: What stands beneath each.
    """

    title: str
    pictures: tuple[NDArray[np.uint8] | None, ...]
    notes: tuple[str, ...]


def draw_grid(caption: str, rows: Sequence[str], columns: Sequence[Column]) -> Image.Image:
    """Draw pictures of one size.

    Args:
        caption: For the head of the page.
        rows: Their names.
        columns: The pictures; at least one.
    """
    height, width = next(picture.shape[:2] for picture in columns[0].pictures if picture is not None)
    scale = max(1, round(_SHOWN / max(height, width)))
    size = width * scale, height * scale
    left, top = MARGIN + _NAMES, MARGIN + 50
    across, down = size[0] + _GAP, size[1] + _GAP + _NOTE
    page = Image.new("RGB", (left + len(columns) * across + MARGIN, top + len(rows) * down + MARGIN), BACKGROUND)
    draw = ImageDraw.Draw(page)
    write(draw, (MARGIN, MARGIN - 8), caption, 15)
    for row, name in enumerate(rows):
        write(draw, (MARGIN, top + row * down + size[1] // 2), name, 13, anchor="lm")
    for number, column in enumerate(columns):
        x = left + number * across
        write(draw, (x, top - 20), shortened(column.title, size[0], 12), 12)
        for row, (pixels, note) in enumerate(zip(column.pictures, column.notes, strict=True)):
            y = top + row * down
            if pixels is not None:
                page.paste(Image.fromarray(pixels).resize(size, Image.Resampling.NEAREST), (x, y))
            write(draw, (x, y + size[1] + 1), note, 11, FAINT)
    return page
