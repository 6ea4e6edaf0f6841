"""Fog against a point-by-point diamond-square and against theory: noise of each scale, range, brightness."""

import numpy as np
import pytest
import torch
from scipy import stats

from rugged.core.catalogue import PARAMETERS
from rugged.corruptions import corrupt
from rugged.corruptions.fog import draw_fog, fog, plasma, replay_fog
from rugged.corruptions.streams import Stream, stream_keys


def naive_cloud(random_state, side, decay):
    """Diamond-square one point at a time, on a torus, drawing as the reference does; between 0 and 1."""
    points = {(0, 0): 0.0}

    def add(rows, columns, neighbours):
        noise = random_state.uniform(-wobble, wobble, (len(rows), len(columns)))
        for (i, row), (j, column) in ((a, b) for a in enumerate(rows) for b in enumerate(columns)):
            total = sum(points[(row + down) % side, (column + right) % side] for down, right in neighbours)
            points[row, column] = total / 4 + wobble * noise[i, j]

    wobble, step = 100.0, side
    while step >= 2:
        half = step // 2
        on_grid, between = range(0, side, step), range(half, side, step)
        diamond = [(-half, 0), (half, 0), (0, -half), (0, half)]
        add(between, between, [(-half, -half), (-half, half), (half, -half), (half, half)])
        add(on_grid, between, diamond)
        add(between, on_grid, diamond)
        step, wobble = half, wobble / decay
    cloud = np.array([[points[row, column] for column in range(side)] for row in range(side)])
    return (cloud - cloud.min()) / (cloud.max() - cloud.min())


def keyed(count, side, seed=0):
    stream = Stream(stream_keys("fog", 1, seed, range(count)), torch.device("cpu"))
    return draw_fog(stream, torch.zeros(count, 3, side, side, dtype=torch.uint8), strength=1, decay=2)


def normalised(clouds):
    low, high = clouds.amin((1, 2), keepdim=True), clouds.amax((1, 2), keepdim=True)
    return (clouds - low) / (high - low)


@pytest.mark.parametrize(("side", "decay"), [(2, 3), (4, 2), (16, 1.4), (32, 1.75), (64, 2.5)])
def test_cloud_is_a_diamond_square(side, decay):
    draws = replay_fog(np.random.RandomState(3), np.zeros((side, side, 3), np.uint8))
    expected = naive_cloud(np.random.RandomState(3), side, decay)
    np.testing.assert_allclose(normalised(plasma(draws, decay))[0], expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("height", "width", "side"), [(1, 1, 2), (1, 2, 2), (3, 2, 4), (20, 33, 64), (32, 9, 32), (33, 17, 64)]
)
@pytest.mark.parametrize("severity", [1, 5])
def test_fog_agrees_with_the_formula(height, width, side, severity):
    parameters = PARAMETERS["cifar32"]["fog"][severity - 1]
    strength = parameters["strength"]
    image = np.random.default_rng(0).integers(0, 230, (height, width, 3), dtype=np.uint8)
    draws = replay_fog(np.random.RandomState(1), image)
    ours = fog(torch.from_numpy(image).permute(2, 0, 1)[None].contiguous(), draws, **parameters)
    unit = image / 255.0
    cloud = naive_cloud(np.random.RandomState(1), side, parameters["decay"])[:height, :width, None]
    exact = np.clip((unit + strength * cloud) * unit.max() / (unit.max() + strength), 0, 1) * 255
    difference = np.abs(ours[0].permute(1, 2, 0).numpy() - exact.astype(np.uint8).astype(int))
    assert difference.max() <= 1
    assert difference.mean() <= 1e-3 * (image.size > 1000)


@pytest.mark.parametrize("decay", [3, 2, 1.4])
def test_noise_of_each_scale_is_uniform_and_falls_with_decay_squared(decay):
    """What a point of a square lies off the mean of its corners is the noise that was added to it."""
    side = 64
    clouds = plasma(keyed(40, side).double(), decay)
    step, amplitude = side, 1.0
    while step >= 2:
        corners = clouds[:, ::step, ::step]
        corners = corners + corners.roll(-1, 1)
        corners = corners + corners.roll(-1, 2)
        noise = clouds[:, step // 2 :: step, step // 2 :: step] - corners / 4
        assert stats.kstest(noise.flatten() / amplitude, "uniform", (-0.5, 1)).pvalue > 1e-4
        step, amplitude = step // 2, amplitude / decay**2


def test_smaller_decay_is_rougher():
    """Differences of neighbouring pixels, relative to the spread of the whole cloud."""
    roughness = []
    for decay in (3, 2.5, 2, 1.75, 1.4):
        clouds = plasma(keyed(50, 64), decay)
        steps = (clouds[:, 1:] - clouds[:, :-1]).std((1, 2))
        roughness.append(float((steps / clouds.std((1, 2))).mean()))
    assert roughness == sorted(roughness)
    assert roughness[-1] > 2 * roughness[0]


def test_clouds_of_different_images_are_independent():
    clouds = plasma(keyed(400, 32), 2).flatten(1).double()
    firsts, seconds = clouds[::2], clouds[1::2]
    for place in (1, 500, 800):
        assert stats.pearsonr(firsts[:, place], seconds[:, place]).pvalue > 1e-4


@pytest.mark.parametrize("grey", [40, 128, 255])
@pytest.mark.parametrize("side", [16, 64])
def test_fog_on_grey_uses_the_whole_range(grey, side):
    """The density runs from 0 to 1 over the map, so a map that is all visible takes grey g to g²/(g + c) … g."""
    images = torch.full((20, 3, side, side), grey, dtype=torch.uint8)
    ours = fog(images, keyed(20, side), strength=0.75, decay=2.5)
    unit = grey / 255
    for image in ours:
        assert int(image.max()) in {grey - 1, grey}
        assert abs(int(image.min()) - 255 * unit * unit / (unit + 0.75)) <= 1


def test_range_is_that_of_the_whole_map_not_of_the_crop():
    """A picture of 33 shows a quarter of its map of 64: now and then neither the densest nor the thinnest fog."""
    images = torch.full((50, 3, 33, 33), 255, dtype=torch.uint8)
    ours = fog(images, keyed(50, 33), strength=1, decay=1.4).flatten(1)
    assert (ours.amax(1) < 252).sum() > 5
    assert (ours.amin(1) > 130).sum() > 5
    assert (ours.amin(), ours.amax()) == (127, 255)


@pytest.mark.parametrize("severity", [1, 2, 3, 4, 5])
def test_fog_brightens_nothing_beyond_the_brightest(severity):
    images = torch.randint(0, 200, (8, 3, 40, 30), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    ours = corrupt(images, "fog", severity, preset="tiny64")
    assert (ours.amax((1, 2, 3)) <= images.amax((1, 2, 3))).all()
    assert ours.double().std() < images.double().std()


def test_black_stays_black():
    images = torch.zeros(2, 3, 10, 10, dtype=torch.uint8)
    assert torch.equal(corrupt(images, "fog", 3), images)


def test_channels_get_the_same_fog():
    images = torch.full((4, 3, 24, 24), 99, dtype=torch.uint8)
    ours = corrupt(images, "fog", 2)
    assert torch.equal(ours[:, 0], ours[:, 1])
    assert torch.equal(ours[:, 0], ours[:, 2])
    assert not torch.equal(ours[0], ours[1])
