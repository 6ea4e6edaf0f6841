"""Noise against the theory of its distribution."""

import math

import numpy as np
import pytest
import torch

from rugged.core.catalogue import PARAMETERS
from rugged.corruptions import corrupt


@pytest.mark.parametrize("severity", [1, 2, 3, 4, 5])
def test_gaussian_noise_has_the_spread_of_the_table(severity):
    """On grey, clipping aside, a level is cut(255 · (grey + N(0, σ))): mean 127.5 - ½, variance (255 σ)² + 1/12."""
    grey = torch.full((16, 3, 64, 64), 127, dtype=torch.uint8)
    noisy = corrupt(grey, "gaussian_noise", severity).double()
    spread = math.sqrt((255 * PARAMETERS["tiny64"]["gaussian_noise"][severity - 1]["sigma"]) ** 2 + 1 / 12)
    error = spread / math.sqrt(noisy.numel())
    # What clipping beyond 2.7 standard deviations takes away, at most (severity 5): 0.4% of the spread.
    assert float(noisy.mean()) == pytest.approx(126.5, abs=5 * error + (0.05 if severity > 3 else 0))
    assert float(noisy.std()) == pytest.approx(spread, rel=0.005 if severity > 3 else 0.003)


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
