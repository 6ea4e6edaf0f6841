"""PSNR and SSIM against theory, SciPy's filter and another implementation."""

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from torchmetrics.functional.image import structural_similarity_index_measure as theirs

from rugged.core.errors import MetricsError
from rugged.metrics import peak_signal_to_noise_ratio, structural_similarity


@pytest.fixture(params=[(3, 24, 31, 3), (2, 11, 11, 3), (2, 150, 140, 1)], ids=str)
def pair(request):
    """Smooth pictures, and the same with noise that differs from picture to picture."""
    rng = np.random.default_rng(1)
    clean = gaussian_filter(rng.uniform(0, 255, request.param), (0, 2, 2, 0)) * 4 - 380
    spread = np.linspace(3, 40, request.param[0])[:, None, None, None]
    return tuple(one.clip(0, 255).astype(np.uint8) for one in (clean + spread * rng.normal(size=clean.shape), clean))


def test_psnr_is_what_a_known_difference_gives():
    """A difference of d levels everywhere has the mean squared error d²: PSNR is 20 log10(255 / d)."""
    reference = np.full((3, 6, 5, 3), 100, np.uint8)
    images = reference + np.array([1, 51, 100], np.uint8)[:, None, None, None]
    wanted = [20 * math.log10(255), 20 * math.log10(5), 20 * math.log10(2.55)]
    np.testing.assert_allclose(peak_signal_to_noise_ratio(images, reference), wanted)
    np.testing.assert_allclose(peak_signal_to_noise_ratio(reference, images), wanted)  # Bytes do not wrap around.


def test_the_same_picture_is_infinitely_near():
    picture = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), dtype=np.uint8)
    assert peak_signal_to_noise_ratio(picture, picture).tolist() == [math.inf, math.inf]
    np.testing.assert_allclose(structural_similarity(picture, picture), 1)


def test_ssim_is_that_of_torchmetrics(pair):
    images, reference = (torch.from_numpy(one).permute(0, 3, 1, 2).double() for one in pair)
    _, places = theirs(images, reference, data_range=255.0, sigma=1.5, reduction="none", return_full_image=True)
    wanted = places[..., 5:-5, 5:-5].mean((1, 2, 3))  # Theirs goes on beyond the edges, the paper's does not.
    np.testing.assert_allclose(structural_similarity(*pair), wanted, rtol=1e-9)


def test_ssim_of_flat_pictures_is_their_luminance():
    """Without structure what is left is (2 m n + C1) / (m² + n² + C1), C1 = 2.55²."""
    images, reference = np.full((1, 12, 12, 3), 50, np.uint8), np.full((1, 12, 12, 3), 100, np.uint8)
    wanted = (2 * 50 * 100 + 2.55**2) / (50**2 + 100**2 + 2.55**2)
    np.testing.assert_allclose(structural_similarity(images, reference), wanted)


def test_a_negative_of_noise_has_negative_similarity():
    noise = np.random.default_rng(2).integers(0, 256, (1, 64, 64, 3), dtype=np.uint8)
    assert -1 <= structural_similarity(255 - noise, noise)[0] < -0.9


def test_what_cannot_be_compared_is_refused():
    small, large = np.zeros((1, 10, 20, 3), np.uint8), np.zeros((1, 20, 20, 3), np.uint8)
    with pytest.raises(ValueError, match="11 × 11"):
        structural_similarity(small, small)
    for measure in (peak_signal_to_noise_ratio, structural_similarity):
        with pytest.raises(ValueError, match="one shape"):
            measure(small, large)


@pytest.mark.parametrize("measure", [peak_signal_to_noise_ratio, structural_similarity])
def test_levels_are_from_0_to_255(measure):
    levels = np.random.default_rng(0).integers(0, 256, (2, 12, 12, 3)).astype(np.uint8)
    assert (measure(levels.astype(np.float32), levels.astype(np.int64)) == measure(levels, levels)).all()
    assert (measure(levels * 0.0, levels * 0.0) == measure(levels * 0, levels * 0)).all()  # Black.
    beyond = np.where(levels == 255, 260.8, np.where(levels == 0, -7.7, levels))  # As a network's pictures are.
    assert np.isfinite(measure(beyond, levels)).all()
    for wrong, message in (
        (levels / 255, "from 0 to 1; multiply them by 255"),
        (levels / 255 - 0.5, r"levels from 0 to 255, got values from -0\.5 to 0\.5"),
        (levels * 2.0, "levels from 0 to 255, got values from 0 to 5"),
        (levels > 9, "levels from 0 to 255, got bool"),
        (levels * np.nan, "got values from nan"),
    ):
        with pytest.raises(MetricsError, match=message):
            measure(wrong, levels)
        with pytest.raises(MetricsError, match=message):
            measure(levels, wrong)
    with pytest.raises(MetricsError, match=r"expected \(N, H, W, C\) arrays, got Tensor; .*permute\(0, 2, 3, 1\)"):
        measure(torch.from_numpy(levels), levels)
