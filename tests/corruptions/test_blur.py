"""Defocus: the disk's weights."""

import numpy as np
import pytest

from rugged.corruptions.blur import disk


@pytest.mark.parametrize(("radius", "taps"), [(1, 5), (1.5, 9), (2.5, 21), (3, 29)])
def test_an_unsoftened_disk_counts_the_lattice_points_in_the_circle(radius, taps):
    weights = disk(radius, 0.01)
    assert weights.dtype == np.float32
    assert weights.shape == (17, 17)
    assert np.count_nonzero(weights) == taps
    np.testing.assert_array_equal(weights[weights > 0], np.float32(1 / taps))


@pytest.mark.parametrize(
    ("radius", "alias_sigma", "total"),
    [(4, 0.5, 1), (6, 0.5, 1), (12, 0.5, 1.00775), (8, 0.5, 1.013), (10, 0.5, 1.011)],
)
def test_disks_that_touch_their_grid_weigh_more(radius, alias_sigma, total):
    weights = disk(radius, alias_sigma)
    side = 17 if radius <= 8 else 2 * radius + 1
    assert weights.shape == (side, side)
    assert weights.astype(np.float64).sum() == pytest.approx(total, abs=3e-4)
    np.testing.assert_allclose(weights, weights[::-1], rtol=0, atol=2e-9)
    np.testing.assert_allclose(weights, weights.T, rtol=0, atol=2e-9)


@pytest.mark.parametrize(("radius", "margin"), [(4, 1), (6, 1), (7, 1), (8, 1), (10, 2), (12, 2)])
def test_softening_reaches_one_pixel_up_to_radius_8_and_two_beyond(radius, margin):
    reach = max(8, radius)
    inside = {(x, y) for x in range(-reach, reach + 1) for y in range(-reach, reach + 1) if x * x + y * y <= radius**2}
    steps = range(-margin, margin + 1)
    near = {(x + dx, y + dy) for x, y in inside for dx in steps for dy in steps}
    softened = {(int(x) - reach, int(y) - reach) for y, x in np.argwhere(disk(radius, 0.5) > 0)}
    assert softened == {(x, y) for x, y in near if max(abs(x), abs(y)) <= reach}


def test_softening_is_a_gaussian():
    """A disk of one point is the Gaussian itself: weights fall off by exp(-d² / 2σ²)."""
    weights = disk(0.3, 0.6).astype(np.float64)
    side, corner = weights[8, 9] / weights[8, 8], weights[9, 9] / weights[8, 8]
    assert side == pytest.approx(np.exp(-1 / 0.72), rel=1e-6)
    assert corner == pytest.approx(np.exp(-2 / 0.72), rel=1e-6)
    assert np.count_nonzero(weights) == 9
