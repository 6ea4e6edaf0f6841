"""Random smooth transforms are as strong and as smooth as they say, and mixed as the paper mixes them."""

import math

import numpy as np
import pytest
import torch
from scipy import fft, ndimage, stats

from rugged.core.catalogue import ALL
from rugged.core.errors import ConfigError
from rugged.data import builtin
from rugged.train.augmentations import prime as module
from rugged.train.augmentations.prime import (
    TRANSFORMS,
    colour_curve,
    prime,
    random_filter,
    random_warp,
)


def pictures(count, height=16, width=16):
    torch.manual_seed(1)
    return torch.randint(0, 256, (count, 3, height, width), dtype=torch.uint8)


def level(value, count=1, side=8):
    return torch.full((count, 3, side, side), value, dtype=torch.uint8)


@pytest.mark.parametrize("size", [3, 5])
def test_filters_are_correlations_with_the_kernels_drawn(size):
    images = pictures(4, 9, 12)
    torch.manual_seed(3)
    result = random_filter(images, sigma=0.5, size=size)
    torch.manual_seed(3)
    kernels = torch.rand(4, 1, 1) * 0.5
    kernels = torch.randn(4, 1, size, size)[:, 0] * kernels
    kernels -= kernels.mean((1, 2), keepdim=True)
    kernels[:, size // 2, size // 2] += 1
    for image, kernel, filtered in zip(images, kernels, result, strict=True):
        for channel in range(3):
            expected = ndimage.correlate(image[channel].double().numpy(), kernel.double().numpy(), mode="nearest")
            assert np.abs(filtered[channel].numpy() - expected.clip(0, 255)).max() < 0.51


def test_filter_weights_are_as_large_as_sigma_says():
    """A lone value v gives v times a weight to each pixel near it, of variance sigma^2 / 3 less its ninth."""
    torch.manual_seed(4)
    images = level(100, 8000, 5)
    images[:, :, 2, 2] = 150
    change = random_filter(images, sigma=0.3)[:, 0].double() - images[:, 0]
    assert change.std(0)[1:4, 1:4].numpy() == pytest.approx(50 * 0.3 * math.sqrt(1 / 3 * 8 / 9), rel=0.06)
    assert change.mean().abs() < 0.1
    assert change.sum((1, 2)).abs().max() <= 4.5  # nine roundings: the weights add up to nothing


def test_filters_leave_flat_pictures_and_light_as_they_are():
    flat = torch.arange(256, dtype=torch.uint8)[:, None, None, None].expand(256, 3, 5, 5)
    torch.manual_seed(4)
    assert torch.equal(random_filter(flat), flat)
    images = torch.randint(118, 139, (300, 3, 32, 32), dtype=torch.uint8)
    shift = random_filter(images, sigma=0.5).double().mean((1, 2, 3)) - images.double().mean((1, 2, 3))
    assert shift.abs().max() < 1


def test_filters_do_not_act_as_brightness_or_contrast():
    """With weights of any sum, four pictures in five become lighter or darker by more than 20 levels."""
    drawn = np.stack([builtin.draw("train", name, index)[0] for name, _ in builtin.CLASSES for index in range(10)])
    images = torch.from_numpy(drawn).permute(0, 3, 1, 2)
    torch.manual_seed(4)
    filtered = random_filter(images).double()
    shift = filtered.mean((1, 2, 3)) - images.double().mean((1, 2, 3))
    assert (shift.abs() > 5).double().mean() < 0.1
    ratio = filtered.std((1, 2, 3)) / images.double().std((1, 2, 3))
    assert ratio.median() == pytest.approx(1, abs=0.15)
    assert ratio.quantile(0.05) > 0.9


def ramps(count, side=32):
    """Pictures whose red tells the column, times 8, and whose green tells the row."""
    line = torch.arange(side, dtype=torch.uint8) * 8
    images = torch.zeros(count, 3, side, side, dtype=torch.uint8)
    images[:, 0], images[:, 1] = line, line[:, None]
    return images


def displacements(images, warped):
    return (warped[:, :2].double() - images[:, :2]) / 8


@pytest.mark.parametrize("cutoff", [2, 5])
def test_warps_are_as_strong_and_as_smooth_as_they_say(cutoff, monkeypatch):
    real = torch.randint
    # Of all cutoffs the largest.
    monkeypatch.setattr(torch, "randint", lambda low, high, *rest, **options: real(high - 1, high, *rest, **options))
    images = ramps(3000)
    torch.manual_seed(5)
    fields = displacements(images, random_warp(images, strength=0.4, cutoff=cutoff))
    expected = (0.4 * 32 / (math.pi * cutoff)) ** 2 / 3  # Strengths are uniform, their squares a third in the mean.
    assert (fields**2).sum(1).mean() == pytest.approx(expected, rel=0.1)
    assert (fields[:, 0] ** 2).mean() == pytest.approx(expected / 2, rel=0.15)
    assert abs(np.corrcoef(fields[:, 0].flatten(), fields[:, 1].flatten())[0, 1]) < 0.1
    spectrum = (fft.dstn(fields.numpy(), type=2, axes=(2, 3), norm="ortho") ** 2).mean((0, 1))
    waves = np.arange(1, 33)
    radius = np.hypot(waves[:, None], waves)
    allowed = radius < cutoff + 0.5
    assert spectrum[~allowed].mean() < 0.01 * spectrum[allowed].mean()
    # The variance of a wave falls as one over its frequency squared.
    level = spectrum[allowed] * radius[allowed] ** 2
    assert level.max() / level.min() < 1.5


def test_warps_leave_edges_and_plain_pictures_in_place():
    images = ramps(100)
    torch.manual_seed(5)
    fields = displacements(images, random_warp(images))
    assert fields[:, 0, :, (0, -1)].abs().max() < 2  # The edge is half a pixel beyond.
    assert fields.abs().max() > 3
    assert torch.equal(random_warp(level(77)), level(77))


def test_warps_sample_as_scipy_does(monkeypatch):
    images = pictures(3, 20, 31)
    grids = []
    real = module.functional.grid_sample
    monkeypatch.setattr(
        module.functional, "grid_sample", lambda planes, grid, **rest: grids.append(grid) or real(planes, grid, **rest)
    )
    warped = random_warp(images, strength=2.0)
    for image, grid, result in zip(images, grids[0].double().numpy(), warped, strict=True):
        places = (grid[..., 1] + 1) * 10 - 0.5, (grid[..., 0] + 1) * 15.5 - 0.5
        for channel in range(3):
            expected = ndimage.map_coordinates(image[channel].double().numpy(), places, order=1, mode="nearest")
            assert np.abs(result[channel].numpy() - expected).max() < 0.52


def all_levels(count):
    return torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16).expand(count, 3, 16, 16)


