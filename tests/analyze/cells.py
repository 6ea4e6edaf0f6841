"""Predictions small enough to work out by hand, and random ones to hold against other implementations."""

import numpy as np

from rugged.results import Cell

LABELS = (0, 0, 1, 2)

# Class answered for each of the four pictures; the other two follow in order, so that all three are always named.
ANSWERS = {
    ("clean", 0): (0, 1, 1, 0),
    ("fog", 1): (0, 0, 0, 0),
    ("fog", 2): (1, 0, 0, 2),
    ("contrast", 1): (0, 0, 1, 2),
    ("contrast", 2): (2, 2, 2, 2),
    ("speckle_noise", 1): (1, 1, 0, 0),
    ("speckle_noise", 2): (1, 1, 0, 0),
}
PROBABILITIES = ((0.7, 0.2, 0.1), (0.5, 0.3, 0.2), (0.9, 0.06, 0.04), (0.6, 0.3, 0.1))


def cell_of(corruption, severity, labels, top, probabilities, ids=None):
    """A cell whose true class has the probability that it is listed with, or 0.01."""
    labels, top = np.array(labels, np.int32), np.array(top, np.int32)
    probabilities = np.array(probabilities, np.float32)
    found = top == labels[:, None]
    own = np.where(found.any(1), probabilities[np.arange(len(labels)), found.argmax(1)], 0.01).astype(np.float32)
    ids = ids or tuple(f"c{label}/{place}" for place, label in enumerate(labels))
    squares = (probabilities**2).sum(1)
    return Cell(corruption, severity, ids, labels, top, probabilities, own, -np.log(own), squares)


def random_cell(seed, images=200, classes=10, corruption="clean", severity=0):
    """A cell and the ``(images, classes)`` probabilities it was made of."""
    rng = np.random.default_rng(seed)
    labels = np.random.default_rng(1000).permutation(np.arange(images) % classes)
    scores = rng.dirichlet(np.full(classes, 0.5), images)
    scores[np.arange(images), labels] += rng.random(images)
    scores /= scores.sum(1, keepdims=True)
    top = np.argsort(-scores, axis=1)[:, :5]
    own = scores[np.arange(images), labels]
    cell = Cell(
        corruption, severity, tuple(f"c{label}/{place}" for place, label in enumerate(labels)),
        labels.astype(np.int32), top.astype(np.int32), np.take_along_axis(scores, top, 1).astype(np.float32),
        own.astype(np.float32), -np.log(own).astype(np.float32), (scores**2).sum(1).astype(np.float32),
    )  # fmt: skip
    return cell, scores
