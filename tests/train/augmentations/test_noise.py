"""Noise of p-norms: uniform in the balls, of the strengths asked for."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from rugged.core.catalogue import PARAMETERS
from rugged.core.errors import ConfigError
from rugged.train.augmentations.noise import RADII, ball_points, noise_ledger, p_norm_noise

CPU = torch.device("cpu")


def grey(count, side=32):
    return torch.full((count, 3, side, side), 128, dtype=torch.uint8)


@pytest.mark.parametrize("norm", [0.5, 1, 2])
def test_points_are_uniform_in_the_ball(norm):
    """The radius to the power of the dimension is uniform; an axis's share of the norm is Beta(1/p, (d - 1)/p)."""
    torch.manual_seed(2)
    points = ball_points((20_000, 3, 1, 2), norm, CPU).double().flatten(1)
    powers = points.abs() ** norm
    assert (powers.mean(1) <= 1 + 1e-5).all()
    assert stats.kstest((powers.mean(1) ** (6 / norm)).numpy(), "uniform").pvalue > 1e-3
    shares = powers / powers.sum(1, keepdim=True)
    for axis in range(6):
        assert stats.kstest(shares[:, axis].numpy(), stats.beta(1 / norm, 5 / norm).cdf).pvalue > 1e-4
    assert (points > 0).double().mean() == pytest.approx(0.5, abs=0.01)
    assert np.abs(np.corrcoef(points.T.sign().numpy()) - np.eye(6)).max() < 0.04


@pytest.mark.parametrize("norm", [0.5, 1, 2, math.inf])
def test_points_are_those_that_rejection_leaves(norm):
    torch.manual_seed(2)
    points = ball_points((8000, 1, 1, 2), norm, CPU).flatten(1).numpy()
    box = np.random.RandomState(3).uniform(-1, 1, (100_000, 2))
    norms = np.abs(box).max(1) if norm == math.inf else (np.abs(box) ** norm).sum(1) ** (1 / norm)
    kept = box[norms <= 1] * (1 if norm == math.inf else 2 ** (1 / norm))  # A power mean of 1, not a norm of 1.
    for project in (lambda some: some[:, 0], lambda some: some.sum(1), lambda some: some[:, 0] * some[:, 1]):
        assert stats.ks_2samp(project(points), project(kept)).pvalue > 1e-3


def test_in_many_dimensions_points_are_independent_numbers():
    """Of p = 2 normal ones, of p = 1 Laplace's, of p = infinity uniform ones."""
    torch.manual_seed(2)
    for norm, law in ((2, stats.norm()), (1, stats.laplace()), (math.inf, stats.uniform(-1, 2))):
        points = ball_points((4, 3, 64, 64), norm, CPU)
        assert stats.kstest(points.flatten().numpy(), law.cdf).statistic < 0.012


def test_no_draw_is_too_extreme():
    """A uniform number of exactly -1 is drawn in one of 2^24 cases; it must not become infinite."""
    torch.manual_seed(2)
    real = torch.rand

    def edge(*shape, **options):
        return real(*shape, **options).mul_(2).round_().div_(2)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch, "rand", edge)
        assert ball_points((4, 3, 8, 8), 1, CPU).isfinite().all()
        assert ball_points((4, 3, 8, 8), 0.5, CPU).isfinite().all()


@pytest.mark.parametrize(("norm", "power"), [("1", 1), ("2", 2)])
def test_radii_are_uniform(norm, power):
    torch.manual_seed(4)
    noise = (p_norm_noise(grey(1500), norms=(norm,), strength=0.8).double() - 128).abs() / 255
    radii = (noise**power).mean((1, 2, 3)) ** (1 / power)
    # Rounding to levels adds to the smallest ones; clipping takes from the largest ones of heavy tails.
    assert stats.kstest(radii.numpy(), stats.uniform(0, 0.8 * RADII[norm]).cdf).statistic < 0.05


def test_uniform_noise_keeps_to_its_bounds():
    torch.manual_seed(4)
    noise = (p_norm_noise(grey(1500, 16), norms=("inf",)).double() - 128).flatten(1)
    radii = noise.abs().max(1).values / 255
    assert radii.max() <= RADII["inf"] + 0.5 / 255
    assert stats.kstest(radii.numpy(), stats.uniform(0, RADII["inf"]).cdf).pvalue > 1e-3
    assert noise.mean().abs() < 0.1
    loudest = noise[radii.argmax()].numpy()
    assert stats.kstest(loudest / np.abs(loudest).max(), stats.uniform(-1, 2).cdf).statistic < 0.06


