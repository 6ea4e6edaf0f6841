"""Frost against a naive blend, naive crops and OpenCV's own scaling; draws against counting."""

import cv2
import numpy as np
import pytest
import torch
from scipy import stats

from rugged.core.catalogue import PARAMETERS, PRESETS
from rugged.core.errors import CorruptionError
from rugged.corruptions import frost as frost_module
from rugged.corruptions.frost import draw_frost, frost, replay_frost, resize
from rugged.corruptions.streams import Stream, stream_keys
from rugged.corruptions.textures import Textures

CPU = torch.device("cpu")
SIZES = ((70, 90), (64, 120), (101, 65), (80, 80), (66, 200), (300, 300))


def made(sizes=SIZES, seed=0):
    """Make textures of noise."""
    random = np.random.default_rng(seed)
    return Textures("procedural", tuple(random.integers(0, 256, (*size, 3), dtype=np.uint8) for size in sizes))


def black(count, height, width):
    return torch.zeros(count, 3, height, width, dtype=torch.uint8)


def drawn(count, height, width, scale, textures):
    stream = Stream(stream_keys("frost", 1, 0, range(count)), CPU)
    return draw_frost(stream, black(count, height, width), picture_weight=1, scale=scale, textures=textures)


@pytest.mark.parametrize("severity", range(5))
@pytest.mark.parametrize("preset", PRESETS)
def test_every_pair_of_levels_is_blended_as_published(preset, severity):
    parameters = {**PARAMETERS[preset]["frost"][severity], "scale": 1}
    levels = np.arange(256, dtype=np.uint8)
    texture = np.repeat(np.tile(levels, (256, 1))[..., None], 3, 2)
    image = torch.from_numpy(np.tile(levels[:, None], (1, 3, 1, 256)).copy())
    ours = frost(image, torch.tensor([[2, 0, 0]]), textures=Textures("procedural", (texture,) * 6), **parameters)
    picture, ice = parameters["picture_weight"] * levels[:, None], parameters["frost_weight"] * levels
    expected = np.clip(picture + ice, 0, 255).astype(np.uint8)
    for channel in ours[0].numpy():
        np.testing.assert_array_equal(channel, expected)


@pytest.mark.parametrize("scale", [1, 0.3, 0.71])
def test_crops_are_windows_of_the_scaled_textures(scale):
    textures = made()
    scaled = [cv2.resize(picture, None, fx=scale, fy=scale) for picture in textures.pictures]
    height, width = 17, 12
    places = drawn(200, height, width, scale, textures)
    ours = frost(black(200, height, width), places, picture_weight=1, frost_weight=1, scale=scale, textures=textures)
    for image, (texture, row, column) in zip(ours, places.tolist(), strict=True):
        expected = scaled[texture][row : row + height, column : column + width]
        np.testing.assert_array_equal(image.permute(1, 2, 0), expected)


@pytest.mark.parametrize("factor", [0.3, 1, 2.111])
def test_part_of_a_scaled_texture_is_that_part(factor):
    picture = np.random.default_rng(0).integers(0, 256, (57, 33, 3), dtype=np.uint8)
    whole = cv2.resize(picture, None, fx=factor, fy=factor)
    for rows, columns in ((slice(3, 9), slice(0, 4)), (slice(16, 17), slice(5, 9)), (slice(0, None), slice(2, None))):
        np.testing.assert_array_equal(resize(picture, factor, rows, columns), whole[rows, columns])


@pytest.mark.parametrize("factor", [0.2, 0.3, 0.37, 0.77, 1, 1.3, 2, 2.111, 3])
@pytest.mark.parametrize("size", [(200, 313), (57, 33), (7, 9)])
def test_scaling_agrees_with_opencv(factor, size):
    """At one half exactly OpenCV takes means of four instead; no preset does."""
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    np.testing.assert_array_equal(resize(picture, factor), cv2.resize(picture, None, fx=factor, fy=factor))


