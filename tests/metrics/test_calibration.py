"""Calibration against torchmetrics, and against the definitions over whole distributions."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchmetrics.functional.classification import multiclass_calibration_error

from rugged.core.errors import MetricsError
from rugged.metrics import (
    brier_score,
    brier_scores,
    expected_calibration_error,
    negative_log_likelihood,
    reliability,
)


def predictions(seed, count=500, classes=7, sharpness=2.0):
    generator = torch.Generator().manual_seed(seed)
    logits = sharpness * torch.randn(count, classes, generator=generator)
    labels = torch.randint(0, classes, (count,), generator=generator)
    probabilities = logits.double().softmax(1)
    confidence, predicted = probabilities.max(1)
    return probabilities, labels, confidence.numpy(), (predicted == labels).numpy()


@pytest.mark.parametrize("bins", [1, 10, 15])
@pytest.mark.parametrize("seed", range(3))
def test_ece_is_that_of_torchmetrics(seed, bins):
    probabilities, labels, confidence, correct = predictions(seed)
    wanted = multiclass_calibration_error(probabilities, labels, num_classes=7, n_bins=bins, norm="l1")
    assert expected_calibration_error(confidence, correct, bins) == pytest.approx(float(wanted), abs=1e-6)


def test_ece_by_hand():
    confidence = np.array([0.95, 0.95, 0.55, 0.55])
    correct = np.array([True, True, True, False])
    assert expected_calibration_error(confidence, correct, 10) == pytest.approx(0.5 * 0.05 + 0.5 * 0.05)


def test_a_confidence_on_a_border_belongs_to_the_bin_below():
    table = reliability(np.array([0.0, 0.1, 0.100001, 1.0]), np.array([False, True, True, True]), 10)
    assert table.counts.tolist() == [2, 1, 0, 0, 0, 0, 0, 0, 0, 1]
    assert table.accuracy[:2].tolist() == [0.5, 1.0]


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=50), st.integers(1, 20))
def test_bins_take_every_prediction_once(pairs, bins):
    confidence, correct = (np.array(column) for column in zip(*pairs, strict=True))
    table = reliability(confidence, correct, bins)
    assert table.counts.sum() == len(pairs)
    assert (table.counts * table.accuracy).sum() == pytest.approx(correct.sum())
    assert (table.counts * table.confidence).sum() == pytest.approx(confidence.sum())
    assert 0 <= expected_calibration_error(confidence, correct, bins) <= 1


def test_brier_and_nll_are_those_of_the_whole_distributions():
    probabilities, labels, _, _ = predictions(5)
    own = probabilities[torch.arange(len(labels)), labels].numpy()
    truth = torch.nn.functional.one_hot(labels, 7)
    wanted = (probabilities - truth).square().sum(1).mean()
    assert brier_score(own, probabilities.square().sum(1).numpy()) == pytest.approx(float(wanted))
    wanted = torch.nn.functional.nll_loss(probabilities.log(), labels)
    assert negative_log_likelihood(-np.log(own)) == pytest.approx(float(wanted))


@pytest.mark.parametrize("values", [[], [1.1], [-0.1], [float("nan")]])
def test_what_is_no_probability_is_refused(values):
    with pytest.raises(ValueError, match="probabilities must lie"):
        brier_score(np.array(values), np.array(values))
    with pytest.raises(ValueError, match="probabilities must lie"):
        expected_calibration_error(np.array(values), np.ones(len(values), dtype=bool))
    with pytest.raises(ValueError, match="at least one bin"):
        reliability(np.array([0.5]), np.array([True]), 0)
    with pytest.raises(ValueError, match="at least one prediction"):
        negative_log_likelihood(np.array([]))


@pytest.mark.parametrize("others", [[0.5], [0.5, 0.5, 0.5], 0.5, [[0.5, 0.5]]])
def test_as_many_numbers_as_predictions(others):
    own, others = np.array([0.5, 0.25]), np.array(others)
    for measure in (brier_score, brier_scores, reliability, expected_calibration_error):
        with pytest.raises(MetricsError, match=r"a number for each prediction, \(N,\) twice, got the shapes \(2,\)"):
            measure(own, others)
