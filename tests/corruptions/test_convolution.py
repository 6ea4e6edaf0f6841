"""Exact correlation against integer arithmetic without limits."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rugged.corruptions.convolution import correlate, make_kernel, reflect


def by_integers(image, weights):
    """Correlate in Python integers, weights as multiples of 2^-40."""
    rows, columns = weights.shape
    whole = np.round(weights.astype(np.float64) * 2**40).astype(np.int64).astype(object)
    padded = np.pad(image, ((rows // 2,) * 2, (columns // 2,) * 2), mode="reflect").astype(np.int64).astype(object)
    total = np.zeros(image.shape, dtype=object)
    for (row, column), weight in np.ndenumerate(whole):
        total += padded[row : row + image.shape[0], column : column + image.shape[1]] * weight
    return np.minimum(total // 2**40, 255).astype(np.uint8)


def by_us(image, weights):
    return correlate(torch.from_numpy(image)[None, None], make_kernel(weights))[0, 0].numpy()


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 12),
    st.integers(1, 12),
    st.sampled_from([1, 3, 7, 9, 11]),
    st.sampled_from([1, 3, 7, 9, 11]),
    st.integers(1, 4),
    st.integers(0, 2**32 - 1),
)
def test_sums_are_exact(height, width, rows, columns, kinds, seed):
    """Few taps go one way and many (from 65 on) the other; a few equal weights make groups."""
    random = np.random.default_rng(seed)
    image = random.integers(0, 256, (height, width), dtype=np.uint8)
    choices = np.append(random.random(kinds), 0)
    weights = random.choice(choices, (rows, columns))
    weights = (weights / max(weights.sum(), 1e-9)).astype(np.float32)
    np.testing.assert_array_equal(by_us(image, weights), by_integers(image, weights))


@pytest.mark.parametrize("side", [3, 9])
@pytest.mark.parametrize("excess", [-(2.0**-40), 0, 2.0**-40])
def test_whole_sums_are_not_lost_to_rounding(side, excess):
    """128 times a multiple of 1/128 is whole: every sum is, or misses it by less than a transform can see."""
    random = np.random.default_rng(1)
    weights = random.choice([1 / 128, 1 / 64], (side, side))
    weights[0, side // 2] += excess
    image = random.choice(np.array([0, 128], dtype=np.uint8), (111, 93))
    expected = by_integers(image, weights)
    assert expected.max() < 255
    np.testing.assert_array_equal(by_us(image, weights), expected)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 14), st.integers(0, 14))
def test_reflection_is_numpys(height, width, rows, columns):
    image = np.arange(height * width, dtype=np.uint8).reshape(1, 1, height, width)
    ours = reflect(torch.from_numpy(image), (rows, columns), (height + 2 * rows, width + 2 * columns))
    expected = np.pad(image[0, 0], ((rows, rows), (columns, columns)), mode="reflect")
    np.testing.assert_array_equal(ours[0, 0].numpy(), expected)
