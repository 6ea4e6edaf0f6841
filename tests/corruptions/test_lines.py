"""Sums along lines: every way to make them against whole numbers without limits, and what is left in doubt."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from rugged.core.catalogue import PARAMETERS
from rugged.corruptions import lines
from rugged.corruptions.levels import cut_within
from rugged.corruptions.lines import ONE, sum_along
from rugged.corruptions.motion import line_offsets, line_weights

WAYS = {"OpenCV": (True, False), "few on a GPU": (False, True), "shifts": (False, False)}


def choose(monkeypatch, way):
    on_host, few = WAYS[way]
    monkeypatch.setattr(lines, "in_main_memory", lambda _: on_host)
    monkeypatch.setattr(lines, "too_few_for_a_gpu", lambda _: few)


def exact_sums(images, offsets, weights):
    """Add up in int64, point by point, with what counts as reaching a level: 1/514."""
    height, width = images.shape[2:]
    total = np.full(images.shape, ONE // 514, np.int64)
    for picture, points, out in zip(images.astype(np.int64), offsets, total, strict=True):
        for (down, right), weight in zip(points, weights, strict=True):
            rows, columns = (
                (np.arange(height) + down).clip(0, height - 1),
                (np.arange(width) + right).clip(0, width - 1),
            )
            out += weight * picture[:, rows][:, :, columns]
    return total


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("lit", [1.0, 0.05])
@pytest.mark.parametrize(("length", "sigma"), [(1, 1.0), (13, 1.0), (31, 12.0), (41, 15.0)])
@pytest.mark.parametrize("size", [(2, 30, 21), (3, 1, 1), (1, 2, 50)])
def test_sums_are_exact_in_every_way(monkeypatch, way, lit, length, sigma, size):
    """Also where nearly all is black, and where lines are longer than pictures."""
    random = np.random.default_rng(5)
    images = (random.integers(0, 256, (9, *size)) * (random.random((9, *size)) < lit)).astype(np.uint8)
    weights = line_weights(length, sigma)
    offsets = line_offsets(random.uniform(-180, 180, 9), length)[:, : len(weights)]
    choose(monkeypatch, way)
    ours = sum_along(torch.from_numpy(images), offsets, weights)
    np.testing.assert_array_equal(ours.numpy(), exact_sums(images, offsets, weights) >> 23)


@pytest.mark.parametrize("way", WAYS)
def test_sums_a_hair_off_a_level_are_exact(monkeypatch, way):
    """The sum lies from -8 to 8 parts of 2^23 about what still reaches level 201."""
    choose(monkeypatch, way)
    images = torch.zeros(1, 1, 1, 300, dtype=torch.uint8)  # of so many, one in doubt is summed on its own
    images[..., 0], images[..., 1] = 200, 201
    offsets = np.array([[[0, 0], [0, 1]]])
    for step in range(-8, 9):
        second = ONE - ONE // 514 + step  # with what is added, as many parts of 2^23 above the level 201
        ours = sum_along(images, offsets, (ONE - second, second))
        assert ours[0, 0, 0, 0] == (201 if step >= 0 else 200)


@pytest.mark.parametrize("preset", PARAMETERS)
def test_what_opencv_sums_errs_less_than_is_allowed_for(monkeypatch, preset):
    """By half, on pictures and angles that gather errors."""
    random = np.random.default_rng(2)
    noise, extremes = random.integers(0, 256, (8, 3, 60, 70)), random.choice([0, 255], (8, 3, 60, 70))
    images = np.concatenate((noise, extremes)).astype(np.uint8)
    degrees = np.concatenate((random.uniform(-180, 180, 12), (0, 45, -90, 135)))
    seen = []

    def look_on(levels, error):
        seen.append((levels.double().numpy(), error))
        return cut_within(levels, error)

    monkeypatch.setattr(lines, "cut_within", look_on)
    for row in PARAMETERS[preset]["motion_blur"]:
        length = 2 * math.ceil(row["radius"]) + 1
        weights = line_weights(length, row["sigma"])
        offsets = line_offsets(degrees, length)[:, : len(weights)]
        sum_along(torch.from_numpy(images), offsets, weights)
        levels, error = seen.pop()
        assert np.abs(levels - exact_sums(images, offsets, weights) / ONE).max() < error / 2
        assert error < 2**-11


def test_all_may_be_in_doubt():
    """Half of the weights fall on stripes of one level: every sum but the edge's lies where float32 cannot tell."""
    columns = np.arange(60) % 2 * 2
    images = np.broadcast_to(columns, (2, 3, 40, 60)).astype(np.uint8)
    offsets = np.array([[[0, 0], [0, 1]]] * 2)
    half = ONE // 2 - ONE // 1028  # of 2 levels: 1 less what counts as reaching it
    weights = (half, ONE - half)
    ours = sum_along(torch.from_numpy(images), offsets, weights)
    np.testing.assert_array_equal(ours.numpy(), exact_sums(images, offsets, weights) >> 23)


@given(st.floats(-180, 180), st.integers(1, 400), st.sampled_from([49, 129]))
def test_pieces_cover_a_line_and_fit_a_kernel(degrees, length, most):
    points = line_offsets(np.array([degrees]), length)[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lines, "_MOST_POINTS", most)
        pieces = list(lines._pieces(points.tolist()))
    assert [place for piece in pieces for place in range(length)[piece]] == list(range(length))
    for piece in pieces:
        rows, columns = np.ptp(points[piece], 0) + 1
        assert rows * columns <= most


@pytest.mark.parametrize(("length", "sigma"), [(7, 1.5), (13, 4.0), (21, 8.0), (31, 12.0)])
def test_lines_that_share_a_shift_are_summed_at_once(length, sigma):
    """Directions turn on from line to line, so a point's shifts come one after the other: no fewer runs can be."""
    count = len(line_weights(length, sigma))
    degrees = np.random.default_rng(2).uniform(-45, 45, 2000)
    offsets = line_offsets(degrees, length)[:, :count]
    shifts = (offsets - offsets.min((0, 1))) @ (200, 1)
    assert len(list(lines._runs(shifts[lines._by_direction(offsets)]))) == sum(
        len(np.unique(shifts[:, point])) for point in range(count)
    )
