"""Noise against the theory of its distribution."""

import math
from statistics import NormalDist

import numpy as np
import pytest
import torch

from rugged.core.catalogue import PARAMETERS
from rugged.corruptions import corrupt


@pytest.mark.parametrize("severity", [1, 2, 3, 4, 5])
def test_gaussian_noise_has_the_distribution_of_theory(severity):
    """Level k of grey g has the normal probability of [k, k + 1) about g; 0 and 255 have what lies beyond, too."""
    grey = torch.full((16, 3, 64, 64), 127, dtype=torch.uint8)
    noisy = corrupt(grey, "gaussian_noise", severity).numpy()
    normal = NormalDist(127, 255 * PARAMETERS["tiny64"]["gaussian_noise"][severity - 1]["sigma"])
    edges = np.array([0.0, *(normal.cdf(k) for k in range(1, 256)), 1.0])
    expected = np.diff(edges) * noisy.size
    counts = np.bincount(noisy.ravel(), minlength=256)

    levels = np.arange(256)
    mean = (levels * expected).sum() / noisy.size
    spread = math.sqrt((levels**2 * expected).sum() / noisy.size - mean**2)
    assert noisy.mean() == pytest.approx(mean, abs=4 * spread / math.sqrt(noisy.size))
    assert noisy.std() == pytest.approx(spread, rel=4 / math.sqrt(2 * noisy.size))

    usual = expected > 20
    chi_square = ((counts - expected)[usual] ** 2 / expected[usual]).sum()
    freedom = usual.sum() - 1
    assert chi_square < freedom + 4 * math.sqrt(2 * freedom)


def test_gaussian_noise_is_independent_between_channels_places_and_images():
    grey = torch.full((16, 3, 64, 64), 127, dtype=torch.uint8)
    noisy = corrupt(grey, "gaussian_noise", 1).double().numpy()
    limit = 4.5 / math.sqrt(16 * 64 * 64)
    channels = noisy.transpose(1, 0, 2, 3).reshape(3, -1)
    assert np.abs(np.corrcoef(channels) - np.eye(3)).max() < limit
    for shifted in (noisy[:, :, 1:], noisy[:, :, :, 1:], noisy[1:]):
        kept = noisy[tuple(slice(size) for size in shifted.shape)]
        assert abs(np.corrcoef(kept.ravel(), shifted.ravel())[0, 1]) < limit


def test_gaussian_noise_is_clipped_not_wrapped():
    for level in (0, 255):
        flat = torch.full((4, 3, 32, 32), level, dtype=torch.uint8)
        noisy = corrupt(flat, "gaussian_noise", 5, preset="imagenet224").double()
        untouched = float((noisy == level).double().mean())
        assert untouched > 0.49  # half of the noise points outwards
        assert abs(float(noisy.mean()) - level) == pytest.approx(255 * 0.38 * 0.3989, rel=0.05)  # half-normal mean
