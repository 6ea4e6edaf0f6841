"""The built-in data set is the same everywhere, is what it says, and is not too easy."""

import hashlib
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from rugged.core.errors import DataError
from rugged.data import builtin, open_dataset
from rugged.data.builtin import scene, shapes
from rugged.data.builtin.objects import DRAWINGS
from rugged.data.builtin.stream import Stream

CLASS_IDS = [class_id for class_id, _ in builtin.CLASSES]

# Frozen: whoever changes a pixel raises builtin.VERSION, and these with it.
FIRST_PICTURES = "5d32e5983356b386b99a746a8520dcb3df90aa39595f5896e8d3101cefedeafc"
ALL_PICTURES = "5abf8e444ccf31774037f0ff2b907f179d8721ab415ca9236616cec9821fe98e"


@pytest.fixture(scope="module")
def whole():
    """Drawn in this session, by whichever test wanted it first."""
    dataset = open_dataset("builtin")
    splits = {"train": dataset.train, "val": dataset.val}
    return {name: (np.array(split.images), split.labels) for name, split in splits.items()}


def sha256(*arrays):
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


# --- the same everywhere


def test_first_pictures_and_masks_are_frozen():
    pairs = [builtin.draw(split, c, i) for split in ("train", "val") for c in CLASS_IDS for i in range(10)]
    assert sha256(*(array for pair in pairs for array in pair)) == FIRST_PICTURES


@pytest.mark.slow
def test_whole_set_is_frozen(whole):
    assert sha256(whole["train"][0], whole["val"][0]) == ALL_PICTURES


def test_stream_reads_the_published_philox_bits():
    """Known answers of Random123 for philox4x64-10: counter and key zero, then all ones."""
    known = {
        0: [0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B],
        2**64 - 1: [0x87B092C3013FE90B, 0x438C3C67BE8D0224, 0x9CC7D7C69CD777B6, 0xA09CAEBF594F0BA0],
    }
    for word, answer in known.items():
        # NumPy counts up before it draws, so it has to start one below.
        before = (word * (1 + 2**64 + 2**128 + 2**192) - 1) % 2**256
        bits = np.random.Philox(counter=before, key=word * (1 + 2**64))
        assert bits.random_raw(4).tolist() == answer
    digest = hashlib.sha256(b"any text").digest()
    raw = np.random.Philox(key=int.from_bytes(digest[:16], "little")).random_raw(8).tolist()
    stream = Stream("any text")
    assert [stream.uniform() for _ in range(4)] == [(word >> 11) / 2**53 for word in raw[:4]]
    assert stream.field(2, 2).ravel().tolist() == [(word >> 40) / 2**24 for word in raw[4:]]


def test_a_picture_does_not_depend_on_what_was_drawn_before(monkeypatch):
    monkeypatch.setattr(builtin, "COUNTS", {"train": 3, "val": 2})
    drawn = builtin.splits()
    for split, row in (("val", 7), ("train", 29), ("train", 0)):
        class_id, stem = drawn[split][2][row].split("/")
        alone, _ = builtin.draw(split, class_id, int(stem.split("-")[1]))
        assert np.array_equal(alone, drawn[split][0][row])


def test_trigonometry_is_rounded():
    for angle in np.linspace(-7, 7, 101).tolist():
        for value, truth in zip(shapes.direction(angle), (math.cos(angle), math.sin(angle)), strict=True):
            assert value == float(f"{truth:.12f}")


# --- what it says


def test_splits_have_the_documented_form(monkeypatch):
    monkeypatch.setattr(builtin, "COUNTS", {"train": 2, "val": 1})
    drawn = builtin.splits()
    assert list(drawn) == ["train", "val"]
    for split, count in (("train", 2), ("val", 1)):
        pictures, labels, ids = drawn[split]
        assert pictures.shape == (10 * count, 64, 64, 3)
        assert pictures.dtype == np.uint8
        assert labels.dtype == np.int64
        assert ids == sorted(set(ids))
        assert [CLASS_IDS[label] for label in labels] == [identifier.split("/")[0] for identifier in ids]
    assert drawn["train"][2][:3] == ["bird/train-0000", "bird/train-0001", "butterfly/train-0000"]


def test_classes_are_sorted_and_each_has_its_drawing():
    assert sorted(CLASS_IDS) == CLASS_IDS == list(DRAWINGS)
    assert builtin.COUNTS == {"train": 400, "val": 100}


