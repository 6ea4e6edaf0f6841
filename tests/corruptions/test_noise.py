"""Noise against the theory of its distribution."""

import math
from statistics import NormalDist

import numpy as np
import pytest
import torch
from scipy import stats

from rugged.core.catalogue import PARAMETERS
from rugged.corruptions import corrupt
from rugged.corruptions.noise import draw_impulse_noise, draw_shot_noise
from rugged.corruptions.streams import Stream, stream_keys

CPU = torch.device("cpu")
NOISES = ("gaussian_noise", "shot_noise", "impulse_noise", "speckle_noise")


def grey(level, count=16, side=64):
    return torch.full((count, 3, side, side), level, dtype=torch.uint8)


def parameter(name, severity, preset="tiny64"):
    (value,) = PARAMETERS[preset][name][severity - 1].values()
    return value


def check_distribution(noisy, chances):
    """Judge levels by their mean and variance, to four standard deviations, and by a chi-square test."""
    levels = np.arange(256)
    expected = chances * noisy.size
    mean = (levels * chances).sum()
    spread = math.sqrt((levels**2 * chances).sum() - mean**2)
    assert noisy.mean() == pytest.approx(mean, abs=4 * spread / math.sqrt(noisy.size))
    kurtosis = ((levels - mean) ** 4 * chances).sum() / spread**4
    assert noisy.var() == pytest.approx(spread**2, rel=4 * math.sqrt((kurtosis - 1) / noisy.size))

    counts = np.bincount(noisy.ravel(), minlength=256)
    assert counts[chances == 0].sum() == 0
    usual = expected > 20
    chi_square = ((counts - expected)[usual] ** 2 / expected[usual]).sum()
    assert stats.chi2.sf(chi_square, usual.sum() - 1) > 1e-4


def normal_chances(mean, spread):
    """Level k has the normal probability of [k, k + 1); 0 and 255 have what lies beyond, too."""
    normal = NormalDist(mean, spread)
    return np.diff(np.array([0.0, *(normal.cdf(k) for k in range(1, 256)), 1.0]))


@pytest.mark.parametrize("severity", [1, 2, 3, 4, 5])
def test_gaussian_noise_has_the_distribution_of_theory(severity):
    noisy = corrupt(grey(127), "gaussian_noise", severity).numpy()
    check_distribution(noisy, normal_chances(127, 255 * parameter("gaussian_noise", severity)))


