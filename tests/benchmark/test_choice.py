"""Quick runs take images evenly over the classes."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rugged.benchmark.choice import evenly


@given(st.lists(st.integers(0, 6), min_size=1, max_size=60), st.integers(1, 80))
def test_as_many_as_asked_without_repeats_and_evenly(labels, count):
    labels = np.array(labels, np.int64)
    chosen = evenly(labels, count)
    assert len(chosen) == min(count, len(labels))
    assert (np.diff(chosen) > 0).all()
    taken = np.bincount(labels[chosen], minlength=7)
    there = np.bincount(labels, minlength=7)
    # A class has fewer than another by more than one only where it has no more to give.
    for here in range(7):
        assert taken[here] == there[here] or taken[here] >= taken.max() - 1


def test_a_partial_round_is_spread_over_the_classes():
    labels = np.repeat(np.arange(10), 3)
    assert labels[evenly(labels, 5)].tolist() == [0, 2, 4, 6, 8]
