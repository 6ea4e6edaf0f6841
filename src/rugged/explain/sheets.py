"""Pages of pictures in rows and columns, with words beside, above and below them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from rugged.data.drawing import BACKGROUND, FAINT, INK, MARGIN, shortened, width, write

WRONG = (176, 32, 32)

_SHOWN = 112  # Pictures are enlarged by whole numbers to about this side, or shrunk to it.
_GAP = 8
_LABELS = 132
_HEAD = 74
_LINE = 15
_SMALL = 12


@dataclass(frozen=True, eq=False)
class Cell:
    """A picture, ``(H, W, 3)`` uint8, with lines below it; ``wrong`` sets them in red."""

    picture: NDArray[np.uint8]
    lines: tuple[str, ...] = ()
    wrong: bool = False


@dataclass(frozen=True)
class Row:
    """Lines at the left, and cells from left to right; None leaves a place free."""

    labels: tuple[str, ...]
    cells: tuple[Cell | None, ...]


@dataclass(frozen=True)
class Sheet:
    """A page: title, a line that says how to read it, heads of the columns, rows."""

    title: str
    note: str
    heads: tuple[str, ...]
    rows: tuple[Row, ...]


def draw_sheet(sheet: Sheet) -> Image.Image:
    """Draw a page: RGB, as wide as its columns and its title need."""
    pictures = [[None if cell is None else _shown(cell.picture) for cell in row.cells] for row in sheet.rows]
    present = [picture for row in pictures for picture in row if picture is not None]
    wide = max(picture.width for picture in present)
    heights = [
        max(picture.height for picture in row if picture is not None)
        + _LINE * max((len(cell.lines) for cell in each.cells if cell is not None), default=0)
        + _GAP
        for row, each in zip(pictures, sheet.rows, strict=True)
    ]
    texts = max(width(sheet.title, 20), width(sheet.note, _SMALL))
    across = 2 * MARGIN + max(_LABELS + len(sheet.heads) * (wide + _GAP) - _GAP, int(texts) + 1)
    page = Image.new("RGB", (across, 2 * MARGIN + _HEAD + sum(heights) - _GAP), BACKGROUND)
    draw = ImageDraw.Draw(page)
    write(draw, (MARGIN, MARGIN - 4), sheet.title, 20)
    write(draw, (MARGIN, MARGIN + 24), sheet.note, _SMALL, FAINT)
    for column, head in enumerate(sheet.heads):
        left = MARGIN + _LABELS + column * (wide + _GAP)
        write(draw, (left, MARGIN + _HEAD - 20), shortened(head, wide, _SMALL), _SMALL)
    top = MARGIN + _HEAD
    for row, shown, height in zip(sheet.rows, pictures, heights, strict=True):
        _draw_row(page, draw, row, shown, top, wide)
        top += height
    return page


def _draw_row(
    page: Image.Image, draw: ImageDraw.ImageDraw, row: Row, shown: list[Image.Image | None], top: int, wide: int
) -> None:
    for number, label in enumerate(row.labels):
        size = _SMALL if number else 13
        text = shortened(label, _LABELS - 2 * _GAP, size)
        write(draw, (MARGIN, top + number * 18), text, size, FAINT if number else INK)
    for column, (cell, picture) in enumerate(zip(row.cells, shown, strict=True)):
        if cell is None or picture is None:
            continue
        left = MARGIN + _LABELS + column * (wide + _GAP)
        page.paste(picture, (left, top))
        for number, line in enumerate(cell.lines):
            place = (left, top + picture.height + 1 + number * _LINE)
            colour = WRONG if cell.wrong and number == 0 else INK if number == 0 else FAINT
            write(draw, place, shortened(line, wide, _SMALL), _SMALL, colour)


def _shown(pixels: NDArray[np.uint8]) -> Image.Image:
    image = Image.fromarray(pixels)
    longest = max(image.size)
    if longest > 2 * _SHOWN:
        return image.resize(
            (max(1, round(image.width * 2 * _SHOWN / longest)), max(1, round(image.height * 2 * _SHOWN / longest))),
            Image.Resampling.BOX,
        )
    scale = max(1, round(_SHOWN / longest))
    return image.resize((image.width * scale, image.height * scale), Image.Resampling.NEAREST)


def mosaic(tiles: NDArray[np.uint8], columns: int, scale: int, gap: int) -> NDArray[np.uint8]:
    """Lay small pictures out as one.

    Args:
        tiles: ``(N, h, w, 3)`` uint8, N at least 1.
        columns: How many stand beside one another.
        scale: How many pixels a side each pixel becomes.
        gap: Pixels between them, in the page's colour.

    Returns:
        ``(H, W, 3)`` uint8.
    """
    large = tiles.repeat(scale, axis=1).repeat(scale, axis=2)
    count, high, wide = large.shape[:3]
    columns = min(columns, count)
    rows = -(-count // columns)
    page = np.empty((rows * (high + gap) - gap, columns * (wide + gap) - gap, 3), np.uint8)
    page[:] = BACKGROUND
    for place, tile in enumerate(large):
        row, column = divmod(place, columns)
        top, left = row * (high + gap), column * (wide + gap)
        page[top : top + high, left : left + wide] = tile
    return page
