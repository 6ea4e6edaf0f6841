"""The table of quantiles against the exact normal distribution."""

import math
from statistics import NormalDist

import numpy as np
import pytest
import torch

from rugged.corruptions.normal import quantiles, standard_normal
from rugged.corruptions.streams import Stream, stream_keys

CPU = torch.device("cpu")
GRID = 2.0**-20


@pytest.fixture(scope="module")
def table():
    return quantiles(CPU).numpy().astype(np.float64)


def test_entries_are_the_quantiles_on_a_grid(table):
    """The standard library's inverse normal is another algorithm, as good to the last bits."""
    exact = np.array([NormalDist().inv_cdf((i + 0.5) / 65536) for i in range(32768)])
    np.testing.assert_array_equal(table[:32768], np.round(exact / GRID) * GRID)
    # No quantile lies so near the middle of two grid points that an error of 1e-13 could round it otherwise.
    assert np.abs(np.abs(exact / GRID % 1) - 0.5).min() * GRID > 1e-13


def test_table_is_antisymmetric_and_rises(table):
    np.testing.assert_array_equal(table, -table[::-1])
    assert (np.diff(table) > 0).all()


def test_kolmogorov_smirnov_distance_is_that_of_65536_steps(table):
    exact = np.array([0.5 * math.erfc(-value / math.sqrt(2)) for value in table])
    below, above = np.arange(65536) / 65536, np.arange(1, 65537) / 65536
    distance = max(np.abs(exact - below).max(), np.abs(exact - above).max())
    assert distance < 0.5 / 65536 + GRID


def test_moments(table):
    assert (table**2).mean() == pytest.approx(0.99998, abs=5e-6)
    assert (table**4).mean() == pytest.approx(3, abs=2e-3)


def test_draws_pass_kolmogorov_smirnov():
    draws = standard_normal(Stream(stream_keys("snow", 1, 0, range(8)), CPU), (3, 64, 64))
    assert draws.shape == (8, 3, 64, 64)
    assert draws.dtype == torch.float32
    for values in (draws.flatten().numpy(), draws[0].flatten().numpy()):
        ordered = np.sort(values.astype(np.float64))
        exact = np.array([0.5 * math.erfc(-value / math.sqrt(2)) for value in ordered])
        distance = np.abs(exact - (np.arange(len(ordered)) + 0.5) / len(ordered)).max()
        assert distance * math.sqrt(len(ordered)) < 1.95  # exceeded once in a thousand
