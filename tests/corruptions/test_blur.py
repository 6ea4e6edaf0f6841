"""Defocus: the disk's weights. Gaussian blur: what it does to points, flat pictures and light."""

import numpy as np
import pytest
import torch

from rugged.corruptions.blur import defocus_blur, disk, gaussian_blur


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


@pytest.mark.parametrize(("radius", "alias_sigma"), [(1.5, 0.1), (3, 0.1), (4, 0.5), (8, 0.5)])
def test_a_point_becomes_the_disk(radius, alias_sigma):
    image = torch.zeros(1, 3, 41, 41, dtype=torch.uint8)
    image[..., 20, 20] = 255
    weights = disk(radius, alias_sigma).astype(np.float64)
    margin = 20 - len(weights) // 2
    ours = defocus_blur(image, None, radius=radius, alias_sigma=alias_sigma)
    expected = np.pad(255 * weights, margin)
    assert np.abs(ours.numpy() + 0.5 - expected).max() < 0.5 + 1e-6  # cut, not rounded
    assert ours.max() > 0


@pytest.mark.parametrize("sigma", [0.4, 0.75, 1, 1.5, 2])
@pytest.mark.parametrize("truncate", [2.0, 4.0, 6.0])
def test_a_point_becomes_a_gaussian(sigma, truncate):
    """Weights are exp(-d² / 2σ²) within the radius and nothing beyond, in proportion."""
    image = torch.zeros(1, 3, 33, 31, dtype=torch.uint8)
    image[..., 16, 15] = 255
    radius = int(truncate * sigma + 0.5)
    rows, columns = np.arange(33) - 16, np.arange(31) - 15
    profiles = [np.exp(-(place**2) / (2 * sigma**2)) * (np.abs(place) <= radius) for place in (rows, columns)]
    expected = 255 * np.outer(*profiles) / profiles[0].sum() / profiles[1].sum()
    ours = gaussian_blur(image, None, sigma=sigma, truncate=truncate)
    np.testing.assert_array_equal(ours[0, 1].numpy(), expected.astype(np.uint8))


@pytest.mark.parametrize("sigma", [0.5, 1.5, 4.0])
def test_light_is_kept_but_for_the_cut(sigma):
    """Cutting takes half a level on average, blurring none, and edge pixels that repeat leave a dark frame dark."""
    random = np.random.default_rng(0)
    image = torch.zeros(1, 3, 120, 120, dtype=torch.uint8)
    image[..., 30:90, 30:90] = torch.from_numpy(random.integers(0, 256, (3, 60, 60), dtype=np.uint8))
    inside = gaussian_blur(image, None, sigma=sigma)
    lit = int((inside > 0).sum())
    assert image.sum() - lit * 0.6 < inside.sum() < image.sum() - lit * 0.4


def test_a_narrow_gaussian_changes_nothing():
    image = torch.arange(192, dtype=torch.uint8).view(1, 3, 8, 8)
    assert torch.equal(gaussian_blur(image, None, sigma=0.1), image)
    assert gaussian_blur(image, None, sigma=0.1).data_ptr() != image.data_ptr()
