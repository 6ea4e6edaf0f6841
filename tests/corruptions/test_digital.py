"""Contrast by its formula, pixelate and JPEG against Pillow."""

import io
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from rugged.corruptions.digital import contrast, jpeg_compression, pixelate


def batch(picture):
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))[None]


def picture(result):
    return result[0].permute(1, 2, 0).numpy()


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("factor", [0.4, 0.05])
def test_contrast_in_exact_fractions(factor):
    image = noise(7, 5)
    ours = picture(contrast(batch(image), None, factor=factor))
    for channel in range(3):
        mean = Fraction(int(image[..., channel].astype(int).sum()), 35)
        for (row, column), level in np.ndenumerate(image[..., channel]):
            exact = (int(level) - mean) * Fraction(factor) + mean
            assert abs(exact - round(exact)) < Fraction(1, 10**9) or ours[row, column, channel] == int(exact)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 70), st.integers(1, 70), st.floats(0.02, 1), st.integers(0, 2**32 - 1))
def test_pixelate_is_pillows_box(height, width, fraction, seed):
    image = noise(height, width, seed)
    small = (max(1, int(width * fraction)), max(1, int(height * fraction)))
    expected = Image.fromarray(image).resize(small, Image.Resampling.BOX).resize((width, height), Image.Resampling.BOX)
    np.testing.assert_array_equal(picture(pixelate(batch(image), None, fraction=fraction)), np.asarray(expected))


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 100), st.integers(0, 2**32 - 1))
def test_jpeg_is_pillows(height, width, quality, seed):
    image = noise(height, width, seed)
    stored = io.BytesIO()
    Image.fromarray(image).save(stored, "JPEG", quality=quality)
    expected = np.asarray(Image.open(stored))
    np.testing.assert_array_equal(picture(jpeg_compression(batch(image), None, quality=quality)), expected)
