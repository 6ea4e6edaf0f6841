"""Drift and the pointing game, worked out by hand."""

import numpy as np
import pytest
from scipy.stats import pearsonr

from rugged.core.errors import ConfigError
from rugged.explain import drift, pointing_game
from rugged.explain.measuring import pointing_result
from rugged.explain.pointing import centre_hits, hits


def test_drift_is_one_minus_pearsons_correlation():
    rng = np.random.default_rng(0)
    one, other = rng.random((2, 9, 7))
    assert drift(one, other) == pytest.approx(1 - pearsonr(one.ravel(), other.ravel()).statistic)
    assert drift(one, 3 * one + 5) == pytest.approx(0)
    assert drift(one, -one) == pytest.approx(2)
    assert np.isnan(drift(one, np.zeros((9, 7))))
    with pytest.raises(ConfigError, match=r"maps of \(9, 7\) and \(7, 9\)"):
        drift(one, other.T)


def test_a_hit_is_the_highest_pixel_on_the_object():
    masks = np.zeros((4, 4, 4), bool)
    masks[:, 1:3, 1:3] = True
    maps = np.zeros((4, 4, 4))
    maps[0, 1, 2] = 1  # On the object.
    maps[1, 0, 2] = 1  # A pixel beside it.
    maps[2, 1, 0] = maps[2, 1, 1] = 1  # Two are highest, and one is on it.
    assert hits(maps, masks).tolist() == [1, 0, 0.5, 0]  # The last map is empty.
    assert pointing_game(maps, masks) == pytest.approx(1.5 / 4)
    with pytest.raises(ConfigError, match="expected the same"):
        hits(maps, masks[:, :3])
    with pytest.raises(ConfigError, match="at least one"):
        pointing_game(maps[:0], masks[:0])


def test_the_middle_is_one_pixel_or_four():
    even, odd = np.zeros((1, 4, 4), bool), np.zeros((1, 5, 5), bool)
    even[0, 1, 1:] = True
    odd[0, 2, 2] = True
    assert centre_hits(even).tolist() == [0.5]
    assert centre_hits(odd).tolist() == [1]


def test_figures_of_the_pointing_game_add_up():
    masks = np.zeros((4, 5, 5), bool)
    masks[:2, 2, 2] = True  # In the middle of two pictures,
    masks[2:, 0, 0] = True  # and in a corner of two.
    maps = np.zeros((4, 5, 5), np.float32)
    maps[0, 2, 2] = maps[1, 4, 4] = maps[2, 0, 0] = maps[3, 0, 0] = 1
    found = pointing_result(1, "grad_cam", maps, masks, np.array([True, True, False, False]))
    assert (found.images, found.share, found.correct_images, found.correct_share) == (4, 0.75, 2, 0.5)
    assert (found.centre_share, found.off_centre_images, found.off_centre_share) == (0.5, 2, 1.0)
    low, high = found.interval
    assert low < 0.75 <= high