@pytest.mark.parametrize("severity", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("level", [20, 127, 240])
def test_speckle_noise_is_normal_in_proportion_to_the_level(severity, level):
    noisy = corrupt(grey(level), "speckle_noise", severity).numpy()
    check_distribution(noisy, normal_chances(level, level * parameter("speckle_noise", severity)))


@pytest.mark.parametrize("preset", ["cifar32", "tiny64", "imagenet224", "inception299"])
@pytest.mark.parametrize("severity", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("level", [3, 127, 255])
def test_shot_noise_has_the_distribution_of_theory(preset, severity, level):
    """A count k is shown as k / photons, cut like any other fraction of white."""
    photons = parameter("shot_noise", severity, preset)
    counts = np.arange(stats.poisson.isf(1e-15, photons))
    shown = (np.clip(counts / photons, 0, 1) * 255).astype(np.uint8)
    chances = np.bincount(shown, stats.poisson.pmf(counts, level / 255 * photons), minlength=256)
    check_distribution(corrupt(grey(level), "shot_noise", severity, preset=preset).numpy(), chances)


@pytest.mark.parametrize("severity", [1, 2, 3, 4, 5])
def test_shot_noise_spread_matches_poisson_theory(severity):
    """On flat grey g, before anything is cut, the standard deviation is sqrt(g / photons)."""
    photons = parameter("shot_noise", severity)
    counts = draw_shot_noise(
        Stream(stream_keys("shot_noise", severity, 0, range(64)), CPU), grey(77, 64), photons=photons
    )
    assert float((counts / photons).std()) == pytest.approx(math.sqrt(77 / 255 / photons), rel=0.005)


@pytest.mark.parametrize("preset", ["cifar32", "tiny64", "imagenet224", "inception299"])
@pytest.mark.parametrize("severity", [1, 2, 3, 4, 5])
def test_impulse_noise_strikes_as_often_as_it_should_in_every_channel(preset, severity):
    amount = parameter("impulse_noise", severity, preset)
    noisy = corrupt(grey(127, 84), "impulse_noise", severity, preset=preset)
    assert set(noisy.unique().tolist()) == {0, 127, 255}
    struck = (noisy != 127).numpy()
    assert struck.size > 10**6
    assert struck.mean() == pytest.approx(amount, abs=4 * math.sqrt(amount / struck.size))
    for channel in range(3):
        values = noisy[:, channel].numpy()
        count = (values != 127).sum()
        assert count / values.size == pytest.approx(amount, abs=4 * math.sqrt(amount / values.size))
        assert (values == 255).sum() / count == pytest.approx(0.5, abs=2 / math.sqrt(count))


@pytest.mark.parametrize("amount", [0, 0.00002, 0.01, 0.5, 0.77777, 1])
def test_impulses_are_as_likely_as_asked_to_16_bits(amount):
    """All the 65,536 values that 16 bits have, each once."""

    class EveryValueOnce:
        def words(self, count):
            return torch.arange(65536).to(torch.int16).view(torch.int64)[None, :count]

    images = torch.zeros(1, 1, 256, 256, dtype=torch.uint8)
    given, kept = draw_impulse_noise(EveryValueOnce(), images, amount=amount)
    for bits in (given, kept):
        assert set(bits.unique().tolist()) <= {0, 255}
    black, white = int((kept == 0).sum()), int((given == 255).sum())
    assert black == white
    assert not (given & ~kept).any()  # none turns white and black
    assert black + white == pytest.approx(amount * 65536, abs=2 if amount == 1 else 1)


def test_impulse_noise_leaves_what_it_does_not_strike():
    images = torch.arange(256, dtype=torch.uint8).repeat(16, 3, 64, 1)
    noisy = corrupt(images, "impulse_noise", 3, preset="tiny64")
    other = noisy[noisy != images]
    assert set(other.tolist()) == {0, 255}
    for level in (0, 255):  # half of the strikes change nothing there
        changed = (noisy != images)[images == level].double().mean()
        assert float(changed) == pytest.approx(0.05 / 2, abs=4 * math.sqrt(0.025 / (16 * 3 * 64)))


@pytest.mark.parametrize("name", NOISES)
def test_noise_is_independent_between_channels_places_images_and_severities(name):
    noisy = corrupt(grey(127), name, 1).double().numpy()
    limit = 4.5 / math.sqrt(16 * 64 * 64)
    channels = noisy.transpose(1, 0, 2, 3).reshape(3, -1)
    assert np.abs(np.corrcoef(channels) - np.eye(3)).max() < limit
    for shifted in (noisy[:, :, 1:], noisy[:, :, :, 1:], noisy[1:]):
        kept = noisy[tuple(slice(size) for size in shifted.shape)]
        assert abs(np.corrcoef(kept.ravel(), shifted.ravel())[0, 1]) < limit
    severer = corrupt(grey(127), name, 2).double().numpy()
    assert abs(np.corrcoef(noisy.ravel(), severer.ravel())[0, 1]) < limit


@pytest.mark.parametrize("name", NOISES)
def test_spread_is_independent_too(name):
    """Signs may be independent where sizes are not: the squares of what the noise did."""
    noise = (corrupt(grey(127, 32), name, 2).double().numpy() - 127) ** 2
    images = np.corrcoef(noise.reshape(32, -1))
    channels = np.corrcoef(noise.transpose(1, 0, 2, 3).reshape(3, -1))
    assert np.abs(images - np.eye(32)).max() < 4.5 / math.sqrt(3 * 64 * 64)
    assert np.abs(channels - np.eye(3)).max() < 4.5 / math.sqrt(32 * 64 * 64)


def test_gaussian_noise_is_clipped_not_wrapped():
    for level in (0, 255):
        noisy = corrupt(grey(level, 4, 32), "gaussian_noise", 5, preset="imagenet224").double()
        untouched = float((noisy == level).double().mean())
        assert untouched > 0.49  # half of the noise points outwards
        assert abs(float(noisy.mean()) - level) == pytest.approx(255 * 0.38 * 0.3989, rel=0.05)  # half-normal mean


@pytest.mark.parametrize("name", ["shot_noise", "speckle_noise"])
@pytest.mark.parametrize("severity", [1, 2, 3, 4, 5])
def test_black_stays_black_where_noise_is_of_the_light(name, severity):
    assert not corrupt(grey(0, 4), name, severity).any()
