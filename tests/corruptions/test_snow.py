"""Snow against its definition made of scipy, OpenCV and loops, and the moments of what it draws."""

import math

import cv2
import numpy as np
import pytest
import torch
from scipy import stats

from rugged.core.catalogue import PARAMETERS, PRESETS
from rugged.corruptions import corrupt
from rugged.corruptions.motion import motion_blur
from rugged.corruptions.snow import draw_snow, replay_snow, snow
from rugged.corruptions.streams import Stream, stream_keys
from rugged.corruptions.zoom import visible

ALL = [(preset, severity) for preset in PRESETS for severity in (1, 2, 3, 4, 5)]


def stream(count, seed=0):
    return Stream(stream_keys("snow", 1, seed, range(count)), torch.device("cpu"))


def parameters(preset, severity):
    return PARAMETERS[preset]["snow"][severity - 1]


def flakes_alone(layers, angles, side, chosen):
    """Let it snow on black, with a picture weight of one: only flakes are left, twice."""
    black = torch.zeros(len(angles), 3, side, side, dtype=torch.uint8)
    return snow(black, (layers, angles), **{**chosen, "picture_weight": 1.0})


@pytest.mark.parametrize(("preset", "severity"), ALL)
def test_flakes_look_the_same_upside_down(preset, severity):
    """The layer and the layer turned by 180 degrees are added, so their sum is symmetric, and grey."""
    images = torch.zeros(3, 3, 24, 37, dtype=torch.uint8)
    layers, angles = draw_snow(stream(3), images, **parameters(preset, severity))
    fallen = snow(images, (layers, angles), **{**parameters(preset, severity), "picture_weight": 1.0})
    assert fallen.max() > 0
    assert torch.equal(fallen, fallen.flip(2, 3))
    assert torch.equal(fallen[:, 0], fallen[:, 2])


@pytest.mark.parametrize(("preset", "severity"), [("tiny64", 1), ("tiny64", 5), ("cifar32", 2)])
def test_share_of_flakes_is_that_of_the_normal_tail(preset, severity):
    """Where flakes are not enlarged: as many pixels are lit as normal numbers lie above the threshold."""
    chosen = {**parameters(preset, severity), "zoom": 1.0, "radius": 0}
    layers, angles = draw_snow(stream(64), torch.zeros(64, 3, 40, 40, dtype=torch.uint8), **chosen)
    fallen = flakes_alone(layers, angles, 40, chosen)
    dark = stats.norm.cdf(chosen["threshold"], chosen["mean"], chosen["deviation"])
    expected = 1 - dark**2
    error = math.sqrt(expected * (1 - expected) / (64 * 40 * 40 / 2))  # half of the pixels tell the other half
    assert float((fallen[:, 0] > 0).double().mean()) == pytest.approx(expected, abs=4 * error)


@pytest.mark.parametrize(("preset", "severity"), ALL)
def test_layers_are_normal_and_independent(preset, severity):
    side = PRESETS[preset]
    images = torch.empty(8, 3, side, side, dtype=torch.uint8)
    layers, _ = draw_snow(stream(8), images, **parameters(preset, severity))
    rows, columns = visible(side, side, parameters(preset, severity)["zoom"])
    assert layers.shape == (8, rows.stop - rows.start, columns.stop - columns.start)
    values = layers.double().flatten(1).numpy()
    assert abs(values.mean()) < 4.5 / math.sqrt(values.size)
    assert abs(values.var() - 1) < 4.5 * math.sqrt(2 / values.size)
    correlation = np.corrcoef(values) - np.eye(8)
    assert np.abs(correlation).max() < 4.5 / math.sqrt(values.shape[1])


def test_angles_are_uniform_and_independent_of_the_layer():
    images = torch.empty(4000, 3, 2, 2, dtype=torch.uint8)
    layers, angles = draw_snow(stream(4000), images, **parameters("tiny64", 1))
    assert stats.kstest(angles.numpy(), stats.uniform(-135, 90).cdf).pvalue > 1e-3
    for value in layers.flatten(1).T:
        assert abs(np.corrcoef(value.numpy(), angles.numpy())[0, 1]) < 4.5 / math.sqrt(4000)


def test_replay_draws_the_layer_then_the_angle():
    chosen = parameters("tiny64", 4)
    layers, angles = replay_snow(np.random.RandomState(9), np.zeros((20, 20, 3), np.uint8), **chosen)
    twin = np.random.RandomState(9)
    whole = twin.normal(size=(20, 20), loc=chosen["mean"], scale=chosen["deviation"])
    part = whole[visible(20, 20, chosen["zoom"])]
    np.testing.assert_array_equal(layers[0].numpy() * chosen["deviation"] + chosen["mean"], part)
    assert angles.tolist() == [twin.uniform(-135, -45)]


