"""What is taken for what, as counted by hand and by scikit-learn."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix as sklearn_matrix
from tests.analyze.cells import cell_of, random_cell

from rugged.analyze import (
    Confusion,
    Pair,
    Sink,
    confused_pairs,
    confusion_matrix,
    mistaken_as,
    mistaken_for,
    mutual_pairs,
    select,
    shift_at,
    shifts,
)


def test_the_matrix_is_the_one_counted_by_hand(cells):
    assert confusion_matrix(select(cells), 3).tolist() == [[5, 1, 2], [2, 1, 1], [1, 0, 3]]


def test_the_matrix_is_that_of_scikit_learn():
    several = [random_cell(seed)[0] for seed in range(3)]
    wanted = sum(sklearn_matrix(cell.labels, cell.top[:, 0], labels=range(10)) for cell in several)
    np.testing.assert_array_equal(confusion_matrix(several, 10), wanted)


def test_pairs_are_ranked_by_count_then_by_label(cells):
    pairs = confused_pairs(select(cells), 3)
    assert [(one.label, one.predicted, one.count, one.share) for one in pairs] == [
        (0, 2, 2, 0.25), (1, 0, 2, 0.5), (0, 1, 1, 0.125), (1, 2, 1, 0.25), (2, 0, 1, 0.25),
    ]  # fmt: skip
    assert pairs[0].probability == pytest.approx(0.6)  # The first two pictures under contrast 2: 0.7 and 0.5.
    assert confused_pairs(select(cells), 3, count=2) == pairs[:2]


def test_pairs_both_ways_begin_with_the_class_that_is_mistaken_more(cells):
    assert mutual_pairs(confusion_matrix(select(cells), 3)) == [
        Pair(1, 0, 2, 1, 0.25), Pair(0, 2, 2, 1, 0.25), Pair(1, 2, 1, 0, 0.125),
    ]  # fmt: skip


@pytest.mark.parametrize("count", [1, 10, 1000])
def test_ties_of_many_pairs_go_by_label(count):
    """Of 435 pairs with 0 to 6 mistakes each most are ties, and some have none."""
    matrix = np.random.default_rng(count).integers(0, 4, (30, 30))
    both = {(low, high): matrix[low, high] + matrix[high, low] for high in range(30) for low in range(high)}
    order = sorted((pair for pair, mistakes in both.items() if mistakes), key=lambda pair: (-both[pair], pair))
    found = mutual_pairs(matrix, count)
    assert [tuple(sorted((one.first, one.second))) for one in found] == order[:count]


def test_what_a_class_is_mistaken_for_and_what_for_it(cells):
    corrupted = select(cells)
    pairs = confused_pairs(corrupted, 3)
    assert mistaken_for(corrupted, 0) == [pairs[0], pairs[2]]
    assert mistaken_as(corrupted, 0) == [pairs[1], pairs[4]]
    assert mistaken_for(select(cells, "clean"), 1) == []
    assert mistaken_as(select(cells, "clean"), 2) == []


def test_by_top5_counts_what_stands_above_the_true_class():
    """Class 0 is third, first, and not among the five."""
    top = [[3, 1, 0, 2, 4], [0, 1, 2, 3, 4], [1, 5, 4, 3, 2]]
    shares = [[0.5, 0.2, 0.1, 0.1, 0.1], [0.6, 0.1, 0.1, 0.1, 0.1], [0.4, 0.2, 0.2, 0.1, 0.1]]
    cell = cell_of("clean", 0, [0, 0, 0], top, shares)
    found = mistaken_for([cell], 0, by="top5")
    assert [(one.predicted, one.count) for one in found] == [(1, 2), (3, 2), (2, 1), (4, 1), (5, 1)]
    assert [one.share for one in found] == pytest.approx([2 / 3, 2 / 3, 1 / 3, 1 / 3, 1 / 3])
    assert [one.probability for one in found] == pytest.approx([0.3, 0.3, 0.1, 0.2, 0.2])
    assert [one.predicted for one in mistaken_for([cell], 0)] == [1, 3]


def test_answers_gather_as_severity_grows(cells):
    clean, first, second = shifts(cells, 3)
    assert (clean.severity, clean.answers, clean.wrong) == (0, 4, 2)
    assert clean.sinks == (Sink(0, 1, 0.5), Sink(1, 1, 0.5))
    assert clean.entropy == pytest.approx(math.log(2))
    assert clean.effective_classes == pytest.approx(2)
    assert (first.severity, first.answers, first.wrong) == (1, 8, 2)
    assert second.sinks == (Sink(2, 3, 0.6), Sink(0, 1, 0.2), Sink(1, 1, 0.2))
    fog = [shift_at(level, confusion_matrix(select(cells, "fog", level), 3), count=1) for level in (1, 2)]
    assert [one.sinks for one in fog] == [(Sink(0, 2, 1.0),), (Sink(0, 1, 0.5),)]
    assert fog[0].entropy == 0  # One answer to everything.
    assert fog[0].effective_classes == 1


@given(st.permutations(range(40)), st.integers(0, 50))
def test_sums_hold_and_the_order_of_the_pictures_does_not_matter(order, seed):
    cell, _ = random_cell(seed, images=40, classes=7)
    columns = (cell.labels, cell.top, cell.top_probabilities)
    shuffled = cell_of("clean", 0, *(column[order] for column in columns))
    matrix = confusion_matrix([cell], 7)
    np.testing.assert_array_equal(matrix, confusion_matrix([shuffled], 7))
    np.testing.assert_array_equal(matrix.sum(1), np.bincount(cell.labels, minlength=7))
    assert np.trace(matrix) == cell.correct.sum()
    pairs = confused_pairs([cell], 7, count=49)
    assert sum(one.count for one in pairs) == 40 - np.trace(matrix)
    for label in range(7):
        ours = mistaken_for([cell], label)
        assert [_plain(one) for one in ours] == [_plain(one) for one in mistaken_for([shuffled], label)]
        assert {one.predicted: one.count for one in ours} == {
            other: count for other, count in enumerate(matrix[label].tolist()) if count and other != label
        }
        above = {one.predicted: one.count for one in mistaken_for([cell], label, by="top5")}
        assert all(above[one.predicted] >= one.count for one in ours)
        assert sum(one.count for one in mistaken_as([cell], label)) == matrix[:, label].sum() - matrix[label, label]


def _plain(one: Confusion) -> tuple[int, int, float]:
    return one.predicted, one.count, round(one.probability, 9)
