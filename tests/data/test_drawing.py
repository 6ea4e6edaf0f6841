"""Text on pages: what the font has is drawn, what it lacks is told apart."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from rugged.data.drawing import legible, shortened, width, write


def drawn(text):
    page = Image.new("L", (300, 30), 255)
    write(ImageDraw.Draw(page), (4, 4), text, 16, fill=0)
    return np.asarray(page)


@pytest.mark.parametrize("text", ["äöüß", "ящик", "κουτί", "תיבה", "صندوق", "łódź", "đường", "·…–×→"])
def test_letters_of_many_alphabets_are_no_boxes(text):
    """A letter without a shape would look like any other one."""
    assert legible(text) == text
    shapes = {drawn(letter).tobytes() for letter in text}
    assert len(shapes) == len(set(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("猫 cat", r"\u732b cat"),
        ("👍", r"\U0001f44d"),
        ("\udcff.png", r"\udcff.png"),
        ("ka\u0308stchen", "kästchen"),
        ("plain \\ name", "plain \\ name"),
    ],
)
def test_what_the_font_lacks_is_written_in_ascii(text, expected):
    assert legible(text) == expected
    np.testing.assert_array_equal(drawn(text), drawn(expected))


@pytest.mark.parametrize("text", ["a long name of a class", "длинное название класса", "猫犬牛馬"])
@pytest.mark.parametrize("room", [20, 60, 500])
def test_what_is_shortened_fits(text, room):
    short = shortened(text, room)
    assert width(short, 13) <= room
    assert short == legible(text) or short.endswith("…")
