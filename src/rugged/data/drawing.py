"""What pages of pictures have in common: colours, margin, and text that fits."""

import unicodedata
from functools import cache
from importlib.metadata import distribution

from PIL import ImageDraw, ImageFont

BACKGROUND = (250, 250, 248)
INK = (32, 33, 36)
FAINT = (128, 130, 134)
MARGIN = 28

_NO_CHARACTER = "\uffff"


def write(
    draw: ImageDraw.ImageDraw,
    where: tuple[float, float],
    text: str,
    size: int,
    fill: tuple[int, int, int] = INK,
    anchor: str = "la",
) -> None:
    """Write one line on a page.

    Args:
        draw: The page.
        where: x and y of the anchor.
        text: What the font lacks is written as Python writes it in ASCII.
        size: Of the font, in pixels.
        fill: Colour.
        anchor: Which point of the text stands there, as Pillow names them.
    """
    draw.text(where, legible(text), font=_font(size), fill=fill, anchor=anchor)


def width(text: str, size: int) -> float:
    """How many pixels a line takes."""
    return _font(size).getlength(legible(text))


def shortened(text: str, room: float, size: int = 13) -> str:
    """As much of a text as has room in so many pixels, at a font size; an ellipsis stands for the rest."""
    text = legible(text)
    if width(text, size) <= room:
        return text
    while text and width(text + "…", size) > room:
        text = text[:-1]
    return text.rstrip() + "…"


def legible(text: str) -> str:
    r"""A text with ``\u732b`` for a character that the font lacks, which it would show as a box like all others.

    Accents become part of their letters, from which some systems part them in names of files.
    """
    composed = unicodedata.normalize("NFC", text)
    return "".join(c if _has(c) else c.encode("unicode_escape").decode("ascii") for c in composed)


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with Matplotlib: Pillow's own font knows no letters but those of Western Europe."""
    fonts = distribution("matplotlib").locate_file("matplotlib/mpl-data/fonts/ttf")  # Importing it would take a second.
    return ImageFont.truetype(str(fonts / "DejaVuSans.ttf"), size)


@cache
def _has(character: str) -> bool:
    """Whether the font has a character: for what it lacks it draws the same box as for what is none."""
    if "\ud800" <= character <= "\udfff":
        return False
    shapes = [_font(16).getmask(one) for one in (character, _NO_CHARACTER)]
    return shapes[0].size != shapes[1].size or bytes(shapes[0]) != bytes(shapes[1])
