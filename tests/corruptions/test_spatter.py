"""Spatter: against a plain restatement with OpenCV and SciPy, and its coverage against theory."""

import math

import cv2
import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from rugged.corruptions.spatter import draw_spatter, liquid_layer, mud, replay_spatter, spatter, water
from rugged.corruptions.streams import Stream, stream_keys

SIZES = [(64, 64), (40, 71), (1, 1), (1, 9), (2, 3), (5, 1)]


def pictures(count, height, width, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, (count, 3, height, width), dtype=np.uint8))


def drawn(count, height=64, width=64):
    stream = Stream(stream_keys("spatter", 1, 0, range(count)), torch.device("cpu"))
    return draw_spatter(stream, torch.zeros(count, 3, height, width, dtype=torch.uint8))


def naive_water(image, layer, strength):
    """Follow the published steps for one (3, H, W) picture."""
    thickness = np.array([int(255 * value) % 256 for value in layer.ravel()], np.uint8).reshape(layer.shape)
    distance = cv2.distanceTransform(255 - cv2.Canny(thickness, 50, 150), cv2.DIST_L2, 5)
    _, distance = cv2.threshold(distance, 20, 20, cv2.THRESH_TRUNC)
    near = cv2.equalizeHist(cv2.blur(distance, (3, 3)).astype(np.uint8))
    lit = cv2.filter2D(near, cv2.CV_8U, np.array([[-2, -1, 0], [-1, 1, 1], [0, 1, 2]]))
    amount = thickness * cv2.blur(lit, (3, 3)).astype(np.float32)
    if amount.max() == 0:
        return image
    amount = amount / amount.max() * np.float32(strength)
    colour = np.float32([175, 238, 238])[:, None, None] / np.float32(255)
    return (np.clip(image / np.float32(255) + amount * colour, 0, 1) * 255).astype(np.uint8)


def naive_mud(image, mask, sigma):
    cover = gaussian_filter(mask.astype(np.float32), sigma, mode="nearest", truncate=4)
    cover[cover < 0.8] = 0
    colour = np.array([63, 42, 20])[:, None, None] / 255
    return np.clip(image / 255 * (1 - cover) + cover * colour, 0, 1) * 255


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("thickest", [0.9, 2.9])
def test_water_follows_the_published_steps(height, width, thickest):
    """Thicker than 1 the layer wraps round to thin."""
    images = pictures(6, height, width)
    layer = gaussian_filter(np.random.default_rng(1).random((6, height, width)), (0, 1.5, 1.5))
    layer *= thickest / layer.max()
    layer[layer < 0.6 * thickest] = 0
    ours = water(images, torch.from_numpy(layer), strength=0.6)
    expected = np.stack([naive_water(i.numpy(), own, 0.6) for i, own in zip(images, layer, strict=True)])
    np.testing.assert_array_equal(ours, expected)


def test_far_from_any_drop_all_is_equally_far():
    """A drop in the corner of a picture: beyond 20 pixels the distance no longer grows."""
    images, layer = pictures(1, 64, 64), np.full((1, 64, 64), 0.3)
    layer[0, :6, :6] = 0.9
    expected = naive_water(images[0].numpy(), layer[0], 0.6)
    np.testing.assert_array_equal(water(images, torch.from_numpy(layer), strength=0.6)[0], expected)


def test_a_layer_that_wraps_to_nothing_is_dry():
    images = pictures(1, 16, 16)
    layer = torch.full((1, 16, 16), 257 / 255, dtype=torch.float64)
    wrapped = torch.full((1, 16, 16), 1.5 / 255, dtype=torch.float64)
    assert torch.equal(water(images, layer, strength=0.6), water(images, wrapped, strength=0.6))
    assert torch.equal(water(images, torch.full_like(layer, 256.5 / 255), strength=0.6), images)


def test_a_dry_lens_changes_no_level():
    images = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16).expand(1, 3, 16, 16).contiguous()
    ours = water(images, torch.zeros(1, 16, 16, dtype=torch.float64), strength=0.6)
    assert torch.equal(ours, images)
    assert torch.equal(mud(images, torch.zeros(1, 16, 16, dtype=torch.bool), sigma=0.6), images)


