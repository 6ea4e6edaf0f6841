"""The tables of photon counts against SciPy's Poisson distribution, and the draws against both."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rugged.core.catalogue import PARAMETERS
from rugged.core.errors import CorruptionError
from rugged.corruptions.poisson import fill_columns, poisson, poisson_masses
from rugged.corruptions.streams import Stream, stream_keys

CPU = torch.device("cpu")
PUBLISHED = sorted({entry["photons"] for preset in PARAMETERS.values() for entry in preset["shot_noise"]})
WHOLE = 1 << 32


class ChosenBits:
    """A stream of bits that the test chooses: 32 for each value of one image."""

    device = CPU

    def __init__(self, bits):
        self.bits = bits

    def words(self, count):
        words = torch.zeros(1, 2 * count, dtype=torch.int32)
        words[0, : len(self.bits)] = torch.from_numpy(self.bits)
        return words.view(torch.int64)


@pytest.mark.parametrize("photons", [*PUBLISHED, 0.01, 2.5, 700, 1000])
def test_masses_are_the_chances_of_theory(photons):
    """The recurrence in double precision is good to 1e-13, which the rounding to 2^-32 of both ends of a mass hides."""
    masses = poisson_masses(photons)
    counts = np.arange(masses.shape[1])
    exact = stats.poisson.pmf(counts, np.arange(256)[:, None] * photons / 255)
    assert (masses.sum(axis=1) == WHOLE).all()
    assert np.abs(masses - exact * WHOLE).max() <= 1.001
    assert stats.poisson.sf(counts[-1], photons) * WHOLE < 0.5


@pytest.mark.parametrize("photons", [3, 60, 250])
def test_of_all_random_bits_each_count_has_as_many_as_its_mass(photons):
    """The upper bits at which a column goes over from its other count to its own are found by bisection."""
    masses = poisson_masses(photons)
    columns = masses.shape[1]
    height = WHOLE // columns
    levels, column = (axis.ravel() for axis in np.meshgrid(range(256), range(columns), indexing="ij"))
    images = torch.zeros(1, 3, math.ceil(levels.size / 3), 1, dtype=torch.uint8)
    images.view(-1)[: levels.size] = torch.from_numpy(levels).to(torch.uint8)

    def counts(upper):
        bits = (upper * columns + column).astype(np.int32)
        return poisson(ChosenBits(bits), images, photons).view(-1).numpy()[: levels.size]

    below = counts(np.full(levels.size, -height // 2))
    others, owns = np.zeros(levels.size, np.int64), np.full(levels.size, height)  # how many give the lowest's count
    while (owns - others).max() > 1:
        middle = (others + owns) // 2
        same = counts(middle - height // 2) == below
        others, owns = np.where(same, middle, others), np.where(same, owns, middle)
    above = counts(np.full(levels.size, height // 2 - 1))
    found = np.zeros_like(masses)
    np.add.at(found, (levels, below), owns)
    np.add.at(found, (levels, above), height - owns)
    np.testing.assert_array_equal(found, masses)


@given(st.integers(1, 6), st.integers(1, 50), st.data())
def test_columns_hold_every_mass_whole(doublings, height, data):
    columns = 1 << doublings
    ends = data.draw(st.lists(st.integers(0, columns * height), min_size=columns - 1, max_size=columns - 1))
    mass = np.diff(np.array([0, *sorted(ends), columns * height]))
    kept, other = fill_columns(mass, height)
    assert ((kept >= 0) & (kept <= height)).all()
    held = kept.copy()
    np.add.at(held, other, height - kept)
    np.testing.assert_array_equal(held, mass)
    assert (other[kept == height] == np.flatnonzero(kept == height)).all()


def chi_square(counts, mean):
    """Judge counts of 0, 1, 2 … against theory; what is rarer than 5 is taken together at either end."""
    expected = stats.poisson.pmf(np.arange(len(counts)), mean) * counts.sum()
    usual = np.flatnonzero(expected >= 5)
    first, last = usual[0], usual[-1]
    lower, upper = stats.poisson.cdf(first - 1, mean) * counts.sum(), stats.poisson.sf(last, mean) * counts.sum()
    found = np.array([counts[:first].sum(), *counts[first : last + 1], counts[last + 1 :].sum()])
    hoped = np.array([lower, *expected[first : last + 1], upper])
    assert found[hoped < 1e-4].sum() == 0
    kept = hoped > 1e-4
    return ((found - hoped)[kept] ** 2 / hoped[kept]).sum(), kept.sum() - 1


@pytest.mark.parametrize("photons", [3, 15, 60, 500])
@pytest.mark.parametrize("level", [1, 17, 128, 255])
def test_a_million_draws_have_the_distribution_of_theory(photons, level):
    images = torch.full((82, 3, 64, 64), level, dtype=torch.uint8)
    counts = poisson(Stream(stream_keys("shot_noise", 1, 0, range(82)), CPU), images, photons)
    statistic, freedom = chi_square(np.bincount(counts.flatten().numpy()), level * photons / 255)
    assert 1e-4 < stats.chi2.sf(statistic, freedom) < 1 - 1e-4
    assert counts.dtype == torch.int32


@pytest.mark.parametrize("photons", [5, 100])
def test_every_level_has_its_own_distribution(photons):
    images = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16).expand(1400, 3, 16, 16).contiguous()
    counts = poisson(Stream(stream_keys("shot_noise", 2, 0, range(1400)), CPU), images, photons)
    drawn = counts.permute(2, 3, 0, 1).reshape(256, -1).numpy()
    assert (drawn[0] == 0).all()
    judged = [chi_square(np.bincount(row), level * photons / 255) for level, row in enumerate(drawn) if level]
    chances = np.array([stats.chi2.sf(statistic, freedom) for statistic, freedom in judged])
    assert stats.kstest(chances, "uniform").pvalue > 1e-3
    assert chances.min() > 1e-5


@pytest.mark.parametrize("photons", [0, -1, 1001, math.nan, math.inf])
def test_photons_out_of_range_are_an_error(photons):
    with pytest.raises(CorruptionError, match="more than 0 and at most 1000, not"):
        poisson_masses(photons)
