"""From the bytes of a picture to upright uint8 RGB pixels. The content decides the format, never the file's name."""

import io
import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

# Pillow's own threshold against decompression bombs (a quarter of a gigabyte as RGB), as a refusal, not a warning.
PIXEL_LIMIT = 89_478_485
LARGEST_SIDE = math.isqrt(PIXEL_LIMIT)

# What Pillow may try: the formats of ``sources.trees.IMAGE_ENDINGS``. Others, such as EPS, would start a program.
# TGA has no signature and would take others for its own: it comes last.
FORMATS = ("JPEG", "PNG", "BMP", "DIB", "GIF", "WEBP", "TIFF", "PPM", "JPEG2000", "AVIF", "ICO", "TGA")

SIGNATURE = 16
"""Bytes that a file is recognised by."""

_ORIENTATION = 0x0112
_SIDEWAYS = frozenset({5, 6, 7, 8})  # What is stored as a row stands upright.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF8", b"II*\x00", b"MM\x00*", b"BM")


class BadImageError(Exception):
    """A picture that cannot be used.

    Args:
        reason: A few words, the same for every picture with this fault: they are counted by it.
        detail: What was found in this one.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason} ({detail})" if detail else reason)
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Decoded:
    """A decoded picture.

    Attributes:
        pixels: ``(H, W, 3)`` uint8.
        changes: What was done beside plain decoding, for the notes: "greyscale became RGB".
    """

    pixels: NDArray[np.uint8]
    changes: tuple[str, ...]


def looks_like_image(head: bytes) -> bool:
    """Whether the first ``SIGNATURE`` bytes of a file are those of a picture, whatever the file is called."""
    return head.startswith(_SIGNATURES) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")


def decode_image(data: bytes, side: int | None = None, *, shorter: int | None = None, enlarge: bool = True) -> Decoded:
    """Decode a picture of one of ``FORMATS``.

    EXIF rotation is applied; greyscale, palette and CMYK become RGB as Pillow converts them (colour profiles are not
    applied); transparency is laid on white, as a browser would show it; 16-bit greyscale is scaled to 8 bits. The
    first frame of an animation counts.

    Args:
        data: The file's bytes.
        side: Fit to ``side`` x ``side``: the shorter side is resized (bicubic with antialiasing), then the centre is
            cropped, with the arithmetic of torchvision's ``Resize`` and ``CenterCrop``. None leaves the size alone.
        shorter: What the shorter side is resized to, at least ``side``: 256 before a crop of 224 is ImageNet's
            custom. None for ``side``.
        enlarge: False leaves a picture whose shorter side is below ``side`` as large as it is, and only crops it.

    Raises:
        BadImageError: Empty, not a picture, truncated, too large, or of pixels that have no meaning as RGB.
    """
    if not data:
        raise BadImageError("empty file", "0 bytes")
    return convert_image(_load(data), side, shorter=shorter, enlarge=enlarge)


def convert_image(
    image: Image.Image, side: int | None = None, *, shorter: int | None = None, enlarge: bool = True
) -> Decoded:
    """Make upright RGB pixels of a picture that Pillow has opened, as ``decode_image`` does.

    Args:
        image: The picture.
        side: As for ``decode_image``.
        shorter: As for ``decode_image``.
        enlarge: As for ``decode_image``.

    Raises:
        BadImageError: It has no pixels, cannot be loaded after all, or its pixels have no meaning as RGB.
    """
    if not all(image.size):
        raise BadImageError("no pixels", f"{image.width} x {image.height}")
    _require_loaded(image)
    image, rotated = _upright(image)
    image, converted = _as_rgb(image)
    fitted = None
    if side is not None:
        side = side if enlarge else min(side, *image.size)
        image, fitted = _fit(image, side, shorter or side)
    changes = tuple(change for change in (rotated, converted, fitted) if change)
    return Decoded(np.asarray(image), changes)


def _load(data: bytes) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(data), formats=_readable())
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise BadImageError("too many pixels", f"more than {PIXEL_LIMIT:,}") from error
    except UnidentifiedImageError as error:
        raise BadImageError("not a picture", f"{len(data):,} bytes that begin with {data[:8]!r}") from error
    except Exception as error:  # A damaged header makes the format readers raise errors of every class.
        raise BadImageError("damaged", f"{type(error).__name__}: {error}") from error
    if image.width * image.height > PIXEL_LIMIT:
        raise BadImageError("too many pixels", f"{image.width} x {image.height}; at most {PIXEL_LIMIT:,} pixels")
    return image


def _require_loaded(image: Image.Image) -> None:
    try:
        image.load()
    except MemoryError:  # No fault of the picture's.
        raise
    except Exception as error:  # As above: struct.error, SyntaxError, zlib.error, EOFError, IndexError ...
        truncated = "truncated" in str(error) or isinstance(error, EOFError)
        reason = "truncated" if truncated else "damaged"
        raise BadImageError(reason, str(error) or type(error).__name__) from error


@cache
def _readable() -> tuple[str, ...]:
    """The formats that this Pillow knows: AVIF is not in every one, and asking for it would be an error."""
    Image.init()
    return tuple(name for name in FORMATS if name in Image.OPEN)


def orientation(image: Image.Image) -> int:
    """How a picture that Pillow has opened is stored, as EXIF numbers it: 1 is upright, up to 8.

    Nothing is decoded for it. Of a PNG that is not loaded yet, EXIF data behind the pixels are not seen.
    """
    try:
        # Not the method of PNGs: where it finds nothing it decodes the picture, to look behind the pixels.
        found = Image.Image.getexif(image).get(_ORIENTATION, 1)
    except Exception:  # Damaged EXIF data say nothing of the pixels.
        return 1
    return found if found in _UPRIGHT else 1


def upright_size(image: Image.Image) -> tuple[int, int]:
    """Height and width that a picture will have which Pillow has opened and not loaded, once it is decoded."""
    swapped = orientation(image) in _SIDEWAYS and image.format != "TIFF"  # Of these Pillow gives the upright size.
    return image.size if swapped else image.size[::-1]


def _upright(image: Image.Image) -> tuple[Image.Image, str | None]:
    turned = orientation(image)
    if turned == 1:
        return image, None
    return image.transpose(_UPRIGHT[turned]), "turned upright as their EXIF data says"


def _as_rgb(image: Image.Image) -> tuple[Image.Image, str | None]:
    if image.mode == "RGB" and "transparency" not in image.info:
        return image, None
    if image.mode.startswith("I"):
        return _from_16_bits(image, image.info.get("transparency"))
    if image.mode in ("LA", "La", "PA", "RGBA", "RGBa") or "transparency" in image.info:
        return _on_white(image)
    if image.mode == "F":
        raise BadImageError("unusable pixels", "floating point, whose range is not known")
    kinds = {"1": "greyscale", "L": "greyscale", "P": "palette"}
    return image.convert("RGB"), f"converted from {kinds.get(image.mode, image.mode)} to RGB"


def _on_white(image: Image.Image) -> tuple[Image.Image, str | None]:
    premultiplied = {"La": "LA", "RGBa": "RGBA"}  # Pillow converts these to RGBA by way of their plain form only.
    layer = image.convert(premultiplied.get(image.mode, image.mode)).convert("RGBA")
    if layer.getchannel("A").getextrema() == (255, 255):
        return layer.convert("RGB"), None
    white = Image.new("RGBA", layer.size, "white")
    return Image.alpha_composite(white, layer).convert("RGB"), "laid on white where they were transparent"


def _from_16_bits(image: Image.Image, clear: int | None) -> tuple[Image.Image, str]:
    # Mode I has 32 bits, but no common format fills them: it stands for 16-bit greyscale, and so 65535 is white.
    values = np.clip(np.asarray(image).astype(np.int64), 0, 65535)
    grey = ((values + 128) // 257).astype(np.uint8)
    if clear is not None:  # The one level that is transparent lies on white, as with fewer bits.
        grey[values == clear] = 255
    return Image.fromarray(grey).convert("RGB"), "converted from 16-bit greyscale to RGB"


def _fit(image: Image.Image, side: int, shorter: int) -> tuple[Image.Image, str | None]:
    width, height = image.size
    if (width, height) == (side, side) == (shorter, shorter):
        return image, None
    if width <= height:
        wide, high = shorter, int(shorter * height / width)
    else:
        wide, high = int(shorter * width / height), shorter
    if wide * high > PIXEL_LIMIT:
        raise BadImageError("too elongated", f"{width} x {height} would be resized to {wide} x {high}")
    resized = image.resize((wide, high), Image.Resampling.BICUBIC)
    left, top = round((wide - side) / 2), round((high - side) / 2)
    change = "enlarged" if min(width, height) < shorter else "reduced"
    if min(width, height) == shorter:
        change = "cropped"
    way = "" if shorter == side else f" (from {shorter} on the shorter side)"
    return resized.crop((left, top, left + side, top + side)), f"{change} to {side} x {side}{way}"
