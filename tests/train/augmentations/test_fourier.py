"""Amplitude mix: amplitudes of two pictures, phases of one."""

import numpy as np
import pytest
import torch
from scipy import stats

from rugged.train.augmentations.fourier import fourier_mix


def pictures(count, height=16, width=16):
    torch.manual_seed(1)
    return torch.randint(60, 196, (count, 3, height, width), dtype=torch.uint8)


@pytest.mark.parametrize("size", [(16, 16), (10, 13)])
def test_it_is_what_a_loop_over_polar_coordinates_makes(size):
    images = pictures(2, *size)
    torch.manual_seed(3)
    result = fourier_mix(images, strength=0.7, probability=1.0)
    torch.manual_seed(3)
    torch.rand(2), torch.randint(1, 2, (2,))
    weights = torch.rand(2).numpy() * 0.7
    for index in range(2):
        for channel in range(3):
            own, other = (np.fft.fft2(images[which, channel].numpy().astype(float)) for which in (index, 1 - index))
            amplitude = (1 - weights[index]) * np.abs(own) + weights[index] * np.abs(other)
            amplitude[0, 0] = np.abs(own[0, 0])  # the mean level
            expected = np.fft.ifft2(amplitude * np.exp(1j * np.angle(own))).real.clip(0, 255)
            assert np.abs(result[index, channel].numpy() - expected).max() < 0.51


def test_weights_are_uniform_and_partners_anyone_but_oneself():
    """Of one wave only its amplitude is mixed."""
    wave = torch.tensor([1, 0, -1, 0]).repeat(2).expand(3, 8, 8)
    images = (128 + torch.tensor([10, 50, 110])[:, None, None, None] * wave).to(torch.uint8)
    outcomes = []
    for seed in range(600):
        torch.manual_seed(seed)
        result = fourier_mix(images, strength=0.5, probability=1.0)
        assert (result[..., 1::2] == 128).all()
        outcomes.append(result[0, 0, 0, 0].item())
    weights = np.array(outcomes) - 138.0
    assert weights.max() <= 50
    assert (weights > 20).sum() == pytest.approx(600 / 2 * 0.6, abs=50)  # Only the strongest leads beyond 10 + 40 / 2.
    half = stats.uniform(0, 20).cdf(weights + 0.5) / 2 + stats.uniform(0, 50).cdf(weights + 0.5) / 2
    assert stats.kstest(half, "uniform").pvalue > 1e-4


def test_light_stays_as_it_is():
    """Mean levels of all channels are kept, but for what is rounded and clipped."""
    bases = torch.tensor([[60, 90, 120], [190, 160, 100]])[:, :, None, None]
    torch.manual_seed(1)
    images = (bases.repeat(20, 1, 1, 1) + torch.randint(-10, 11, (40, 3, 16, 16))).to(torch.uint8)
    result = fourier_mix(images, probability=1.0)
    assert (result.double() - images).abs().mean() > 1
    assert (result.double().mean((2, 3)) - images.double().mean((2, 3))).abs().max() < 0.2
    assert torch.equal(fourier_mix(bases.expand(-1, -1, 8, 8).byte(), probability=1.0), bases.expand(-1, -1, 8, 8))


def test_probability_decides_for_each_picture():
    images = pictures(400)
    assert torch.equal(fourier_mix(images, probability=0.0), images)
    # A weight of next to nothing changes no level.
    assert (fourier_mix(images, probability=1.0) != images).flatten(1).any(1).sum() > 394
    changed = (fourier_mix(images) != images).flatten(1).any(1)
    assert 155 < changed.sum() < 245
    assert torch.equal(fourier_mix(images, strength=0.0, probability=1.0), images)


def test_the_device_mixes_as_the_processor_does(accelerator):
    images = pictures(20)
    torch.manual_seed(5)
    result = fourier_mix(images.to(accelerator), probability=1.0)
    assert result.device == accelerator
    assert (result.cpu() != images).flatten(1).any(1).sum() > 15
    assert torch.equal(fourier_mix(images.to(accelerator), strength=0.0, probability=1.0).cpu(), images)


def test_alone_in_a_batch_a_picture_stays_as_it_is():
    assert torch.equal(fourier_mix(pictures(1), probability=1.0), pictures(1))
    assert fourier_mix(pictures(0), probability=1.0).shape == (0, 3, 16, 16)


def test_the_seed_decides_whatever_the_layout_and_inputs_stay_as_they_are():
    images = pictures(20)
    before = images.clone()
    torch.manual_seed(5)
    first = fourier_mix(images)
    torch.manual_seed(5)
    assert torch.equal(fourier_mix(images.contiguous(memory_format=torch.channels_last)), first)
    assert not torch.equal(fourier_mix(images), first)
    assert torch.equal(images, before)