def test_draws_are_uniform_over_five_textures_and_all_places_but_the_last():
    textures, count = made(), 20_000
    places = drawn(count, 64, 60, 1, textures).numpy()
    chosen, counts = np.unique(places[:, 0], return_counts=True)
    assert chosen.tolist() == [0, 1, 2, 3, 4]
    assert stats.chisquare(counts).pvalue > 1e-4
    for number in range(5):
        height, width = SIZES[number]
        for places_left, positions in ((height - 64, places[:, 1]), (width - 60, places[:, 2])):
            counts = np.bincount(positions[places[:, 0] == number])
            assert len(counts) == max(1, places_left)
            if len(counts) > 1:
                assert stats.chisquare(counts).pvalue > 1e-4
    rows, columns = places[places[:, 0] == 2, 1:].T
    assert abs(np.corrcoef(rows, columns)[0, 1]) < 4 / np.sqrt(len(rows))


@pytest.mark.parametrize("scale", [1, 0.3])
def test_replay_draws_one_number_after_the_other(scale):
    textures = made()
    ours = np.random.RandomState(5)
    twin = np.random.RandomState(5)
    for _ in range(50):
        places = replay_frost(ours, np.zeros((15, 12, 3), np.uint8), scale=scale, textures=textures)
        texture = twin.randint(5)
        height, width = np.rint(np.multiply(SIZES[texture], scale)).astype(int)
        assert places.tolist() == [[texture, twin.randint(0, height - 15), twin.randint(0, width - 12)]]


@pytest.mark.parametrize("scale", [1, 0.3])
def test_textures_that_are_too_small_are_scaled_up_just_enough(scale):
    """30 × 40 pixels for a picture of 60 × 61: twice as large is enough, and leaves 19 columns to begin at."""
    textures = made([(30, 40)] * 6)
    places = drawn(500, 60, 61, scale, textures)
    assert set(places[:, 1].tolist()) == {0}
    assert set(places[:, 2].tolist()) == set(range(19))
    ours = frost(black(500, 60, 61), places, picture_weight=1, frost_weight=1, scale=scale, textures=textures)
    enlarged = [cv2.resize(picture, None, fx=2, fy=2) for picture in textures.pictures]
    for image, (texture, _, column) in zip(ours, places.tolist(), strict=True):
        np.testing.assert_array_equal(image.permute(1, 2, 0), enlarged[texture][:, column : column + 61])


def test_pictures_for_which_textures_grow_too_large_are_refused_before_anything_is_drawn(monkeypatch):
    monkeypatch.setattr(frost_module, "_MOST_PIXELS", 5 * 60 * 80)
    state = np.random.RandomState(0)
    textures = made([(30, 40)] * 6)
    replay_frost(state, np.zeros((60, 80, 3), np.uint8), scale=1, textures=textures)
    before = state.get_state()[2]
    with pytest.raises(CorruptionError, match="frost needs smaller pictures"):
        replay_frost(state, np.zeros((61, 80, 3), np.uint8), scale=1, textures=textures)
    assert state.get_state()[2] == before


def test_a_texture_that_just_fits_has_one_place():
    textures = made([(20, 30)] * 6)
    places = drawn(50, 20, 30, 1, textures)
    assert set(places[:, 1:].flatten().tolist()) == {0}
    state = np.random.RandomState(0)
    assert replay_frost(state, np.zeros((20, 30, 3), np.uint8), scale=1, textures=textures)[0, 1:].tolist() == [0, 0]


def test_a_texture_that_just_fits_keeps_its_scale():
    textures = made([(315, 400)] * 6)
    ours = frost(
        black(1, 94, 50), torch.tensor([[0, 0, 7]]), picture_weight=1, frost_weight=1, scale=0.3, textures=textures
    )
    scaled = cv2.resize(textures.pictures[0], None, fx=0.3, fy=0.3)
    assert len(scaled) == 94
    np.testing.assert_array_equal(ours[0].permute(1, 2, 0), scaled[:, 7:57])


def test_only_too_small_textures_are_scaled_up():
    textures = made([(20, 30), (50, 50), (50, 50), (50, 50), (50, 50), (9, 9)])
    places = torch.tensor([[1, 3, 4]])
    ours = frost(black(1, 40, 40), places, picture_weight=1, frost_weight=1, scale=1, textures=textures)
    np.testing.assert_array_equal(ours[0].permute(1, 2, 0), textures.pictures[1][3:43, 4:44])


def test_equal_places_of_other_textures_differ():
    first, second = made(seed=1), made(seed=2)
    places = torch.tensor([[0, 0, 0]])
    results = [
        frost(black(1, 20, 20), places, picture_weight=1, frost_weight=1, scale=1, textures=textures)
        for textures in (first, second)
    ]
    assert not torch.equal(*results)