def test_masks_come_in_the_order_asked_for():
    ids = ["tree/val-0003", "fish/train-0007", "car/train-0000"]
    masks = builtin.masks(ids)
    assert masks.shape == (3, 64, 64)
    assert masks.dtype == np.bool_
    assert np.array_equal(masks[1], builtin.draw("train", "fish", 7)[1])
    assert np.array_equal(builtin.masks(ids[::-1]), masks[::-1])
    assert builtin.masks([]).shape == (0, 64, 64)


@pytest.mark.parametrize(
    "identifier", ["fish/test-0001", "whale/train-0001", "fish/train-1", "fish", "", "fish/val-٠٠٠١"]
)
def test_unknown_ids_are_refused(identifier):
    with pytest.raises(DataError, match="built-in picture"):
        builtin.masks([identifier])


def test_negative_index_is_refused():
    with pytest.raises(DataError, match="-1"):
        builtin.draw("train", "fish", -1)


@pytest.mark.parametrize("class_id", CLASS_IDS)
def test_masks_cover_exactly_what_shows_the_object(monkeypatch, class_id):
    """The same scene with the object in red and in green differs where the object shows, and nowhere else."""
    drawn = {}
    original = scene._materials
    for name, colour in (("red", (1.0, 0.0, 0.0)), ("green", (0.0, 1.0, 0.0))):
        paint = np.array(colour, dtype=np.float32)[:, None, None]
        monkeypatch.setattr(scene, "_materials", lambda *given, p=paint: dict.fromkeys(original(*given), p))
        drawn[name] = [builtin.draw("train", class_id, index) for index in range(12)]
    for (red, mask), (green, same) in zip(drawn["red"], drawn["green"], strict=True):
        assert np.array_equal(mask, same)
        assert 0.02 < mask.mean() < 0.6
        differs = np.abs(red.astype(int) - green).max(axis=2) > 4
        grown = np.pad(mask, 2)
        near = np.any([grown[i : i + 64, j : j + 64] for i in range(5) for j in range(5)], axis=0)
        # In the deepest shade both are nearly black.
        assert differs[mask].mean() > 0.99
        # Beyond the mask there are edges alone: pixels the object covers by less than half.
        assert near[differs].mean() > 0.97
        assert (differs & ~mask).sum() < 0.8 * mask.sum()


def test_pictures_use_the_range_of_light():
    means = np.array([builtin.draw("train", c, i)[0].mean() for c in CLASS_IDS for i in range(10)])
    assert means.min() < 70
    assert means.max() > 150
    assert 90 < means.mean() < 160


# --- shapes, against points laid along their edges

GRID_Y, GRID_X = (axis.astype(np.float32) for axis in np.mgrid[-1:1:33j, -1:1:33j])
TURN = np.linspace(0, 2 * np.pi, 4001)[:-1]


def sides(corners):
    ends = corners[1:] + corners[:1]
    share = np.linspace(0, 1, 1001)[:, None]
    return np.concatenate(
        [np.array(a) + share * (np.array(b) - np.array(a)) for a, b in zip(corners, ends, strict=True)]
    )


def to_nearest(points):
    offsets = np.stack([GRID_X, GRID_Y], axis=-1)[:, :, None] - points
    return np.sqrt((offsets**2).sum(-1)).min(-1)


def test_disc_box_and_stick_are_exact_distances():
    circle = np.stack([0.1 + 0.5 * np.cos(TURN), -0.2 + 0.5 * np.sin(TURN)], 1)
    assert np.abs(shapes.circle(GRID_X, GRID_Y, (0.1, -0.2), 0.5)) == pytest.approx(to_nearest(circle), abs=2e-3)
    box = sides([(-0.5, -0.1), (0.7, -0.1), (0.7, 0.3), (-0.5, 0.3)])
    assert np.abs(shapes.box(GRID_X, GRID_Y, (0.1, 0.1), (0.6, 0.2))) == pytest.approx(to_nearest(box), abs=2e-3)
    line = sides([(-0.4, -0.3), (0.5, 0.6)])
    assert shapes.stick(GRID_X, GRID_Y, (-0.4, -0.3), (0.5, 0.6), 0.1) == pytest.approx(
        to_nearest(line) - 0.1, abs=2e-3
    )


