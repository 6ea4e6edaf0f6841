"""Exact correlation against integer arithmetic without limits."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rugged.corruptions import convolution
from rugged.corruptions.blur import disk
from rugged.corruptions.convolution import correlate, make_kernel, reflect, true_places


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


@pytest.mark.parametrize(("radius", "alias_sigma"), [(4, 0.5), (8, 0.5), (10, 0.5)])
@pytest.mark.parametrize("kind", ["flat", "white", "half white", "noise", "stripes"])
def test_disks(radius, alias_sigma, kind):
    """Flat areas are nearly whole but for the disk's rounding; the larger disks weigh more than 1."""
    columns, random = np.arange(45), np.random.default_rng(4)
    image = {
        "flat": np.full((37, 45), 131),
        "white": np.full((37, 45), 255),
        "half white": np.broadcast_to((columns > 22) * 255, (37, 45)),
        "noise": random.integers(0, 256, (37, 45)),
        "stripes": np.broadcast_to(columns // 9 * 40, (37, 45)),
    }[kind].astype(np.uint8)
    weights = disk(radius, alias_sigma)
    np.testing.assert_array_equal(by_us(image, weights), by_integers(image, weights))


@pytest.mark.parametrize("size", [40, 256, 700])
def test_the_transform_errs_less_than_what_is_in_doubt(size):
    """Against float64, on pictures where its errors gather; a margin of three."""
    random, place = np.random.default_rng(0), np.arange(size)
    step = np.broadcast_to((place > size // 2) * 255, (size, size))
    point = np.zeros((size, size))
    point[size // 2, size // 2] = 255
    ramp = (place + place[:, None]) * 255 // (2 * size)
    kernel = make_kernel(disk(10, 0.5))
    for picture in (random.integers(0, 256, (size, size)), random.choice([0, 255], (size, size)), step, point, ramp):
        padded = torch.from_numpy(picture.astype(np.uint8))[None, None]
        single, double = (convolution._transform(padded, kernel, dtype) for dtype, _ in convolution._DOUBTS)
        assert (single - double).abs().max() < convolution._DOUBTS[0][1] / 3


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 14), st.integers(0, 14))
def test_reflection_is_numpys(height, width, rows, columns):
    image = np.arange(height * width, dtype=np.uint8).reshape(1, 1, height, width)
    ours = reflect(torch.from_numpy(image), (rows, columns), (height + 2 * rows, width + 2 * columns))
    expected = np.pad(image[0, 0], ((rows, rows), (columns, columns)), mode="reflect")
    np.testing.assert_array_equal(ours[0, 0].numpy(), expected)


def test_true_places():
    assert true_places(torch.tensor([[False, True, False], [True, True, False]])).tolist() == [1, 3, 4]
