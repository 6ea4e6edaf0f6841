"""Contrast by its formula, pixelate against Pillow."""

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from rugged.core.catalogue import PARAMETERS, PRESETS
from rugged.corruptions.digital import _totals, contrast, pixelate


def batch(picture):
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))[None]


def picture(result):
    return result[0].permute(1, 2, 0).numpy()


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def published(name, key):
    """List a parameter's values in all presets, with the side of the preset's pictures."""
    return [(one[key], side) for preset, side in PRESETS.items() for one in PARAMETERS[preset][name]]


@pytest.mark.parametrize("factor", sorted({factor for factor, _ in published("contrast", "factor")}))
@pytest.mark.parametrize("size", [(1, 1), (7, 5), (16, 16)])
def test_contrast_in_exact_fractions(factor, size):
    image = noise(*size)
    ours = picture(contrast(batch(image), None, factor=factor))
    for channel in range(3):
        mean = Fraction(int(image[..., channel].astype(int).sum()), image[..., channel].size)
        for (row, column), level in np.ndenumerate(image[..., channel]):
            exact = (int(level) - mean) * Fraction(str(factor)) + mean
            # Where the exact value is a whole level, rounding on the way decides between it and the one below.
            allowed = {int(exact), int(exact) - 1} if exact.denominator == 1 else {int(exact)}
            assert ours[row, column, channel] in allowed


def test_contrast_sees_every_level_of_every_channel_of_every_picture():
    """Two pictures and three channels, each with its own mean and all 256 levels."""
    images = np.tile(np.arange(256, dtype=np.uint8), (2, 3, 4, 1))
    for place, (number, channel) in enumerate(product(range(2), range(3))):
        images[number, channel, 2:] = 40 * place
    ours = contrast(torch.from_numpy(images), None, factor=0.4).numpy()
    mean = images.mean((2, 3), keepdims=True)
    exact = (images - mean) * 0.4 + mean
    whole = np.abs(exact - exact.round()) < 1e-9
    assert whole.mean() < 0.5
    np.testing.assert_array_equal(ours[~whole], exact[~whole].astype(np.uint8))


def boxed(image, fraction):
    """Shrink and enlarge with Pillow."""
    height, width = image.shape[:2]
    small = (max(1, int(width * fraction)), max(1, int(height * fraction)))
    box = Image.Resampling.BOX
    return np.asarray(Image.fromarray(image).resize(small, box).resize((width, height), box))


@pytest.mark.parametrize("fraction", sorted({fraction for fraction, _ in published("pixelate", "fraction")}))
def test_pixelate_is_pillows_box_at_published_fractions(fraction):
    for size in [(32, 32), (64, 64), (224, 224), (299, 299), (1, 1), (1, 50), (50, 1), (2, 3), (37, 64), (99, 30)]:
        image = noise(*size)
        np.testing.assert_array_equal(picture(pixelate(batch(image), None, fraction=fraction)), boxed(image, fraction))


@settings(max_examples=100)
@given(st.integers(1, 70), st.integers(1, 70), st.floats(0.02, 1), st.integers(0, 2**32 - 1))
def test_pixelate_is_pillows_box(height, width, fraction, seed):
    image = noise(height, width, seed)
    np.testing.assert_array_equal(picture(pixelate(batch(image), None, fraction=fraction)), boxed(image, fraction))


def test_pixelate_where_an_edge_goes_through_a_pixels_middle():
    """Three to two: the middle pixel counts in the first box and comes back with the second one's value."""
    image = np.array([[[0, 0, 0], [255, 100, 51], [9, 8, 7]]], dtype=np.uint8)
    ours = picture(pixelate(batch(image), None, fraction=0.67))
    np.testing.assert_array_equal(ours, [[[128, 50, 26], [9, 8, 7], [9, 8, 7]]])
    np.testing.assert_array_equal(ours, boxed(image, 0.67))


def test_pixelate_of_more_bytes_than_a_short_sum_holds():
    image = np.full((3, 1000, 3), 255, dtype=np.uint8)
    np.testing.assert_array_equal(picture(pixelate(batch(image), None, fraction=0.001)), image)


def test_sums_of_large_bright_channels_are_exact():
    """From 65,794 pixels on they may need more bits than float32 has."""
    picture = torch.full((1, 3, 299, 299), 189, dtype=torch.uint8)
    picture[0, 0, 0, 0] = 188
    assert _totals(picture).tolist() == [[189 * 299**2 - 1, 189 * 299**2, 189 * 299**2]]
