"""Wiener deconvolution against theory: where the blur and the spectra are known, so is the best linear filter."""

import numpy as np
import pytest
import torch

from rugged.benchmark.restorers.classical import Blur, Wiener, fit_wiener
from rugged.corruptions import Corruptor, corrupt, transfer_of_motion
from rugged.data import Split
from rugged.metrics import peak_signal_to_noise_ratio


def smooth_pictures(count, seed, size=(64, 64)):
    """Pictures with the spectrum of natural ones, 1 / f."""
    rng = np.random.default_rng(seed)
    frequency = np.hypot(np.fft.fftfreq(size[0])[:, None], np.fft.fftfreq(size[1]))
    spectrum = np.fft.fft2(rng.normal(size=(count, 3, *size))) / np.maximum(frequency, 1 / 64)
    values = np.fft.ifft2(spectrum).real
    return (128 + 40 * values / values.std()).clip(0, 255).astype(np.uint8)


def as_split(pictures):
    ids = tuple(f"c/{place}" for place in range(len(pictures)))
    return Split("train", pictures.transpose(0, 2, 3, 1), np.zeros(len(pictures), np.int64), ids)


@pytest.mark.parametrize("severity", [1, 5])
def test_the_transfer_of_motion_is_what_the_engine_does(severity):
    """Away from the edges, whose continuation is another matter."""
    images, ids = torch.from_numpy(smooth_pictures(5, 3)), [f"c/{place}" for place in range(5)]
    response = transfer_of_motion(severity, preset="tiny64", seed=4, ids=ids, size=(64, 64))
    wanted = torch.fft.irfft2(torch.fft.rfft2(images.double()) * response[:, None])
    found = corrupt(images, "motion_blur", severity, seed=4, ids=ids)
    inner = (..., slice(14, -14), slice(14, -14))
    assert (found[inner] - wanted[inner]).abs().max() <= 1.01  # Engines cut to whole levels.


def test_of_pictures_without_noise_the_filter_is_the_inverse():
    """H known, hardly any noise: what comes back is what went in."""
    images = torch.from_numpy(smooth_pictures(4, 1))
    ids = [f"c/{place}" for place in range(4)]
    blur = Blur("motion_blur", 1, Corruptor("tiny64"))
    flat = torch.ones(128, 65, dtype=torch.float64)
    wiener = Wiener(blur, flat, flat * 1e-4, None)
    back = wiener.restore(blur.of(images, ids), ids)
    assert back.dtype == torch.uint8
    assert back.shape == images.shape
    same = Wiener(Blur("fog", 1, Corruptor("tiny64")), flat, flat * 0, flat.to(torch.complex128)).restore(images, ids)
    assert torch.equal(same, images)  # A response of one everywhere and no noise: nothing is to be undone.


@pytest.mark.parametrize("size", [(64, 64), (45, 51)], ids=str)
@pytest.mark.parametrize("name", ["defocus_blur", "motion_blur", "gaussian_blur", "gaussian_noise"])
def test_pictures_it_has_not_seen_come_nearer(name, size):
    blur = Blur(name, 4, Corruptor("tiny64"))
    wiener = fit_wiener(blur, as_split(smooth_pictures(60, 1, size)), torch.device("cpu"))
    clean, ids = torch.from_numpy(smooth_pictures(20, 2, size)), [f"new/{place}" for place in range(20)]
    blurred = blur.of(clean, ids)
    before, after = (
        peak_signal_to_noise_ratio(*(one.permute(0, 2, 3, 1).numpy() for one in (pictures, clean)))
        for pictures in (blurred, wiener.restore(blurred, ids))
    )
    assert (after > before + 1).all()


def test_of_noise_the_filter_is_the_one_that_theory_gives():
    """White noise of variance v on a spectrum S leaves the mean of S v / (S + v) of the squared error."""
    rng = np.random.default_rng(0)
    clean = smooth_pictures(200, 5).clip(90, 166)  # Clipping would be no white noise.
    noise = rng.normal(0, 12, clean.shape)

    class White(Blur):
        def of(self, images, ids):
            places = [int(one.split("/")[1]) for one in ids]
            return (images + torch.from_numpy(noise[places])).round().clamp(0, 255).to(torch.uint8)

    blur = White("gaussian_noise", 1, Corruptor("tiny64"))
    wiener = fit_wiener(blur, as_split(clean), torch.device("cpu"))
    pixels = 128 * 128
    theory = (wiener.signal * wiener.noise / (wiener.signal + wiener.noise)) / pixels
    weights = torch.full(theory.shape, 2.0)
    weights[:, [0, -1]] = 1  # Of the frequencies that rfft2 leaves out, these are their own.
    wanted = float((theory * weights).sum()) / pixels
    ids = [f"c/{place}" for place in range(200)]
    images = torch.from_numpy(clean)
    error = (wiener.restore(blur.of(images, ids), ids).double() - images).square()
    assert float(error.mean()) == pytest.approx(wanted, rel=0.12)
    assert float(error.mean()) < 0.7 * 144
