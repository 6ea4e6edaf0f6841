"""The bootstrap against theory and against SciPy's."""

import numpy as np
import pytest
from scipy import stats

from rugged.metrics import interval, resampled_means


def test_resampled_means_spread_as_theory_says():
    """The standard error of a share p over N images is sqrt(p (1 - p) / N)."""
    wrong = np.arange(2000) < 600
    means = resampled_means(wrong[None], draws=2000)
    assert means.shape == (2000, 1)
    assert means.mean() == pytest.approx(0.3, abs=0.001)
    assert means.std() == pytest.approx(np.sqrt(0.3 * 0.7 / 2000), rel=0.06)


def test_the_interval_is_that_of_scipy():
    values = np.random.default_rng(3).gamma(2.0, size=400)
    ours = interval(resampled_means(values[None], draws=5000)[:, 0])
    theirs = stats.bootstrap((values,), np.mean, n_resamples=5000, method="percentile", rng=1).confidence_interval
    np.testing.assert_allclose(ours, theirs, atol=0.02)


def test_the_interval_covers_the_truth_as_often_as_it_says():
    generator = np.random.default_rng(7)
    hits = 0
    for trial in range(300):
        low, high = interval(resampled_means(generator.random((1, 200)) < 0.4, draws=300, seed=trial)[:, 0])
        hits += low <= 0.4 <= high
    assert 0.90 <= hits / 300 <= 0.98


def test_all_rows_of_an_image_move_together():
    wrong = np.random.default_rng(0).random(500) < 0.3
    worse = wrong | (np.arange(500) < 50)
    first, same, third = resampled_means(np.stack([wrong, wrong, worse]), draws=200).T
    assert (first == same).all()
    apart = resampled_means(worse[None], draws=200, seed=1)[:, 0] - first
    assert (third - first).std() < apart.std() / 2  # Pairing takes away what both owe to the images.


def test_the_draws_follow_from_the_seed_alone():
    values = np.random.default_rng(0).random((3, 40))
    np.testing.assert_array_equal(resampled_means(values, 250, seed=4), resampled_means(values, 250, seed=4))
    np.testing.assert_allclose(resampled_means(values, 250, seed=4)[:, :1], resampled_means(values[:1], 250, seed=4))
    assert (resampled_means(values, 250, seed=4) != resampled_means(values, 250, seed=5)).any()


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match="images and draws"):
        resampled_means(np.ones((2, 0)))
    with pytest.raises(ValueError, match="images and draws"):
        resampled_means(np.ones((2, 3)), draws=0)
    with pytest.raises(ValueError, match="level"):
        interval(np.ones(3), level=1.0)
    with pytest.raises(ValueError, match="there are none"):
        interval(np.ones(0))
