"""Drawn ice: alike on every call, near the photographs in brightness, crystals everywhere, safe to keep in a file."""

import math

import numpy as np
import pytest

from rugged.corruptions import ice

# Mean and standard deviation of each published photograph, per channel; a deviation over the picture and its colours.
PHOTOGRAPHS = (
    ((78, 149, 166), 43), ((201, 205, 214), 23), ((201, 205, 214), 23),
    ((138, 153, 165), 31), ((112, 123, 135), 44), ((71, 95, 105), 44),
)  # fmt: skip


@pytest.fixture(scope="module")
def pictures():
    return tuple(ice.draw_picture(number) for number in range(6))


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("RUGGED_CACHE", str(tmp_path))
    return tmp_path


def same(first, second):
    return all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))


def test_pictures_are_of_the_photographs_kind(pictures):
    for picture, (means, spread) in zip(pictures, PHOTOGRAPHS, strict=True):
        assert picture.dtype == np.uint8
        assert picture.shape[2] == 3
        assert min(picture.shape[:2]) >= 315, "as large as the smallest photograph, so that crops need no enlarging"
        assert np.abs(picture.mean((0, 1)) - means).max() < 10
        assert abs(picture.std() - spread) < 6


def test_pictures_differ_and_have_crystals_everywhere(pictures):
    for number, picture in enumerate(pictures):
        assert not any(np.array_equal(picture, other) for other in pictures[number + 1 :])
        height, width = picture.shape[:2]
        for row in range(0, height - 199, 100):
            for column in range(0, width - 199, 100):
                window = picture[row : row + 200, column : column + 200].astype(float)
                assert window.std((0, 1)).min() > 8
                assert np.abs(np.diff(window, axis=1)).mean() > 4, "fine structure, not only shades"


def test_drawing_again_gives_the_same(pictures):
    np.random.default_rng(0)
    np.random.RandomState(3).random_sample()
    assert np.array_equal(ice.draw_picture(5), pictures[5])


def test_pictures_are_kept_in_a_file_and_read_only(cache, pictures, monkeypatch):
    drawn = ice.draw_ice()
    assert same(drawn, pictures)
    (path,) = (cache / "textures").iterdir()
    assert str(ice.ICE_VERSION) in path.name
    monkeypatch.setattr(ice, "draw_picture", None)
    read = ice.draw_ice()
    assert same(read, pictures)
    for picture in (*drawn, *read):
        assert not picture.flags.writeable


@pytest.mark.parametrize("content", [b"", b"no archive", "short"])
def test_a_damaged_file_is_drawn_anew(content, cache, pictures, monkeypatch):
    monkeypatch.setattr(ice, "draw_picture", lambda number: pictures[number].copy())
    ice.draw_ice()
    (path,) = (cache / "textures").iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2] if content == "short" else content)
    assert same(ice.draw_ice(), pictures)
    assert path.read_bytes() == whole


def test_a_cache_that_cannot_be_written_costs_only_time(tmp_path, pictures, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("RUGGED_CACHE", str(tmp_path / "file" / "cache"))
    monkeypatch.setattr(ice, "draw_picture", lambda number: pictures[number].copy())
    assert same(ice.draw_ice(), pictures)


@pytest.mark.parametrize("degrees", [-60, -1, 0, 17, 60, 90])
def test_turning_is_a_rotation(degrees):
    """Against the sine and cosine that it does without."""
    angle = math.radians(degrees)
    directions = np.array([(1, 0), (0, 1), (0.6, -0.8)])
    rotation = np.array([(math.cos(angle), math.sin(angle)), (-math.sin(angle), math.cos(angle))])
    np.testing.assert_allclose(ice._turned(directions, math.tan(angle / 2)), directions @ rotation, atol=1e-12)
