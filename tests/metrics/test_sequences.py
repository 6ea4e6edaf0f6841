"""Flip rates and top-5 distances against the definitions, written out over whole rankings and interleaved sequences."""

import numpy as np
import pytest

from rugged.core.errors import MetricsError
from rugged.metrics import flip_probability, mean_flip_rate, top5_distance

CUMULATED = np.minimum(np.arange(12), 5)
"""Weight of each rank, counted from 0, of twelve classes: the published code's cumulated sum of five ones."""


def rankings(seed, sequences=4, frames=9):
    """``(sequences, frames, 12)``: classes in the order of their probability, drifting from frame to frame."""
    generator = np.random.default_rng(seed)
    drift = generator.normal(size=(sequences, frames, 12)).cumsum(axis=1)
    return np.argsort(-0.4 * drift - generator.normal(size=(sequences, 1, 12)), axis=2)


def walk(frames, noise, step):
    """Pairs as published: ``step`` interleaved sequences, each frame beside the one before it, or beside the first."""
    for start in range(1 if noise else step):
        taken = frames[start :: 1 if noise else step]
        before = taken[0]
        for frame in taken[1:]:
            yield before, frame
            if not noise:
                before = frame


def distance(first, second):
    return sum(abs(CUMULATED[rank] - CUMULATED[list(second).index(first[rank])]) for rank in range(5))


@pytest.mark.parametrize(("noise", "step"), [(True, 1), (False, 1), (False, 2), (False, 3)])
@pytest.mark.parametrize("seed", [0, 1])
def test_as_published(seed, noise, step):
    orders = rankings(seed)
    flips = [np.mean([a[0] != b[0] for a, b in walk(frames, noise, step)]) for frames in orders]
    assert flip_probability(orders[..., 0], noise=noise, step=step) == pytest.approx(np.mean(flips))
    moved = [np.mean([distance(a, b) for a, b in walk(frames, noise, step)]) for frames in orders]
    assert top5_distance(orders[..., :5], noise=noise, step=step) == pytest.approx(np.mean(moved))
    assert 0 < np.mean(flips) < 1 < np.mean(moved) < 15


def test_noise_is_compared_with_the_first_frame_and_motion_with_the_last():
    predictions = np.array([[0, 1, 1, 1, 1]])
    assert flip_probability(predictions, noise=True) == 1.0
    assert flip_probability(predictions, noise=False) == 0.25


def test_the_extremes_of_the_distance():
    still = np.tile(np.arange(5), (2, 3, 1))
    assert top5_distance(still, noise=False) == 0.0
    apart = np.stack([np.arange(5), np.arange(5, 10)])[None]
    assert top5_distance(apart, noise=False) == 15.0


def test_mean_flip_rate_is_the_mean_of_ratios():
    assert mean_flip_rate({"snow": 0.1, "tilt": 0.3}, {"snow": 0.2, "tilt": 0.3, "scale": 0.0}) == 0.75


@pytest.mark.parametrize(
    ("probabilities", "baseline", "message"),
    [({}, {}, "at least one"), ({"a": 0.1}, {"b": 0.1}, "no figures for a"), ({"a": 0.1}, {"a": 0.0}, "never moves")],
)
def test_ratios_without_meaning_are_refused(probabilities, baseline, message):
    with pytest.raises(ValueError, match=message):
        mean_flip_rate(probabilities, baseline)


def test_sequences_that_cannot_be_compared_are_refused():
    with pytest.raises(ValueError, match="more than 3 frames"):
        flip_probability(np.zeros((2, 3), dtype=int), noise=False, step=3)
    with pytest.raises(ValueError, match="not in steps of 2"):
        flip_probability(np.zeros((2, 9), dtype=int), noise=True, step=2)
    with pytest.raises(ValueError, match="5"):
        top5_distance(np.zeros((2, 9, 4), dtype=int), noise=False)


@pytest.mark.parametrize("shape", [(9,), (2, 9, 10)])
def test_what_is_no_class_a_frame_is_refused(shape):
    with pytest.raises(
        MetricsError, match=r"expected \(sequences, frames\) predicted classes, got the shape .*argmax\(2\)"
    ):
        flip_probability(np.zeros(shape, dtype=int), noise=False)


def test_classes_and_steps_are_whole_numbers():
    classes = np.zeros((2, 9), dtype=int)
    with pytest.raises(MetricsError, match="predicted classes, which are whole numbers, got float64"):
        flip_probability(classes + 0.5, noise=False)
    assert flip_probability(classes.astype(float), noise=False) == 0  # As np.loadtxt gives them.
    for step in (0, -1, 1.5, True, "1"):
        with pytest.raises(MetricsError, match=rf"step is '?{step}'?; expected a whole number, at least 1"):
            flip_probability(classes, noise=False, step=step)
    assert flip_probability(classes.tolist(), noise=False, step=np.int64(2)) == 0


def test_a_flip_rate_is_of_dicts():
    with pytest.raises(MetricsError, match="a dict of figures by perturbation, not list"):
        mean_flip_rate([0.1], [0.2])
