"""When pictures are lost, as a person follows them through the severities."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.analyze.cells import cell_of

from rugged.analyze import NEVER, failures
from rugged.core.errors import ConfigError


def test_each_picture_is_followed_through_the_severities(cells):
    found = failures(cells)
    assert found.corruptions == ("fog", "contrast")
    assert found.severities == (0, 1, 2)
    assert found.cells == 5
    # Right and wrong, clean then severities: fog rrw wrr rww wwr, contrast rrw wrw rrw wrr.
    assert found.fails_at.tolist() == [[2, NEVER, 1, NEVER], [2, 2, 2, NEVER]]
    assert found.wrong.tolist() == [2, 2, 3, 2]
    assert found.fail_counts.tolist() == [[0, 1, 1], [0, 0, 3]]
    assert found.survival.tolist() == [[1, 0.75, 0.5], [1, 1, 0.25]]
    assert found.never_fails.tolist() == [False, False, False, True]
    assert not found.never_right.any()
    assert not found.always_right.any()
    assert found.mean_fails_at.tolist() == [2, 4, 1.5, 6]
    assert found.first_to_fail() == [2, 0]  # The others are mistaken when clean.
    assert found.first_to_fail(1) == [2]
    assert found.last_to_fail() == [3, 1, 0, 2]
    assert found.first_and_last() == ([2, 0], [3, 1])  # None stands in both.
    assert found.first_and_last(1) == ([2], [3])


def test_a_picture_that_is_wrong_from_the_start_is_lost_when_clean(cells):
    for key in cells:
        cells[key] = dataclasses.replace(cells[key], top=np.where(np.arange(4)[:, None] == 3, 1, cells[key].top))
    found = failures(cells)
    assert found.fails_at[:, 3].tolist() == [0, 0]
    assert found.never_right.tolist() == [False, False, False, True]
    assert 3 not in found.first_to_fail()
    assert 3 not in found.last_to_fail()


def test_clean_pictures_that_are_others_do_not_count(cells):
    cells["clean", 0] = cell_of("clean", 0, [0], [[1, 0, 2]], [[0.5, 0.3, 0.2]], ("elsewhere/1",))
    found = failures(cells)
    assert found.severities == (1, 2)
    assert found.cells == 4
    assert found.fails_at.tolist() == [[2, NEVER, 1, NEVER], [2, 2, 2, NEVER]]
    assert found.right_when_clean is None
    assert found.first_to_fail() == [2, 0, 1]  # Nothing loses the other one.


def test_clean_alone_is_refused(cells):
    with pytest.raises(ConfigError, match="Only clean"):
        failures({("clean", 0): cells["clean", 0]})


@given(st.lists(st.lists(st.booleans(), min_size=6, max_size=6), min_size=1, max_size=8))
def test_from_the_loss_on_all_is_wrong_and_just_before_it_is_right(rows):
    labels = [0] * len(rows)
    cells = {}
    for level in range(6):
        top = [[0, 1] if row[level] else [1, 0] for row in rows]
        key = ("fog" if level else "clean", level)
        cells[key] = cell_of(*key, labels, top, [[0.6, 0.4]] * len(rows))
    found = failures(cells)
    for row, level, wrong in zip(rows, found.fails_at[0].tolist(), found.wrong.tolist(), strict=True):
        assert not any(row[level:])
        assert level == 0 or row[level - 1]
        assert wrong == row.count(False)
    assert found.fail_counts.sum() + (found.fails_at == NEVER).sum() == len(rows)
    assert (np.diff(found.survival, axis=1) <= 0).all()


def test_of_pictures_that_are_never_lost_each_class_shows_some():
    labels, ids = [0, 0, 0, 1, 1, 2], ("a/1", "a/2", "a/3", "b/1", "b/2", "c/1")
    top = [[label, (label + 1) % 3, (label + 2) % 3] for label in labels]
    steady = {
        key: cell_of(*key, labels, top, [[0.5, 0.3, 0.2]] * 6, ids) for key in [("clean", 0), ("fog", 1), ("fog", 2)]
    }
    assert failures(steady).last_to_fail() == [0, 3, 5, 1, 4, 2]
