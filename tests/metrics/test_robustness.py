"""Corruption error against the published figures and by hand."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rugged.core.errors import MetricsError, RuggedError
from rugged.metrics import (
    corruption_error,
    error_rate,
    in_top,
    mean_corruption_accuracy,
    mean_corruption_error,
    relative_corruption_error,
    relative_mean_corruption_error,
)

# AlexNet's errors on ImageNet-C and ResNet-50's CE and mCE, in percent, as printed in arXiv:1903.12261, table 1.
ALEXNET = [
    0.886428, 0.894468, 0.922640, 0.819880, 0.826268, 0.785948, 0.798360, 0.866816,
    0.826572, 0.819324, 0.564592, 0.853204, 0.646056, 0.717840, 0.606500,
]  # fmt: skip
RESNET50_CE = [80, 82, 83, 75, 89, 78, 80, 78, 75, 66, 57, 71, 85, 77, 77]


def test_published_resnet50_mce_follows_from_its_published_ces():
    names = [f"corruption{number}" for number in range(15)]
    baseline = dict(zip(names, ALEXNET, strict=True))
    errors = {name: ce / 100 * baseline[name] for name, ce in zip(names, RESNET50_CE, strict=True)}
    assert mean_corruption_error(errors, baseline) == pytest.approx(0.767, abs=0.005)  # CEs are printed rounded.


def test_ce_is_the_ratio_of_sums_not_the_mean_of_ratios():
    assert corruption_error([0.1, 0.9], [0.2, 0.8]) == pytest.approx(1.0)  # The mean of ratios would be 0.8125.


def test_relative_ce_is_the_ratio_of_what_is_added():
    # (0.3 + 0.5 - 2 * 0.2) / (0.5 + 0.9 - 2 * 0.4), by hand.
    assert relative_corruption_error([0.3, 0.5], 0.2, [0.5, 0.9], 0.4) == pytest.approx(0.4 / 0.6)
    both = relative_mean_corruption_error({"a": [0.3, 0.5], "b": 0.2}, 0.2, {"a": [0.5, 0.9], "b": 0.8}, 0.4)
    assert both == pytest.approx((0.4 / 0.6 + 0) / 2)


def test_published_relative_mce_of_resnet50_is_above_its_mce():
    """The paper's point: 23.9% clean error, and still more is added to it (105%) than to AlexNet's 43.5%."""
    names = [f"corruption{number}" for number in range(15)]
    baseline = dict(zip(names, ALEXNET, strict=True))
    errors = {name: ce / 100 * baseline[name] for name, ce in zip(names, RESNET50_CE, strict=True)}
    assert relative_mean_corruption_error(errors, 0.239, baseline, 0.435) == pytest.approx(1.05, abs=0.015)


@pytest.mark.parametrize(
    ("errors", "baseline", "message"),
    [({}, {}, "at least one"), ({"a": 0.1}, {"b": 0.1}, "no errors for a"), ({"a": 0.1}, {"a": 0.2}, "adds nothing")],
)
def test_relative_figures_without_meaning_are_refused(errors, baseline, message):
    with pytest.raises(ValueError, match=message):
        relative_mean_corruption_error(errors, 0.1, baseline, 0.2)


def test_arrays_are_taken_as_lists_are():
    assert mean_corruption_error({"a": np.array([0.1, 0.3])}, {"a": np.array([0.4, 0.4])}) == pytest.approx(0.5)
    assert mean_corruption_error({"a": np.float32(0.25)}, {"a": np.array([0.5, 0.5])}) == pytest.approx(0.5)


def test_a_model_is_at_one_against_itself():
    errors = {"fog": [0.1, 0.2, 0.3], "snow": [0.9, 0.8, 0.7]}
    assert mean_corruption_error(errors, errors) == 1.0


def test_every_corruption_weighs_the_same_however_hard():
    assert mean_corruption_error({"a": 0.5, "b": 0.01}, {"a": 1.0, "b": 0.02}) == pytest.approx(0.5)


def test_a_baseline_may_hold_more_than_is_needed():
    assert mean_corruption_error({"a": 0.5}, {"a": 0.5, "b": 0.1}) == 1.0


@pytest.mark.parametrize(
    ("errors", "baseline", "message"),
    [
        ({}, {}, "at least one"),
        ({"a": 0.1}, {"b": 0.1}, "no errors for a"),
        ({"a": 35.0}, {"a": 0.5}, "divide percentages"),
        ({"a": float("nan")}, {"a": 0.5}, r"\[0, 1\]"),
        ({"a": [0.1, 0.2]}, {"a": [0.1]}, "severities"),
        ({"a": 0.1}, {"a": 0.0}, "no errors here"),
    ],
)
def test_figures_without_meaning_are_refused(errors, baseline, message):
    with pytest.raises(RuggedError, match=message) as refused:
        mean_corruption_error(errors, baseline)
    assert isinstance(refused.value, ValueError)  # What Python's own functions raise.


def test_mean_corruption_accuracy_averages_within_then_over_corruptions():
    assert mean_corruption_accuracy({"a": [0.2, 0.4], "b": 0.1}) == pytest.approx(1 - (0.3 + 0.1) / 2)


@given(st.integers(1, 40), st.integers(2, 12), st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_top_k_agrees_with_torchmetrics(count, classes, k, seed):
    torch = pytest.importorskip("torch")
    accuracy = pytest.importorskip("torchmetrics.functional.classification").multiclass_accuracy
    k = min(k, classes)
    random = np.random.default_rng(seed)
    logits = random.permuted(np.tile(np.arange(classes, dtype=np.float32), (count, 1)), axis=1)
    labels = random.integers(0, classes, count)
    top = np.argsort(-logits, axis=1)[:, :5]
    expected = accuracy(torch.from_numpy(logits), torch.from_numpy(labels), classes, average="micro", top_k=k)
    assert error_rate(in_top(labels, top, k)) == pytest.approx(1 - float(expected), abs=1e-6)


def test_the_error_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        error_rate(np.array([], dtype=bool))


class _Tensor(list):
    """As torch's: what has no keys, and a method ``values``."""

    def values(self): ...


@pytest.mark.parametrize("wrong", [[0.2], 0.2, np.array([0.2]), _Tensor([0.2])])
def test_a_mean_over_corruptions_is_of_a_dict(wrong):
    for measure in (
        lambda: mean_corruption_error(wrong, wrong),
        lambda: mean_corruption_error({"fog": 0.2}, wrong),
        lambda: relative_mean_corruption_error(wrong, 0.1, wrong, 0.1),
        lambda: mean_corruption_accuracy(wrong),
    ):
        with pytest.raises(MetricsError, match=f"a dict of error rates by corruption, not {type(wrong).__name__}; "):
            measure()


@pytest.mark.parametrize("wrong", [None, float("nan"), [0.1, float("nan")], "a", [[0.1], [0.1, 0.2]], {"1": 0.2}])
def test_what_is_no_error_rate_is_shown(wrong):
    with pytest.raises(MetricsError, match=f"must be numbers in .0, 1., got {re.escape(repr(wrong))}"):
        mean_corruption_error({"fog": wrong}, {"fog": [0.5, 0.5] if isinstance(wrong, list) else 0.5})
