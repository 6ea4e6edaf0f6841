"""Temperature scaling against SciPy's minimiser and a case worked out by hand."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax

from rugged.metrics import fit_temperature
from rugged.metrics.temperature import LIMITS


def answers(seed, scale):
    """Logits that are right more often than not, and as sure as ``scale`` makes them."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 7, 400)
    logits = rng.normal(size=(400, 7))
    logits[np.arange(400), labels] += 1.5
    return (scale * logits).astype(np.float32), labels


@pytest.mark.parametrize("scale", [0.2, 1.0, 9.0])
def test_the_cross_entropy_is_least_there(scale):
    logits, labels = answers(3, scale)

    def loss(temperature):
        return -log_softmax(logits.astype(float) / temperature, axis=1)[np.arange(400), labels].mean()

    least = minimize_scalar(loss, bounds=(0.01, 100), method="bounded", options={"xatol": 1e-9})
    assert fit_temperature(logits, labels) == pytest.approx(least.x, rel=1e-5)


def test_scaled_logits_have_a_scaled_temperature():
    logits, labels = answers(1, 1.0)
    assert fit_temperature(8 * logits, labels) == pytest.approx(8 * fit_temperature(logits, labels), rel=1e-9)


def test_three_of_four_right_with_a_margin_of_five():
    """Two classes with logits 5 and 0: probabilities say the truth where sigmoid(5 / T) = 3 / 4, so T = 5 / ln 3."""
    logits = np.tile([5.0, 0.0], (4, 1))
    assert fit_temperature(logits, np.array([0, 0, 0, 1])) == pytest.approx(5 / np.log(3), rel=1e-12)


def test_without_an_optimum_it_stops_at_the_limits():
    logits = np.tile([5.0, 0.0], (3, 1))
    assert fit_temperature(logits, np.zeros(3, int)) == pytest.approx(LIMITS[0])
    assert fit_temperature(logits, np.ones(3, int)) == pytest.approx(LIMITS[1])
    assert fit_temperature(0 * logits, np.ones(3, int)) == pytest.approx(LIMITS[0])
    with pytest.raises(ValueError, match="at least one picture"):
        fit_temperature(logits[:0], np.zeros(0, int))
