"""Decoding against Pillow's own conversions, torchvision's transforms and values worked out by hand."""

import io
import struct
import subprocess
import zlib

import numpy as np
import pytest
from PIL import EpsImagePlugin, Image, ImageOps
from torchvision.transforms import CenterCrop, Compose, InterpolationMode, Resize

from rugged.data.decode import FORMATS, PIXEL_LIMIT, BadImageError, decode_image, looks_like_image
from rugged.data.sources.trees import IMAGE_ENDINGS


def png_header(width, height):
    """A PNG that claims a size and holds no pixels."""
    chunks = (b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0), b"IDAT")
    framed = (struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


@pytest.mark.parametrize("kind", ["PNG", "BMP", "DIB", "TIFF", "PPM", "TGA", "JPEG2000"])
def test_lossless_formats_give_back_the_pixels(kind, noise, encode):
    image = noise(0, 7, 5)
    result = decode_image(encode(image, kind))
    np.testing.assert_array_equal(result.pixels, np.asarray(image))
    assert result.pixels.shape == (5, 7, 3)
    assert result.pixels.dtype == np.uint8
    assert result.changes == ()


def test_jpeg_decodes_as_pillow_does(noise, encode):
    data = encode(noise(1, 16, 16), "JPEG", quality=80)
    np.testing.assert_array_equal(decode_image(data).pixels, np.asarray(Image.open(io.BytesIO(data))))


@pytest.mark.parametrize(
    ("mode", "kind", "change"),
    [
        ("L", "JPEG", "converted from greyscale to RGB"),
        ("1", "PNG", "converted from greyscale to RGB"),
        ("P", "GIF", "converted from palette to RGB"),
        ("CMYK", "JPEG", "converted from CMYK to RGB"),
        ("CMYK", "TIFF", "converted from CMYK to RGB"),
        ("LAB", "TIFF", None),
    ],
)
def test_other_modes_become_rgb_as_pillow_converts_them(mode, kind, change, noise, encode):
    image = Image.new("LAB", (6, 6), (120, 30, 200)) if mode == "LAB" else noise(2, 6, 6).convert(mode)
    data = encode(image, kind)
    result = decode_image(data)
    np.testing.assert_array_equal(result.pixels, np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))
    if change:
        assert result.changes == (change,)


def test_transparency_is_laid_on_white(encode):
    image = Image.new("RGBA", (3, 1))
    image.putpixel((0, 0), (10, 20, 30, 255))
    image.putpixel((1, 0), (200, 0, 0, 0))
    image.putpixel((2, 0), (0, 0, 0, 128))
    result = decode_image(encode(image))
    # Half-transparent black on white: 255 * (1 - 128 / 255) = 127.
    np.testing.assert_array_equal(result.pixels[0], [[10, 20, 30], [255, 255, 255], [127, 127, 127]])
    assert result.changes == ("laid on white where they were transparent",)


def test_opaque_alpha_changes_nothing(noise, encode):
    image = noise(3)
    with_alpha = image.copy()
    with_alpha.putalpha(255)
    result = decode_image(encode(with_alpha))
    np.testing.assert_array_equal(result.pixels, np.asarray(image))
    assert result.changes == ()


@pytest.mark.parametrize("mode", ["L", "RGB", "P"])
def test_a_transparent_colour_becomes_white(mode, encode):
    image = Image.new("RGB", (2, 1), "black")
    image.putpixel((1, 0), (102, 102, 102))
    image = image.convert(mode)
    index = image.getpixel((0, 0))
    result = decode_image(encode(image, transparency=index))
    np.testing.assert_array_equal(result.pixels[0], [[255, 255, 255], [102, 102, 102]])


def test_16_bit_greyscale_is_scaled_not_clipped(encode):
    values = np.array([[0, 128, 129, 257 * 100, 65535]], dtype=np.uint16)
    result = decode_image(encode(Image.fromarray(values)))
    np.testing.assert_array_equal(result.pixels[0, :, 0], [0, 0, 1, 100, 255])
    assert result.changes == ("converted from 16-bit greyscale to RGB",)


def test_the_transparent_level_of_16_bits_lies_on_white(encode):
    values = np.array([[0, 257 * 100, 0]], dtype=np.uint16)
    result = decode_image(encode(Image.fromarray(values), transparency=0))
    np.testing.assert_array_equal(result.pixels[0, :, 0], [255, 100, 255])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_as_pillow_does(orientation, noise, encode):
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = encode(noise(4, 6, 4), exif=exif)
    expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    result = decode_image(data)
    np.testing.assert_array_equal(result.pixels, expected)
    assert bool(result.changes) == (orientation != 1)
    assert result.pixels.shape[:2] == ((4, 6) if orientation < 5 else (6, 4))


