"""Brightness and saturation against HSV spelled out, against the standard library's, and in cases done by hand."""

import colorsys
from itertools import permutations, product

import numpy as np
import pytest
import torch

from rugged.core.catalogue import PARAMETERS
from rugged.corruptions import hsv
from rugged.corruptions.colour import brightness, saturate
from rugged.corruptions.hsv import adjust_hsv

SHIFTS = sorted({severity["shift"] for table in PARAMETERS.values() for severity in table["brightness"]})
SEQUENCE = [(frame - 15) * 0.02 for frame in range(31)]
SATURATIONS = sorted({(one["factor"], one["shift"]) for table in PARAMETERS.values() for one in table["saturate"]})


def brightened(pixels, shift):
    """Corrupt ``(M, 3)`` pixels as one picture of one row."""
    return brightness(as_row(pixels), None, shift=shift)[0, :, 0].T.numpy()


def saturated(pixels, factor, shift):
    return saturate(as_row(pixels), None, factor=factor, shift=shift)[0, :, 0].T.numpy()


def as_row(pixels):
    return torch.from_numpy(np.array(pixels, dtype=np.uint8).T.copy())[None, :, None, :]


@pytest.fixture(scope="module")
def colours():
    """Pixels of all kinds: where channels tie, where they are multiples of a fifteenth of white, and at random."""
    pairs = np.array(list(product(range(256), repeat=2)))
    ties = [pairs[:, order] for order in ([0, 0, 1], [0, 1, 0], [1, 0, 0])]
    lattice = np.array(list(product(range(0, 256, 17), repeat=3)))
    anything = np.random.default_rng(0).integers(0, 256, (150_000, 3))
    return np.concatenate([*ties, lattice, anything]).astype(np.uint8)


def through_hsv(pixels, change):
    """Convert to HSV, change saturation and value, convert back, cut: all of it in float64, as it is defined."""
    rgb = pixels / 255
    value, spread = rgb.max(1), rgb.max(1) - rgb.min(1)
    grey = spread == 0
    spread[grey] = 1
    saturation = np.where(grey, 0, spread / np.maximum(value, 1 / 255))
    hue = np.zeros(len(pixels))
    for place in range(3):  # red, green, blue: where two are highest the later one decides
        here = 2 * place + (rgb[:, (place + 1) % 3] - rgb[:, (place + 2) % 3]) / spread
        hue = np.where(rgb[:, place] == value, here, hue)
    hue = np.where(grey, 0, hue / 6 % 1) * 6

    saturation, value = (np.clip(channel, 0, 1) for channel in change(saturation, value))
    sector = np.floor(hue)
    low = value * (1 - saturation)
    falling = value * (1 - (hue - sector) * saturation)
    rising = value * (1 - (1 - (hue - sector)) * saturation)
    sectors = [
        (value, rising, low),
        (falling, value, low),
        (low, value, rising),
        (low, falling, value),
        (rising, low, value),
        (value, low, falling),
    ]
    exact = np.array(sectors)[sector.astype(int) % 6, :, np.arange(len(pixels))]
    return (np.clip(exact, 0, 1) * 255).astype(np.uint8)


@pytest.mark.parametrize("many", [0, 4, 1 << 30])  # what is in doubt alone; as it comes; all, if there is any doubt
@pytest.mark.parametrize("shift", SHIFTS)
def test_brightness_has_every_bit_of_a_trip_through_hsv(monkeypatch, colours, shift, many):
    monkeypatch.setattr(hsv, "_MANY", many)
    monkeypatch.setattr(hsv, "_AT_ONCE", 10_000)
    expected = through_hsv(colours, lambda saturation, value: (saturation, value + shift))
    np.testing.assert_array_equal(brightened(colours, shift), expected)


