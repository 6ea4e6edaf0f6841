"""Paired tests against SciPy's, and their adjustment by hand."""

import numpy as np
import pytest
from scipy import stats

from rugged.core.errors import MetricsError
from rugged.metrics import holm, sign_flip_test


def scipy_test(gains, resamples=np.inf):
    """SciPy's own permutation test of paired samples."""
    found = stats.permutation_test((gains,), np.mean, permutation_type="samples", n_resamples=resamples)
    return found.pvalue


def test_the_p_value_is_the_share_of_all_sign_changes():
    gains = np.array([0.8, -0.2, 0.4, 0.6, 0.2, 0.0, 1.0, -0.4])
    assert sign_flip_test([gains])[0] == pytest.approx(scipy_test(gains), abs=1e-12)
    assert sign_flip_test([np.zeros(5)])[0] == 1
    assert sign_flip_test([np.ones(2)])[0] == 0.5  # Two pictures prove nothing.
    assert sign_flip_test([np.full(6, -0.1)])[0] == 2 / 64  # Nor do ties hide behind the rounding of their sum.
    ties = np.concatenate([np.full(5, 0.1), np.full(5, 0.2), [-0.3, -0.3]])
    assert sign_flip_test([ties])[0] == pytest.approx(scipy_test(ties), abs=1e-12)


@pytest.mark.parametrize(("won", "lost"), [(9, 3), (14, 5), (130, 100)])
def test_of_right_and_wrong_answers_it_is_mcnemars_exact_test(won, lost):
    gains = np.concatenate([np.ones(won), -np.ones(lost), np.zeros(1000)])
    exact = stats.binomtest(won, won + lost).pvalue
    error = 3 * np.sqrt(exact * (1 - exact) / 10_000) if won + lost > 13 else 1e-12
    assert sign_flip_test([gains])[0] == pytest.approx(exact, abs=error)


def test_tests_of_any_length_stand_beside_each_other():
    generator = np.random.default_rng(0)
    many, few = generator.normal(0.3, 1, 40), np.array([1.0, 1.0, -1.0])
    together = sign_flip_test([many, few, np.zeros(3), -many])
    exact = scipy_test(many, 20_000)
    assert together[0] == pytest.approx(exact, abs=0.012)
    assert together[1:].tolist() == [1.0, 1.0, together[0]]
    assert sign_flip_test([many, few, np.zeros(3), -many]).tolist() == together.tolist()


def test_the_least_p_value_is_small_enough_for_as_many_tests():
    """A thousand classes, one of which differs beyond doubt: whatever the adjustment takes, it is found."""
    gains = [np.ones(50), *([np.array([1.0, -1.0])] * 999)]
    assert holm(sign_flip_test(gains))[0] < 0.05


def test_holms_adjustment_by_hand():
    assert holm(np.array([0.01, 0.04, 0.03])).tolist() == pytest.approx([0.03, 0.06, 0.06])
    assert holm(np.array([0.5, 0.9])).tolist() == [1, 1]


def test_of_no_tests_there_are_no_p_values():
    assert sign_flip_test([]).shape == (0,)


def test_what_is_no_number_is_no_gain():
    with pytest.raises(MetricsError, match="finite"):
        sign_flip_test([np.ones(20), np.full(20, np.nan)])
