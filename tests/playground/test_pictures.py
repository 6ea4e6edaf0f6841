"""What may be dropped, and what may not."""

import dataclasses
import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from rugged.core.errors import DataError
from rugged.playground.pictures import MOST_BYTES, read_picture, samples


def encoded(image, kind="PNG", **options):
    written = io.BytesIO()
    image.save(written, kind, **options)
    return written.getvalue()


def bomb(width, height):
    """A PNG of a few bytes that claims to be huge: whoever believed it would fill the memory."""
    chunks = (
        b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0),
        b"IDAT" + zlib.compress(bytes(1_000_000)),
        b"IEND",
    )
    framed = (struct.pack(">I", len(one) - 4) + one + struct.pack(">I", zlib.crc32(one)) for one in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


def halves(left, right):
    """A picture of 40 × 20 pixels with a left and a right half."""
    image = Image.new("RGB", (40, 20), right)
    image.paste(left, (0, 0, 20, 20))
    return image


HOSTILE = {
    "truncated.png": (encoded(Image.effect_noise((64, 64), 50))[:-2000], "truncated"),
    "truncated.jpg": (encoded(Image.effect_noise((64, 64), 50), "JPEG")[:700], "truncated"),
    "bomb.png": (bomb(50_000, 50_000), "too many pixels"),
    "large.png": (bomb(9_500, 9_500), r"too many pixels \(9500 x 9500; at most 89,478,485 pixels\)"),
    "words.png": (b"these are words, and no picture", "not a picture"),
    "drawing.svg": (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "not a picture"),
    "program.eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "not a picture"),
    "empty.png": (b"", "empty file"),
    "line.png": (encoded(Image.new("RGB", (1, 60_000))), "too elongated"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_cannot_be_shown_is_named_with_the_reason(name):
    data, reason = HOSTILE[name]
    advice = r"Drop another: a JPEG, PNG or WebP picture\."
    with pytest.raises(DataError, match=rf"^{name} cannot be shown: {reason}.*{advice}$"):
        read_picture(data, name, 64)


def test_a_file_of_too_many_bytes_is_not_even_looked_at():
    with pytest.raises(DataError, match=r"large\.png has more than 20,971,520 bytes, which is the most"):
        read_picture(bytes(MOST_BYTES + 1), "large.png", 64)


@pytest.mark.parametrize(
    ("data", "colour"),
    [
        (encoded(Image.new("RGB", (1, 1), (10, 20, 30))), (10, 20, 30)),
        (encoded(Image.new("RGB", (3000, 1000), (10, 20, 30))), (10, 20, 30)),
        (encoded(Image.new("L", (9, 9), 77)), (77, 77, 77)),
        (encoded(Image.fromarray(np.full((9, 9), 51 * 257, np.uint16))), (51, 51, 51)),
        (encoded(Image.new("RGBA", (9, 9), (0, 0, 0, 0))), (255, 255, 255)),
        (encoded(Image.new("CMYK", (9, 9), (0, 255, 255, 0)), "TIFF"), (255, 0, 0)),
        (
            encoded(Image.new("RGB", (9, 9), (0, 0, 255)), "WEBP", save_all=True, lossless=True,
                    append_images=[Image.new("RGB", (9, 9), (255, 0, 0))]),
            (0, 0, 255),
        ),
    ],
    ids=["one pixel", "large", "grey", "16 bits", "transparent", "CMYK", "animated"],
)  # fmt: skip
def test_odd_pictures_become_squares_of_rgb(data, colour):
    picture = read_picture(data, "odd.picture.png", 32)
    np.testing.assert_array_equal(picture.pixels, np.broadcast_to(np.array(colour, np.uint8), (32, 32, 3)))
    assert (picture.id, picture.caption, picture.label) == ("odd.picture", "odd.picture.png", None)


def test_pictures_stand_upright_as_their_exif_data_says():
    """Orientation 6 says that the camera's top is at the right: the left half is to be above."""
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(halves((0, 0, 0), (255, 255, 255)), exif=exif)
    pixels = read_picture(data, "photo.png", 20).pixels  # 20 × 40 upright, of which the middle is taken.
    assert pixels[:9].max() == 0
    assert pixels[11:].min() == 255


def test_what_was_done_to_a_picture_is_told():
    assert read_picture(encoded(Image.new("L", (100, 50))), "a.png", 32).changes == (
        "converted from greyscale to RGB",
        "reduced to 32 x 32",
    )


def test_samples_come_evenly_from_validation_pictures(dataset):
    chosen = samples(dataset, 14)
    assert sorted(picture.label for picture in chosen) == sorted([info.id for info in dataset.classes] * 2)
    for picture in chosen:
        row = dataset.val.ids.index(picture.id)
        np.testing.assert_array_equal(picture.pixels, dataset.val.images[row])
        assert picture.label == dataset.classes[dataset.val.labels[row]].id
    assert len(samples(dataset, 100)) == len(dataset.val)


def test_without_validation_pictures_training_pictures_serve(dataset):
    none = dataset.val.take([])
    assert {picture.id for picture in samples(dataclasses.replace(dataset, val=none), 99)} == set(dataset.train.ids)
    with pytest.raises(DataError, match="zoo has no pictures"):
        samples(dataclasses.replace(dataset, val=none, train=none), 9)
