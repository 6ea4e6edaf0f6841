"""Brightness against the standard library's HSV, and in cases that can be worked out by hand."""

import colorsys
from itertools import permutations, product

import pytest
import torch

from rugged.corruptions.weather import brightness


def shifted(pixels, shift):
    """Corrupt a list of RGB pixels as one picture of one row."""
    image = torch.tensor(pixels, dtype=torch.uint8).T[None, :, None, :]
    return [tuple(pixel) for pixel in brightness(image, None, shift=shift)[0, :, 0].T.tolist()]


@pytest.mark.parametrize("shift", [0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5])
def test_agrees_with_colorsys_in_every_sector(shift):
    levels = (0, 1, 2, 37, 85, 128, 200, 254, 255)
    pixels = list(product(levels, repeat=3))
    for pixel, ours in zip(pixels, shifted(pixels, shift), strict=True):
        hue, saturation, value = colorsys.rgb_to_hsv(*(level / 255 for level in pixel))
        exact = colorsys.hsv_to_rgb(hue, saturation, min(value + shift, 1))
        for level, expected in zip(ours, exact, strict=True):
            # Both cut, in another order of operations: a whole level may come out one lower.
            assert level in {int(255 * expected - 1e-9), int(255 * expected + 1e-9)}, pixel


def test_grey_stays_grey_and_moves_by_the_shift():
    assert shifted([(0, 0, 0), (50, 50, 50), (250, 250, 250)], 0.2) == [(51,) * 3, (101,) * 3, (255,) * 3]


def test_channels_are_treated_alike():
    for pixel in ((10, 130, 250), (200, 100, 50)):
        (expected,) = shifted([pixel], 0.1)
        for order in permutations(range(3)):
            (ours,) = shifted([tuple(pixel[i] for i in order)], 0.1)
            for level, place in zip(ours, order, strict=True):
                assert abs(level - expected[place]) <= 1