@pytest.mark.parametrize(
    "weight", sorted({row["picture_weight"] for table in PARAMETERS.values() for row in table["snow"]})
)
def test_pictures_grow_pale_by_opencvs_grey(weight):
    """Without flakes: w x + (1 - w) max(x, 1.5 grey + 0.5), cut. Greys often make whole levels, or just not."""
    picture = np.random.default_rng(0).integers(0, 256, (96, 256, 3), dtype=np.uint8)
    picture[:16] = np.arange(256, dtype=np.uint8)[:, None]
    unit = picture.astype(np.float32) / np.float32(255)
    pale = cv2.cvtColor(unit, cv2.COLOR_RGB2GRAY)[..., None] * 1.5 + 0.5
    expected = np.clip((weight * unit + (1 - weight) * np.maximum(unit, pale)).astype(np.float64), 0, 1) * 255
    nothing = torch.full((1, 96, 256), -100.0), torch.tensor([-90.0])
    images = torch.from_numpy(picture).permute(2, 0, 1)[None].contiguous()
    ours = snow(images, nothing, **{**parameters("tiny64", 1), "picture_weight": weight})
    np.testing.assert_array_equal(ours[0].permute(1, 2, 0).numpy(), expected.astype(np.uint8))


def test_flakes_are_thresholded_cut_blurred_and_added():
    """Step by step in NumPy, at a factor of one."""
    chosen = {**parameters("tiny64", 3), "zoom": 1.0}
    random = np.random.default_rng(8)
    layer, picture = random.normal(size=(30, 50)), random.integers(0, 256, (1, 3, 30, 50), dtype=np.uint8)
    noise = layer * chosen["deviation"] + chosen["mean"]
    noise[noise < chosen["threshold"]] = 0
    flakes = torch.from_numpy((np.clip(noise, 0, 1) * 255).astype(np.uint8))[None, None]
    angle = torch.tensor([-70.0], dtype=torch.float64)
    fallen = motion_blur(flakes, angle, radius=chosen["radius"], sigma=chosen["sigma"])[0, 0].numpy().astype(int)
    draws = torch.from_numpy(layer)[None], angle
    without = snow(torch.from_numpy(picture), (torch.full((1, 30, 50), -100.0), angle), **chosen).numpy().astype(int)
    ours = snow(torch.from_numpy(picture), draws, **chosen).numpy()
    # Before it is cut to white, a pale picture is lost: compare where it was not.
    clear = without < 255
    np.testing.assert_array_equal(ours[clear], np.minimum(without + fallen + fallen[::-1, ::-1], 255)[clear])
    assert (fallen > 0).mean() > 0.3


def test_one_layer_serves_all_frames():
    """Sequences keep the flakes and turn the angle."""
    chosen, images = parameters("tiny64", 2), torch.full((4, 3, 20, 20), 90, dtype=torch.uint8)
    layers, _ = draw_snow(stream(1), images[:1], **chosen)
    angles = torch.tensor([-130.0, -90.0, -50.0, -10.0])
    together = snow(images, (layers, angles), **chosen)
    for image, angle, expected in zip(images, angles, together, strict=True):
        assert torch.equal(snow(image[None], (layers, angle[None]), **chosen)[0], expected)


def test_snow_falls_from_above():
    """Angles are about -90 degrees: a flake is seen by the pixels under it, most by the nearest."""
    chosen = {**parameters("tiny64", 5), "zoom": 1.0, "picture_weight": 1.0}
    layer = torch.full((1, 61, 61), -100.0)
    layer[0, 10, 20] = 100.0
    fallen = snow(torch.zeros(1, 3, 61, 61, dtype=torch.uint8), (layer, torch.tensor([-90.0])), **chosen)[0, 0]
    column = fallen[:, 20]
    assert fallen[:, :31].count_nonzero() == column.count_nonzero() == 29
    assert column[:10].max() == 0
    assert (column[10:].int().diff() <= 0).all()
    assert column[10] > column[20] > column[38] > 0


def test_images_do_not_share_their_snow():
    black = torch.zeros(6, 3, 64, 64, dtype=torch.uint8)
    fallen = corrupt(black, "snow", 3).double()[:, 0].flatten(1).numpy()
    assert np.abs(np.corrcoef(fallen) - np.eye(6)).max() < 0.2
