"""Exact correlation against integer arithmetic without limits."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rugged.corruptions import convolution
from rugged.corruptions.blur import disk
from rugged.corruptions.convolution import correlate, make_kernel, reflect
from rugged.corruptions.places import true_places


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


@pytest.mark.parametrize(("radius", "alias_sigma"), [(3, 0.1), (4, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5)])
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


def hard_pictures(size):
    """Make pictures on which the errors of an estimate gather."""
    random, place = np.random.default_rng(0), np.arange(size)
    step = np.broadcast_to((place > size // 2) * 255, (size, size))
    point = np.zeros((size, size))
    point[size // 2, size // 2] = 255
    ramp = (place + place[:, None]) * 255 // (2 * size)
    pictures = random.integers(0, 256, (size, size)), random.choice([0, 255], (size, size)), step, point, ramp, step * 0
    return [torch.from_numpy(picture.astype(np.uint8))[None, None] for picture in pictures]


@pytest.mark.parametrize("on_host", [True, False])
@pytest.mark.parametrize("size", [40, 256, 700])
def test_the_transform_errs_less_than_what_is_in_doubt(monkeypatch, size, on_host):
    """Against float64, with a margin of three."""
    monkeypatch.setattr(convolution, "in_main_memory", lambda _: on_host)
    kernel = make_kernel(disk(10, 0.5))
    for padded in hard_pictures(size):
        # Three channels: a pair of different ones, and one that is its own partner.
        padded = torch.cat((padded, padded.flip(2), padded ^ 255), 1)
        single, double = (
            convolution._transform(padded, kernel, dtype, (size, size)) for dtype in (torch.float32, torch.float64)
        )
        assert (single - double).abs().max() < convolution._SINGLE / 3


@pytest.mark.parametrize("on_host", [True, False])
@pytest.mark.parametrize("radius", [4, 5, 6])
def test_the_sums_of_a_softened_set_err_less_than_half_of_what_is_in_doubt(monkeypatch, radius, on_host):
    monkeypatch.setattr(convolution, "in_main_memory", lambda _: on_host)
    kernel = make_kernel(disk(radius, 0.5))
    assert kernel.soft
    rows, columns = kernel.weights.shape
    for padded in hard_pictures(80):
        ours = convolution._soft_sum(padded, kernel.soft, rows, columns)
        exact = convolution._transform(padded, kernel, torch.float64, (ours.shape[2], ours.shape[3]))
        assert (ours - exact).abs().max() < convolution._SOFT / 2


@pytest.mark.parametrize("before", [(0, 0), (3, 5), (12, 30)])
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (9, 4)])
def test_pictures_go_on_as_in_numpy(monkeypatch, size, before):
    """Also where there is more beyond an edge than the picture is long."""
    picture = np.random.default_rng(1).integers(0, 256, (2, 3, *size), dtype=np.uint8)
    after = (4, 2)
    whole = tuple(sum(lengths) for lengths in zip(before, size, after, strict=True))
    expected = np.pad(picture, ((0, 0), (0, 0), *zip(before, after, strict=True)), mode="reflect")
    for on_host in (True, False):
        monkeypatch.setattr(convolution, "in_main_memory", lambda _, on_host=on_host: on_host)
        np.testing.assert_array_equal(reflect(torch.from_numpy(picture), before, whole).numpy(), expected)


@pytest.mark.parametrize("radius", [8, 10])
def test_a_disk_cut_off_by_its_grid_is_not_a_softened_set(radius):
    assert make_kernel(disk(radius, 0.5)).soft is None


@pytest.mark.parametrize("taps", [1, 3, 29, 49, 64])
@pytest.mark.parametrize("total", [0.3, 1, 1.013])
def test_integers_stand_for_a_weight_exactly(taps, total):
    """Whatever the sum of bytes, and within 32 bits; where there are none, the sum is made in float64."""
    weight = round(total / taps * 2**40)
    ratio = convolution._ratio(weight / 2**40, taps)
    assert ratio or total > 1
    if ratio:
        scaled, shift = ratio
        sums = range(255 * taps + 1)
        assert sums[-1] * scaled < 2**31
        assert [value * scaled >> shift for value in sums] == [min(value * weight >> 40, 255) for value in sums]


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 14), st.integers(0, 14))
def test_reflection_is_numpys(height, width, rows, columns):
    image = np.arange(height * width, dtype=np.uint8).reshape(1, 1, height, width)
    ours = reflect(torch.from_numpy(image), (rows, columns), (height + 2 * rows, width + 2 * columns))
    expected = np.pad(image[0, 0], ((rows, rows), (columns, columns)), mode="reflect")
    np.testing.assert_array_equal(ours[0, 0].numpy(), expected)


def test_true_places():
    assert true_places(torch.tensor([[False, True, False], [True, True, False]])).tolist() == [1, 3, 4]
