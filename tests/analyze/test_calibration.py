"""Confidence against accuracy, worked out by hand; pooling is what it says."""

import numpy as np
import pytest
from tests.analyze.cells import random_cell

from rugged.analyze import calibration_of, calibration_table, select
from rugged.metrics import expected_calibration_error


def test_clean_calibration_is_the_one_worked_out_by_hand(cells):
    """Confidence 0.7 right, 0.5 wrong, 0.9 right, 0.6 wrong; each alone in its bin."""
    found = calibration_table(cells).clean
    assert found.confidence == pytest.approx(0.675)
    assert found.accuracy == 0.5
    assert found.overconfidence == pytest.approx(0.175)
    assert found.ece == pytest.approx((0.3 + 0.5 + 0.1 + 0.6) / 4)
    assert found.right.sum() == 2
    assert found.right[[10, 13]].tolist() == [1, 1]
    assert found.wrong[7] == 1
    assert found.wrong.sum() == 2


def test_the_table_holds_every_cell_and_pools_them(cells):
    table = calibration_table(cells)
    assert set(table.cells) == set(cells) - {("clean", 0)}
    assert set(table.corruptions) == {"fog", "contrast", "speckle_noise"}
    assert table.corrupted.accuracy == 9 / 16  # Without speckle noise, which is no benchmark corruption.
    assert table.corruptions["fog"].accuracy == 0.5
    assert table.severities[2].accuracy == 3 / 8
    assert table.corruptions["contrast"].right.sum() == 5


def test_ece_is_that_of_the_metric_and_histograms_add_up():
    several = [random_cell(seed)[0] for seed in range(3)]
    found = calibration_of(several)
    confidence = np.concatenate([cell.top_probabilities[:, 0] for cell in several])
    correct = np.concatenate([cell.correct for cell in several])
    assert found.ece == pytest.approx(expected_calibration_error(confidence, correct))
    assert found.confidence == pytest.approx(confidence.mean(dtype=float))
    edges = np.linspace(0, 1, 16)
    # np.histogram closes bins on the left, ours on the right; no confidence stands on an edge.
    np.testing.assert_array_equal(found.right, np.histogram(confidence[correct], edges)[0])
    np.testing.assert_array_equal(found.wrong, np.histogram(confidence[~correct], edges)[0])


def test_pooled_ece_lets_opposite_faults_cancel(cells):
    fog = [calibration_of([cell]).ece for cell in select(cells, "fog")]
    assert calibration_table(cells).corruptions["fog"].ece <= np.mean(fog)
