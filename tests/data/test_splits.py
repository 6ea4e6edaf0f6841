"""Splits by hash: properties that must hold for any set of ids."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rugged.core.errors import DataError
from rugged.data.dataset import Split
from rugged.data.splits import development_split, evenly, held_out


def split_of(per_class):
    ids = sorted(f"c{label}/{index}" for label, count in enumerate(per_class) for index in range(count))
    labels = np.array([int(picture.split("/")[0][1:]) for picture in ids], dtype=np.int64)
    return Split("train", np.zeros((len(ids), 1, 1, 3), dtype=np.uint8), labels, tuple(ids))


def test_development_split_takes_as_many_of_each_class():
    train = split_of([40, 60, 30])
    training, development = development_split(train, per_class=25)
    np.testing.assert_array_equal(np.bincount(train.labels[development]), [25, 25, 25])
    assert sorted([*training, *development]) == list(range(130))
    assert (np.diff(training) > 0).all()
    assert (np.diff(development) > 0).all()


def test_development_split_depends_on_ids_not_on_their_order():
    train = split_of([40, 60])
    shuffled = train.take(np.random.default_rng(0).permutation(100))
    _, first = development_split(train)
    _, second = development_split(shuffled)
    assert {train.ids[i] for i in first} == {shuffled.ids[i] for i in second}


def test_development_split_looks_random():
    """Positions drawn without bias from 0..999 have the mean 499.5 with a standard error of 288.7 / sqrt(250)."""
    _, development = development_split(split_of([1000]), per_class=250)
    assert abs(development.mean() - 499.5) < 4 * 288.7 / np.sqrt(250)


def test_a_class_too_small_for_development_is_named():
    with pytest.raises(DataError, match=r"class 'c1' has 25.*--set development_per_class=5,"):
        development_split(split_of([26, 25]), per_class=25)


@pytest.mark.parametrize("counts", [[3, 24], [40, 1], [25, 7, 12]])
def test_the_advice_for_small_classes_works(counts):
    with pytest.raises(DataError) as caught:
        development_split(split_of(counts), per_class=25)
    advised = int(re.search(r"development_per_class=(\d+)", str(caught.value))[1])
    assert advised == min(counts) // 5
    _, development = development_split(split_of(counts), per_class=advised)
    assert len(development) == advised * len(counts)


@given(st.sets(st.text(min_size=1), max_size=60), st.floats(0.05, 0.95))
def test_held_out_share_of_a_class(ids, fraction):
    chosen = held_out(ids, fraction)
    assert chosen <= ids
    if len(ids) < 2:
        assert not chosen
    else:
        assert len(chosen) == min(max(round(len(ids) * fraction), 1), len(ids) - 1)
    assert chosen == held_out(sorted(ids, reverse=True), fraction)


def test_take_keeps_pictures_labels_and_ids_together():
    images = np.arange(4, dtype=np.uint8).reshape(4, 1, 1, 1).repeat(3, axis=3)
    split = Split("train", images, np.array([0, 0, 1, 1]), ("a/0", "a/1", "b/0", "b/1"))
    taken = split.take([3, 0])
    assert taken.ids == ("b/1", "a/0")
    assert taken.labels.tolist() == [1, 0]
    assert taken.images[:, 0, 0, 0].tolist() == [3, 0]
    assert len(split.take([])) == 0
    with pytest.raises(TypeError, match="bool"):
        split.take(np.array([True, False, True, False]))


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