def test_impulses_strike_a_share_of_the_values():
    torch.manual_seed(4)
    struck = p_norm_noise(grey(1500), norms=("0",), strength=0.5)
    assert set(struck.unique().tolist()) == {0, 128, 255}
    shares = (struck != 128).double().mean((1, 2, 3))
    assert stats.kstest(shares.numpy(), stats.uniform(0, 0.5 * RADII["0"]).cdf).pvalue > 1e-3
    assert (struck == 0).sum() == pytest.approx((struck == 255).sum().item(), rel=0.03)


def test_each_norm_is_as_likely_and_pictures_draw_for_themselves():
    torch.manual_seed(4)
    noisy = p_norm_noise(grey(1000), norms=("0", "inf"), probability=0.75)
    spared = (noisy == 128).flatten(1).all(1)
    impulses = ((noisy == 0) | (noisy == 255)).flatten(1).any(1)
    for number, expected in ((spared, 250), (impulses, 375)):
        assert number.sum() == pytest.approx(expected, abs=4.5 * 15.3)
    flat = p_norm_noise(grey(30), norms=("2",)).double().flatten(1)
    assert np.abs(np.corrcoef(flat.numpy()) - np.eye(30)).max() < 5 / math.sqrt(flat.shape[1])


def test_probability_0_changes_nothing_and_1_all():
    assert torch.equal(p_norm_noise(grey(40), probability=0.0), grey(40))
    changed = (p_norm_noise(grey(400), norms=tuple(RADII)) != grey(400)).flatten(1).any(1)
    assert changed.sum() >= 385  # Radii of less than half a level change nothing.
    assert torch.equal(p_norm_noise(grey(40), norms=tuple(RADII), strength=0.0), grey(40))


@pytest.mark.parametrize("norms", [("inf",), tuple(RADII)])
def test_the_seed_decides_whatever_the_layout_and_inputs_stay_as_they_are(norms):
    torch.manual_seed(1)
    images = torch.randint(0, 256, (20, 3, 8, 9), dtype=torch.uint8)
    before = images.clone()
    torch.manual_seed(5)
    first = p_norm_noise(images, norms=norms)
    torch.manual_seed(5)
    assert torch.equal(p_norm_noise(images.contiguous(memory_format=torch.channels_last), norms=norms), first)
    assert not torch.equal(p_norm_noise(images, norms=norms), first)
    assert torch.equal(images, before)


def test_the_largest_radii_are_the_published_ones():
    """On 3 x 32 x 32 values a radius is a power mean times 3072 to the power of 1 / p."""
    for norm, radius in (("0.5", 400_000), ("1", 200), ("2", 5)):
        assert RADII[norm] * 3072 ** (1 / float(norm)) == pytest.approx(radius, rel=0.01)


def test_noise_is_drawn_on_the_device(accelerator):
    images = grey(200).to(accelerator)
    torch.manual_seed(3)
    noisy = p_norm_noise(images, norms=tuple(RADII))
    assert noisy.device == accelerator
    assert (noisy != images).flatten(1).any(1).sum() > 190
    torch.manual_seed(3)
    assert torch.equal(p_norm_noise(images, norms=tuple(RADII)), noisy)


@pytest.mark.parametrize("norm", ["1", "2", "inf"])
def test_noise_as_strong_as_gaussian_noise_goes_by_its_name(norm):
    """The largest radius is near the second severity of the large presets, and beyond the first one of all."""
    torch.manual_seed(2)
    deviation = ball_points((50, 3, 32, 32), float(norm), CPU).std().item() * RADII[norm]
    sigmas = [[five["sigma"] for five in preset["gaussian_noise"]] for preset in PARAMETERS.values()]
    assert min(first for first, *_ in sigmas) < deviation < max(second for _, second, *_ in sigmas)
    assert noise_ledger((norm,)) == ("gaussian_noise",)


def test_noise_that_strikes_few_values_goes_by_the_name_of_impulse_noise():
    """The energy of p = 0.5 is in few values; the largest twentieth of normal numbers has 28 % of theirs."""
    torch.manual_seed(2)
    energy = ball_points((50, 3, 32, 32), 0.5, CPU).square().flatten(1).sort(1, descending=True).values
    share = energy[:, : energy.shape[1] // 20].sum(1) / energy.sum(1)
    assert share.mean() == pytest.approx(stats.gamma(6).sf(stats.gamma(2).isf(0.05)), abs=0.02)
    assert noise_ledger(("0",)) == noise_ledger(("0.5",)) == ("impulse_noise",)


def test_the_ledger_names_each_operation_once_and_in_the_order_given():
    assert noise_ledger(("2", "0", "inf", "0.5")) == ("gaussian_noise", "impulse_noise")
    assert noise_ledger(("0.5", "1")) == ("impulse_noise", "gaussian_noise")


@pytest.mark.parametrize("norms", [(), ("3",), ("inf", "two")])
def test_unknown_norms_are_refused(norms):
    with pytest.raises(ConfigError, match=r"norms has .*; expected some of 0, 0\.5"):
        p_norm_noise(grey(2), norms=norms)