@pytest.mark.slow
@pytest.mark.parametrize("shift", SHIFTS)
def test_brightness_of_all_colours_is_that_of_the_trip(monkeypatch, shift):
    monkeypatch.setattr(hsv, "_MANY", 0)
    levels = torch.arange(256, dtype=torch.uint8)
    for red in levels.split(16):
        colours = torch.stack(torch.meshgrid(red, levels, levels, indexing="ij")).flatten(2)[None]
        assert torch.equal(brightness(colours, None, shift=shift), adjust_hsv(colours, value_shift=shift))


@pytest.mark.parametrize(("factor", "shift"), SATURATIONS)
def test_saturate_has_every_bit_of_a_trip_through_hsv(colours, factor, shift):
    expected = through_hsv(colours, lambda saturation, value: (saturation * factor + shift, value))
    np.testing.assert_array_equal(saturated(colours, factor, shift), expected)


def test_brightness_also_darkens_as_sequences_need(colours):
    few = colours[::13]
    for shift in SEQUENCE:
        expected = through_hsv(few, lambda saturation, value, shift=shift: (saturation, value + shift))
        np.testing.assert_array_equal(brightened(few, shift), expected)


@pytest.mark.parametrize("shift", [-0.3, *SHIFTS])
def test_brightness_agrees_with_colorsys(shift):
    agrees_with_colorsys(
        lambda pixels: brightened(pixels, shift), lambda saturation, value: (saturation, value + shift)
    )


@pytest.mark.parametrize(("factor", "shift"), SATURATIONS)
def test_saturate_agrees_with_colorsys(factor, shift):
    agrees_with_colorsys(
        lambda pixels: saturated(pixels, factor, shift),
        lambda saturation, value: (saturation * factor + shift, value),
    )


def agrees_with_colorsys(corrupted, change):
    """Compare in every sector, and where channels tie."""
    pixels = list(product((0, 1, 2, 37, 85, 128, 200, 254, 255), repeat=3))
    for pixel, ours in zip(pixels, corrupted(pixels), strict=True):
        hue, saturation, value = colorsys.rgb_to_hsv(*(level / 255 for level in pixel))
        saturation, value = np.clip(change(saturation, value), 0, 1)
        for level, expected in zip(ours, colorsys.hsv_to_rgb(hue, saturation, value), strict=True):
            # Both cut, in another order of operations: a whole level may come out one lower.
            assert level in {int(255 * expected - 1e-9), int(255 * expected + 1e-9)}, pixel


def test_grey_stays_grey_and_moves_by_the_shift():
    greys = [(0,) * 3, (50,) * 3, (250,) * 3]
    np.testing.assert_array_equal(brightened(greys, 0.2), [(51,) * 3, (101,) * 3, (255,) * 3])
    np.testing.assert_array_equal(brightened(greys, -0.1), [(0,) * 3, (24,) * 3, (224,) * 3])
    np.testing.assert_array_equal(saturated(greys, 5, 0), greys)


def test_a_shift_of_the_saturation_turns_greys_red():
    np.testing.assert_array_equal(saturated([(0, 0, 0), (101, 101, 101)], 5, 0.1), [(0, 0, 0), (101, 90, 90)])


def test_saturation_0_leaves_the_highest_channel_and_saturation_1_none_of_the_lowest():
    pixels = np.random.default_rng(1).integers(0, 256, (1000, 3))
    highest, lowest = pixels.max(1, keepdims=True), pixels.min(1, keepdims=True)
    np.testing.assert_array_equal(saturated(pixels, 0, 0), highest.repeat(3, 1))
    assert not saturated(pixels, 0, 1)[(pixels == lowest) & (pixels != highest)].any()


@pytest.mark.parametrize("corrupted", [lambda pixels: brightened(pixels, 0.1), lambda pixels: saturated(pixels, 2, 0)])
def test_channels_are_treated_alike(corrupted):
    for pixel in ((10, 130, 250), (200, 100, 50)):
        (expected,) = corrupted([pixel]).astype(int)
        for order in permutations(range(3)):
            (ours,) = corrupted([tuple(pixel[place] for place in order)])
            for level, place in zip(ours, order, strict=True):
                assert abs(level - expected[place]) <= 1