def test_damaged_exif_data_does_not_cost_the_picture(noise, encode):
    image = noise(5)
    data = encode(image, exif=b"Exif\x00\x00II*\x00\xff\xff\xff\x7f")
    np.testing.assert_array_equal(decode_image(data).pixels, np.asarray(image))


@pytest.mark.parametrize(("width", "height"), [(50, 40), (40, 50), (33, 97), (20, 12), (24, 24), (24, 31), (23, 201)])
def test_fitting_is_torchvisions_resize_and_centre_crop(width, height, noise, encode):
    image = noise(6, width, height)
    reference = Compose([Resize(24, InterpolationMode.BICUBIC, antialias=True), CenterCrop(24)])
    np.testing.assert_array_equal(decode_image(encode(image), 24).pixels, np.asarray(reference(image)))


@pytest.mark.parametrize(("width", "height"), [(50, 40), (33, 97), (20, 12), (28, 28), (24, 24), (28, 60)])
def test_the_shorter_side_may_be_resized_to_more_than_what_is_cropped(width, height, noise, encode):
    image = noise(6, width, height)
    reference = Compose([Resize(28, InterpolationMode.BICUBIC, antialias=True), CenterCrop(24)])
    decoded = decode_image(encode(image), 24, shorter=28)
    np.testing.assert_array_equal(decoded.pixels, np.asarray(reference(image)))
    assert "to 24 x 24 (from 28 on the shorter side)" in decoded.changes[0]


@pytest.mark.parametrize(
    ("size", "change"), [((30, 40), "reduced"), ((10, 40), "enlarged"), ((24, 40), "cropped"), ((24, 24), None)]
)
def test_fitting_says_what_it_did(size, change, noise, encode):
    expected = (f"{change} to 24 x 24",) if change else ()
    assert decode_image(encode(noise(7, *size)), 24).changes == expected


def test_first_frame_of_an_animation_counts(encode):
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    result = decode_image(encode(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert (result.pixels == [255, 0, 0]).all()


def test_every_cut_of_a_jpeg_is_noticed(noise, encode):
    data = encode(noise(8, 32, 32), "JPEG")
    for length in range(1, len(data) - 2, 37):
        with pytest.raises(BadImageError) as caught:
            decode_image(data[:length])
        assert caught.value.reason in {"truncated", "damaged", "not a picture"}


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_cut_in_the_pixels_is_called_truncated(kind, noise, encode):
    data = encode(noise(9, 64, 64), kind)
    with pytest.raises(BadImageError, match="truncated"):
        decode_image(data[: len(data) // 2])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty file"),
        (b"just text, whatever the name says", "not a picture"),
        (b"\x00" * 500, "not a picture"),
        (png_header(30_000, 30_000), "too many pixels"),
        (png_header(PIXEL_LIMIT // 1000 + 1, 1000), "too many pixels"),
    ],
)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_reasons(data, reason):
    with pytest.raises(BadImageError) as caught:
        decode_image(data)
    assert caught.value.reason == reason


def test_a_sliver_is_refused_before_it_fills_the_memory(encode):
    with pytest.raises(BadImageError, match="too elongated"):
        decode_image(encode(Image.new("RGB", (20_000, 1))), 224)


def test_floating_point_pixels_have_no_known_range(encode):
    with pytest.raises(BadImageError, match="unusable pixels"):
        decode_image(encode(Image.new("F", (4, 4)), "TIFF"))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "TIFF", "BMP", "WEBP"])
def test_content_tells_a_picture(kind, noise, encode):
    assert looks_like_image(encode(noise(10), kind)[:16])
    assert not looks_like_image(b"path,label\n1,2\n3")


def test_an_icon_is_not_taken_for_another_format(noise, encode):
    image = noise(11, 16, 16)
    data = encode(image, "ICO", sizes=[(16, 16)])
    np.testing.assert_array_equal(decode_image(data).pixels, np.asarray(image))


def test_postscript_starts_no_program(noise, encode, monkeypatch):
    def started(*_, **__):
        pytest.fail("a program was started")

    data = encode(noise(12), "EPS")
    assert data.startswith(b"%!PS")
    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", started)
    for name in ("Popen", "run", "call", "check_call", "check_output"):
        monkeypatch.setattr(subprocess, name, started)
    with pytest.raises(BadImageError) as caught:
        decode_image(data)
    assert caught.value.reason == "not a picture"


def test_the_formats_are_those_of_the_endings():
    by_ending = Image.registered_extensions()
    assert {by_ending[ending] for ending in IMAGE_ENDINGS} <= set(FORMATS)
    assert not {"EPS", "PDF", "WMF", "FITS", "HDF5"} & set(FORMATS)