def test_polygon_is_exact_inside_and_never_too_far_outside():
    corners = [(-0.6, -0.5), (0.7, -0.3), (0.4, 0.6), (-0.3, 0.5)]
    for order in (corners, corners[::-1]):
        distance = shapes.convex(GRID_X, GRID_Y, order)
        truth = to_nearest(sides(corners))
        inside = distance < 0
        assert 0.2 < inside.mean() < 0.4
        assert -distance[inside] == pytest.approx(truth[inside], abs=2e-3)
        assert (distance[~inside] <= truth[~inside] + 2e-3).all()
    assert (shapes.convex(GRID_X, GRID_Y, corners, ease=0.2) >= distance).all()


def test_ellipse_is_zero_on_its_edge_with_slope_one():
    cos, sin = np.cos(0.4), np.sin(0.4)
    u, v = 0.7 * np.cos(TURN), 0.3 * np.sin(TURN)
    x, y = 0.1 + u * cos - v * sin, -0.1 + u * sin + v * cos
    nx, ny = u / 0.49, v / 0.09
    size = np.sqrt(nx**2 + ny**2)
    nx, ny = (nx * cos - ny * sin) / size, (nx * sin + ny * cos) / size
    for step in (-0.01, 0.0, 0.01):
        given = shapes.ellipse(x + step * nx, y + step * ny, (0.1, -0.1), (0.7, 0.3), 0.4)
        assert given == pytest.approx(step, abs=1e-3)


def test_place_turns_scales_and_mirrors():
    """A point of the object lies where turning, stretching and moving it by hand says."""
    frame = shapes.place((0.25, -0.125), 0.5, math.pi / 2, stretch=1.25, mirror=-1.0)
    # (0.4, 0.6) mirrored and stretched: (-0.5, 0.48) · 0.5 = (-0.25, 0.24); a quarter turn: (-0.24, -0.25).
    x, y = 0.25 - 0.24, -0.125 - 0.25
    column, row = (x + 1) * 32 - 0.5, (1 - y) * 32 - 0.5
    i, j = round(row), round(column)
    # One pixel is 1/16 of the object's unit, 1/20 and 5/64 once stretched.
    assert frame.x[i, j] == pytest.approx(0.4, abs=0.05)
    assert frame.y[i, j] == pytest.approx(0.6, abs=0.08)
    assert frame.pixel == 1 / 16
    part = shapes.place((0.25, -0.125), 0.5, 0.3, window=(slice(3, 9), slice(40, 64)))
    assert np.array_equal(part.x, shapes.place((0.25, -0.125), 0.5, 0.3).x[3:9, 40:64])


# --- not too easy (that it is not too hard: test_builtin_network)


def logistic_regression(train, labels, val, decay, iterations=40):
    """Return the predictions of a multinomial logistic regression, fitted by L-BFGS on standardised features."""
    mean, spread = train.mean(0), train.std(0) + 1e-3
    train, val = (train - mean) / spread, (val - mean) / spread
    weight = torch.zeros(10, train.shape[1], requires_grad=True)  # This way round, gradients take a fifth of the time.
    bias = torch.zeros(10, requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=iterations, line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = F.cross_entropy(F.linear(train, weight, bias), labels) + decay * (weight * weight).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    return F.linear(val, weight, bias).argmax(1)


def linear_accuracy(whole, side, decays):
    """Best validation accuracy of a linear model on pictures averaged to ``side`` pixels."""
    features = [
        F.avg_pool2d(torch.from_numpy(whole[split][0]).permute(0, 3, 1, 2).float() / 255, 64 // side).flatten(1)
        for split in ("train", "val")
    ]
    labels, truth = (torch.from_numpy(whole[split][1]) for split in ("train", "val"))
    predictions = [logistic_regression(features[0], labels, features[1], decay) for decay in decays]
    return max((prediction == truth).float().mean().item() for prediction in predictions)


@pytest.mark.slow
def test_mean_colour_does_not_give_the_class_away(whole):
    assert linear_accuracy(whole, 1, (1e-4, 1e-2)) <= 0.20


@pytest.mark.slow
@pytest.mark.parametrize(("side", "decays"), [(64, (0.3,)), (16, (0.01, 0.03, 0.1))])
def test_linear_model_on_pixels_stays_under_45_percent(whole, side, decays):
    """And above chance (10%), or the check would prove nothing."""
    assert 0.12 < linear_accuracy(whole, side, decays) < 0.45
