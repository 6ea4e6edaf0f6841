"""Figures of classes are those counted by hand, and those of scikit-learn."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import log_loss, top_k_accuracy_score
from tests.analyze.cells import cell_of, random_cell

from rugged.analyze import class_figures, class_table, rank_classes
from rugged.core.errors import ResultsError


def test_the_table_is_the_one_counted_by_hand(cells):
    table = class_table(cells, 3)
    assert table.counts.tolist() == table.clean_counts.tolist() == [2, 1, 1]
    assert table.corruptions == ("fog", "contrast", "speckle_noise")
    assert table.averaged == ("fog", "contrast")
    assert table.clean.top1.tolist() == [0.5, 1, 0]
    assert table.cells.top1.tolist() == [
        [[1, 0.5], [1, 0], [0, 0]],
        [[0, 0], [1, 0], [0, 0]],
        [[0, 1], [1, 1], [0, 0]],
    ]
    assert table.by_corruption.top1.tolist() == [[0.75, 0.5, 0], [0, 0.5, 0], [0.5, 1, 0]]
    assert table.by_severity.top1.tolist() == [[1, 0.25], [0.5, 0], [0.5, 1]]
    assert table.corrupted.top1.tolist() == [0.625, 0.25, 0.75]
    assert np.isnan(table.cells.top5).all()  # There are but three classes.
    assert np.isnan(table.corrupted.top5).all()
    # Class 0: right with 0.7, and wrong with the true class second at 0.3.
    assert table.clean.loss == pytest.approx([-np.log([0.7, 0.3]).mean(), -np.log(0.9), -np.log(0.1)])


def test_figures_are_those_of_scikit_learn():
    cell, scores = random_cell(1)
    found = class_figures([cell], 10)
    for label in range(10):
        here = cell.labels == label
        asked = {"y_true": cell.labels[here], "labels": range(10)}
        assert found.top1[label] == pytest.approx(top_k_accuracy_score(y_score=scores[here], k=1, **asked))
        assert found.top5[label] == pytest.approx(top_k_accuracy_score(y_score=scores[here], k=5, **asked))
        assert found.loss[label] == pytest.approx(log_loss(cell.labels[here], scores[here], labels=range(10)), rel=1e-5)


def test_the_worst_and_the_best_are_ranked_with_ties_by_loss_then_by_label(cells):
    corrupted = class_table(cells, 3).corrupted
    assert rank_classes(corrupted) == [1, 0, 2]
    assert rank_classes(corrupted, worst=False) == [2, 0, 1]
    assert rank_classes(corrupted, count=1) == [1]
    labels = (0, 1, 2, 3)  # All are wrong; 1 has the greatest loss, 0 and 3 the same one; 4 has no pictures.
    tied = class_figures([cell_of("clean", 0, labels, [[4, label] for label in labels],
                                  [[0.6, p] for p in (0.3, 0.1, 0.2, 0.3)])], 5)  # fmt: skip
    assert rank_classes(tied) == [1, 2, 0, 3]
    assert rank_classes(tied, worst=False) == [0, 3, 2, 1]
    assert rank_classes(tied, by="loss") == [1, 2, 0, 3]
    assert np.isnan(tied.top1[4])


def test_top5_means_something_from_six_classes_on():
    five, six = (cell_of("clean", 0, [0, 1], [[0, 1, 2, 3, 4], [4, 3, 2, 0, 5]], [[0.5, 0.2, 0.1, 0.1, 0.1]] * 2),) * 2
    assert np.isnan(class_figures([five], 5).top5).all()
    assert class_figures([six], 6).top5[:2].tolist() == [1, 0]


@given(st.permutations(range(40)), st.integers(0, 50))
def test_the_order_of_the_pictures_does_not_matter(order, seed):
    cell, _ = random_cell(seed, images=40, classes=7)
    columns = (cell.labels, cell.top, cell.top_probabilities)
    one, other = (
        class_figures([cell_of("clean", 0, *(x[place] for x in columns))], 7) for place in (slice(None), order)
    )
    for name in ("top1", "top5", "loss"):
        np.testing.assert_allclose(getattr(one, name), getattr(other, name), rtol=1e-12)
    counts = np.bincount(cell.labels, minlength=7)
    assert (one.top1 * counts).sum() == pytest.approx(cell.correct.sum())


def test_a_missing_cell_is_named(cells):
    del cells["fog", 2]
    with pytest.raises(ResultsError, match="fog-2"):
        class_table(cells, 3)
    with pytest.raises(ResultsError, match="all corrupted ones"):
        class_table({("clean", 0): cells["clean", 0]}, 3)
