"""What pages of pictures have in common: colours, margin, and text that fits."""

from PIL import ImageDraw, ImageFont

BACKGROUND = (250, 250, 248)
INK = (32, 33, 36)
FAINT = (128, 130, 134)
MARGIN = 28


def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The font of pages, in a height of so many pixels."""
    return ImageFont.load_default(size)


def shortened(draw: ImageDraw.ImageDraw, text: str, room: float, size: int = 13) -> str:
    """As much of a text as has room in so many pixels, at a font size; an ellipsis stands for the rest."""
    written = font(size)
    if draw.textlength(text, font=written) <= room:
        return text
    while text and draw.textlength(text + "…", font=written) > room:
        text = text[:-1]
    return text.rstrip() + "…"