@pytest.mark.parametrize("strength", [0.3, 0.6, 0.9])
def test_water_is_pale_turquoise(strength):
    """On black, the wettest pixel shows the colour times the strength, and the others the same hue."""
    layer = liquid_layer(drawn(4), mean=0.65, deviation=0.3, sigma=1, threshold=0.69)
    red, green, blue = water(torch.zeros(4, 3, 64, 64, dtype=torch.uint8), layer, strength=strength).unbind(1)
    assert torch.equal(green, blue)
    for number in range(4):
        assert int(red[number].max()) == pytest.approx(175 * strength, abs=1)
        assert int(green[number].max()) == pytest.approx(238 * strength, abs=1)
    np.testing.assert_allclose(red.double() / 175, green.double() / 238, atol=1 / 175)


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("sigma", [0.6, 1.5])
def test_mud_follows_the_published_steps(height, width, sigma):
    images = pictures(4, height, width)
    mask = np.random.default_rng(2).random((4, height, width)) < 0.9
    ours = mud(images, torch.from_numpy(mask), sigma=sigma)
    exact = np.stack([naive_mud(i.numpy(), own, sigma) for i, own in zip(images, mask, strict=True)])
    np.testing.assert_allclose(ours, exact - 0.5, rtol=0, atol=0.505)
    assert (ours.numpy() == exact.astype(np.uint8)).mean() > 0.99


def test_mud_is_brown_whatever_it_covers():
    ours = mud(pictures(2, 20, 30), torch.ones(2, 20, 30, dtype=torch.bool), sigma=1.5)
    brown = torch.tensor((63, 42, 20)).view(3, 1, 1)
    assert (ours - brown).abs().max() <= 1


def test_drops_are_smooth_noise_above_the_threshold():
    noise = drawn(3, 40, 50)
    before = noise.clone()
    ours = liquid_layer(noise, mean=0.65, deviation=0.3, sigma=2, threshold=0.68)
    exact = 0.65 + 0.3 * gaussian_filter(noise.double().numpy(), (0, 2, 2), mode="nearest", truncate=4)
    exact[exact < 0.68] = 0
    np.testing.assert_allclose(ours, exact, rtol=0, atol=1e-6)
    assert torch.equal(noise, before)


@pytest.mark.parametrize(("sigma", "threshold"), [(0.7, 0.7), (1, 0.6), (2, 0.68)])
def test_drops_cover_what_theory_says(sigma, threshold):
    """Smoothing multiplies the deviation by the sum of the squared weights; the rest is the normal tail."""
    reach = int(4 * sigma + 0.5)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    deviation = 0.3 * ((weights / weights.sum()) ** 2).sum()
    share = 0.5 * math.erfc((threshold - 0.65) / deviation / 2**0.5)
    layer = liquid_layer(drawn(150), mean=0.65, deviation=0.3, sigma=sigma, threshold=threshold)
    wet = (layer[:, reach : 64 - reach, reach : 64 - reach] > 0).double()
    independent = wet.numel() / (4 * np.pi * sigma**2)
    assert wet.mean().item() == pytest.approx(share, abs=5 * (share * (1 - share) / independent) ** 0.5)


def test_draws_are_standard_normal_and_independent():
    noise = drawn(200, 30, 40).flatten(1).double()
    assert noise.shape == (200, 1200)
    count = noise.numel()
    assert abs(noise.mean()) < 4 / count**0.5
    assert abs(noise.var() - 1) < 4 * (2 / count) ** 0.5
    between = torch.corrcoef(noise) - torch.eye(200)
    assert between.abs().max() < 5.5 / 1200**0.5


def test_replay_draws_the_references_numbers():
    noise = replay_spatter(np.random.RandomState(1), np.zeros((7, 9, 3), np.uint8))
    assert noise.shape == (1, 7, 9)
    expected = np.random.RandomState(1).normal(size=(7, 9), loc=0.65, scale=0.3)
    np.testing.assert_allclose(0.65 + 0.3 * noise[0].numpy(), expected, rtol=1e-15)


@pytest.mark.parametrize("mud_sigma", [0, 1.5])
def test_the_whole_is_drops_and_then_water_or_mud(mud_sigma):
    images, noise = pictures(3, 33, 47), drawn(3, 33, 47)
    formed = {"mean": 0.65, "deviation": 0.3, "sigma": 1, "threshold": 0.65}
    ours = spatter(images, noise, **formed, strength=0.6, mud_sigma=mud_sigma)
    layer = liquid_layer(noise, **formed)
    expected = mud(images, layer > 0.65, sigma=mud_sigma) if mud_sigma else water(images, layer, strength=0.6)
    assert torch.equal(ours, expected)
    assert not torch.equal(ours, images)
