"""Two models on the same pictures: counts by hand, and tests that keep their word."""

import dataclasses

import numpy as np
import pytest
from tests.analyze.cells import cell_of

from rugged.analyze import Agreement, agreement, class_differences, select
from rugged.core.errors import IncomparableError


def answers(right, labels):
    """A cell in which these answers are right."""
    top = [[label, label + 1] if good else [label + 1, label] for good, label in zip(right, labels, strict=True)]
    return cell_of("fog", 1, labels, top, [[0.6, 0.4]] * len(labels))


def test_answers_of_two_models_are_counted():
    labels = [0] * 6
    one, other = answers([1, 1, 1, 0, 0, 0], labels), answers([1, 1, 0, 1, 0, 0], labels)
    assert agreement([one], [other]) == Agreement(2, 1, 1, 2)
    assert agreement([one, one], [other, one]) == Agreement(5, 1, 1, 5)
    assert agreement([one], [other]).answers == 6


def test_cells_of_other_pictures_are_refused(cells):
    with pytest.raises(IncomparableError, match="fog-1"):
        agreement(select(cells, "fog"), [dataclasses.replace(cell, ids=("x",) * 4) for cell in select(cells, "fog")])
    with pytest.raises(IncomparableError, match="clean-0"):
        class_differences(select(cells, "clean"), select(cells, "fog", 1), 3)


def test_a_class_that_one_model_has_forgotten_is_found_and_no_other():
    labels = np.repeat(np.arange(4), 40).tolist()
    rng = np.random.default_rng(0)
    right = rng.random(160) < 0.7
    forgotten = right & (np.array(labels) != 2)
    found = class_differences([answers(right, labels)], [answers(forgotten, labels)], 6)
    assert [one.label for one in found] == [0, 1, 2, 3]  # Classes 4 and 5 have no pictures.
    assert [one.worse for one in found] == [False, False, True, False]
    assert not any(one.better for one in found)
    assert found[2].value == pytest.approx(-right[80:120].mean())
    assert (found[0].value, found[0].pictures) == (0, 40)
    back = class_differences([answers(forgotten, labels)], [answers(right, labels)], 6)
    assert [one.better for one in back] == [False, False, True, False]


def test_differences_by_chance_are_called_real_as_seldom_as_said():
    """Two models that know ten classes equally well: any verdict at all comes in at most 5 of 100 comparisons."""
    labels = np.repeat(np.arange(10), 30).tolist()
    false = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        one, other = (answers(rng.random(300) < 0.6, labels) for _ in range(2))
        false += any(each.better or each.worse for each in class_differences([one], [other], 10))
    assert false <= 6  # Two are expected; more than six come once in 150.