def test_curves_treat_equal_levels_alike_and_leave_black_and_white():
    images = pictures(5)
    torch.manual_seed(6)
    curves = colour_curve(all_levels(5)).reshape(5, 3, 256)
    torch.manual_seed(6)
    result = colour_curve(images)
    for index in range(5):
        for channel in range(3):
            assert torch.equal(result[index, channel], curves[index, channel][images[index, channel].long()])
    assert (curves[..., 0] == 0).all()
    assert (curves[..., 255] == 255).all()
    assert not torch.equal(curves[0, 0], curves[0, 1])


@pytest.mark.parametrize("frequencies", [1, 6])
def test_curves_are_as_strong_and_as_smooth_as_they_say(frequencies):
    torch.manual_seed(6)
    curves = colour_curve(all_levels(3000), strength=0.05, frequencies=frequencies).reshape(3000, 3, 256)
    change = (curves.double() - torch.arange(256)) / 255
    # Near black and white there is clipping, so the middle is measured, where sines have their mean square and more.
    waves = np.arange(1, frequencies + 1)
    levels = np.arange(64, 192) / 255
    squares = np.sin(np.pi * waves[:, None] * levels) ** 2
    shape = np.mean([2 * squares[:number].mean(0) for number in waves], 0)  # Curves of 1, 2 … sines are as likely.
    measured = (change[..., 64:192] ** 2).mean((0, 1)).numpy()
    assert np.abs(measured / (0.05**2 / 3 * shape) - 1).max() < 0.15
    spectrum = (fft.dst(change[..., 1:-1].numpy(), type=1, norm="ortho") ** 2).mean((0, 1))
    assert spectrum[frequencies + 4 :].sum() < 0.03 * spectrum[:frequencies].sum()


def test_no_strength_changes_nothing():
    images = pictures(6)
    assert torch.equal(random_filter(images, sigma=0.0), images)
    assert torch.equal(random_warp(images, strength=0.0), images)
    assert torch.equal(colour_curve(images, strength=0.0), images)


