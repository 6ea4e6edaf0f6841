"""Pictures and data that are written into the page itself."""

import base64
import io
import json
from pathlib import Path
from typing import Any

from markupsafe import Markup
from PIL import Image

from rugged.core.errors import ResultsError


def read_picture(path: Path, size: tuple[int, int]) -> Image.Image:
    """Read a picture that a benchmark kept.

    Args:
        path: Its file.
        size: The width and height that it must have.

    Raises:
        ResultsError: It is missing, damaged, or of another size.
    """
    picture = open_picture(path)
    if picture.size != size:
        raise ResultsError(f"{path} is {picture.size} pixels, expected {size}. Run `rugged benchmark` again.")
    return picture


def open_picture(path: Path, command: str = "benchmark") -> Image.Image:
    """Read a picture that a command saved, as RGB.

    Raises:
        ResultsError: It is missing or damaged.
    """
    try:
        with Image.open(path) as image:
            return image.convert("RGB")
    except (OSError, SyntaxError, ValueError) as error:  # Pillow reports some broken PNG chunks as SyntaxError.
        raise ResultsError(f"{path} cannot be read ({error}). Run `rugged {command}` again.") from error


def picture_uri(picture: Image.Image, quality: int | None) -> str:
    """A picture as a data URI: as JPEG of some quality, or to the bit as PNG."""
    stream = io.BytesIO()
    if quality is None:
        picture.save(stream, "PNG", compress_level=9)
        return file_uri("png", stream.getvalue())
    picture.save(stream, "JPEG", quality=quality, subsampling=0, optimize=True)
    return file_uri("jpeg", stream.getvalue())


def file_uri(kind: str, data: bytes) -> str:
    """A picture's file as a data URI."""
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"


def script_data(value: Any) -> Markup:
    """JSON that may stand in a script element, whatever its strings hold: nothing in it can end the element."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)