def test_chains_are_of_every_length_and_every_kind(monkeypatch):
    monkeypatch.setattr(module, "TRANSFORMS", {"tens": lambda some: some + 10, "ones": lambda some: some + 1})
    monkeypatch.setattr(module, "_mix", lambda images, copies: copies[1])
    torch.manual_seed(7)
    outcome = prime(level(0, 3000, 2), names=("tens", "ones"))
    assert (outcome == outcome[:, :1, :1, :1]).all()
    counts = outcome[:, 0, 0, 0].bincount(minlength=31).double()
    expected = {1: 500, 10: 500, 2: 250, 11: 500, 20: 250, 3: 125, 12: 375, 21: 375, 30: 125}
    assert counts.sum() == sum(counts[total] for total in expected) == 3000
    for total, number in expected.items():
        assert abs(counts[total] - number) < 4.5 * math.sqrt(number)


def test_every_chain_belongs_to_its_picture(monkeypatch):
    monkeypatch.setattr(module, "TRANSFORMS", {"same": lambda some: some})
    images = pictures(50)
    seen = []
    monkeypatch.setattr(module, "_mix", lambda images, copies: seen.append((images, copies)) or images)
    prime(images, names=("same",), probability=0.5)
    assert seen[0][1].shape == (3, len(seen[0][0]), 3, 16, 16)
    assert all(torch.equal(copy, seen[0][0]) for copy in seen[0][1])


def test_chains_are_mixed_by_uniform_weights():
    """Each chain's light comes in a channel of its own, so that the weights can be read."""
    copies = torch.zeros(3, 4000, 3, 2, 2, dtype=torch.uint8)
    for chain in range(3):
        copies[chain, :, chain] = 255
    torch.manual_seed(8)
    weights = module._mix(torch.zeros(4000, 3, 2, 2, dtype=torch.uint8), copies)[:, :, 0, 0].double() / 255
    share = weights.sum(1)
    assert stats.kstest(share.numpy(), "uniform").statistic < 0.025
    large = share > 0.5
    for chain in range(3):  # Uniform on a triangle: each coordinate is Beta(1, 2).
        part = (weights[large, chain] / share[large]).numpy()
        assert stats.kstest(part, stats.beta(1, 2).cdf).statistic < 0.04
    images = pictures(1000)
    assert torch.equal(module._mix(images, images.expand(3, *images.shape)), images)


def test_a_warp_left_out_is_never_used(monkeypatch):
    assert set(TRANSFORMS) & set(ALL) == {"elastic_transform"}
    monkeypatch.setitem(TRANSFORMS, "elastic_transform", lambda some: some.fill_(1 / 0))
    prime(pictures(60), names=("random_filter", "colour_curve"))
    with pytest.raises(ZeroDivisionError):
        prime(pictures(60))


def test_probability_decides_for_each_picture():
    images = pictures(400)
    assert torch.equal(prime(images, probability=0.0), images)
    assert (prime(images) != images).flatten(1).any(1).sum() > 380  # Some shares are next to nothing.
    changed = (prime(images, probability=0.5) != images).flatten(1).any(1)
    assert 150 < changed.sum() < 245


@pytest.mark.parametrize("transform", [random_filter, random_warp, colour_curve, prime])
def test_the_seed_decides_whatever_the_layout_and_inputs_stay_as_they_are(transform):
    images = pictures(20, 12, 17)
    before = images.clone()
    torch.manual_seed(5)
    first = transform(images)
    assert first.dtype == torch.uint8
    assert first.is_contiguous()
    torch.manual_seed(5)
    assert torch.equal(transform(images.contiguous(memory_format=torch.channels_last)), first)
    assert not torch.equal(transform(images), first)
    assert torch.equal(images, before)


@pytest.mark.parametrize("transform", [random_filter, random_warp, colour_curve, prime])
def test_transforms_work_on_the_device(transform, accelerator):
    images = pictures(20).to(accelerator)
    torch.manual_seed(5)
    result = transform(images)
    assert result.device == accelerator
    assert (result != images).flatten(1).any(1).sum() > 15


@pytest.mark.parametrize("names", [(), ("random_warp",), ("random_filter", "brightness")])
def test_unknown_names_are_refused(names):
    with pytest.raises(ConfigError, match="expected some of random_filter, colour_curve, elastic_transform"):
        prime(pictures(2), names=names)
