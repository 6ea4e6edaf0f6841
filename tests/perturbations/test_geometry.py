"""Geometry against the libraries that made the published sequences: Pillow, torchvision and OpenCV."""

import math

import cv2
import numpy as np
import pytest
import torch
import torchvision.transforms.functional as tvf
from PIL import Image
from torchvision.transforms import InterpolationMode

from rugged.perturbations import geometry

SIZES = [(64, 64, 64), (64, 97, 64), (120, 64, 64), (256, 341, 224), (33, 32, 32)]


@pytest.fixture(params=SIZES, ids=str)
def scene(request):
    """A picture with noise and a flat area, as an array and as a batch of one, and the side of the crop."""
    height, width, side = request.param
    array = np.random.default_rng(height).integers(0, 256, (height, width, 3), dtype=np.uint8)
    array[: height // 3] = 77
    return array, torch.from_numpy(array.transpose(2, 0, 1)[None].copy()), side


def cropped(picture, side):
    return np.asarray(tvf.center_crop(Image.fromarray(np.asarray(picture)), side))


def pixels(batch):
    return batch[0].permute(1, 2, 0).numpy()


def torchvision_affine(array, **changes):
    """Today's torchvision, told where the middle was in the torchvision of the time."""
    height, width = array.shape[:2]
    plain = {"angle": 0, "translate": [0, 0], "scale": 1.0, "shear": 0.0}
    middle = [width * 0.5 + 0.5, height * 0.5 + 0.5]
    return tvf.affine(
        Image.fromarray(array), **{**plain, **changes}, center=middle, interpolation=InterpolationMode.BILINEAR
    )


@pytest.mark.parametrize("degrees", [-15, -8.5, 0, 1, 15])
def test_turning_is_torchvisions(scene, degrees):
    array, batch, side = scene
    expected = cropped(torchvision_affine(array, angle=degrees), side)
    ours = pixels(geometry.affine(batch, side, degrees=degrees))
    assert (ours == expected).mean() > 0.9999
    assert np.abs(ours.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("factor", [0.4, 0.775, 1.0, 1.12, 1.15])
def test_scaling_is_torchvisions(scene, factor):
    array, batch, side = scene
    expected = cropped(torchvision_affine(array, scale=factor), side)
    ours = pixels(geometry.affine(batch, side, factor=factor))
    assert (ours == expected).mean() > 0.9999
    assert np.abs(ours.astype(int) - expected).max() <= 1


@pytest.mark.parametrize("degrees", [-15, -1, 0, 7, 15])
def test_shearing_is_that_of_the_time(scene, degrees):
    """The source of (x, y) is (x + (y - cy) tan s, cy + (y - cy) / cos s), in that torchvision's rounding."""
    array, batch, side = scene
    height, width = array.shape[:2]
    x, y, shear = width * 0.5 + 0.5, height * 0.5 + 0.5, math.radians(degrees)
    down = 1 / math.cos(shear)
    one, across = down * math.cos(shear), down * math.sin(shear)
    data = (one, across, one * -x + across * -y + x, 0, down, down * -y + y)
    picture = Image.fromarray(array).transform((width, height), Image.Transform.AFFINE, data, Image.Resampling.BILINEAR)
    expected, ours = cropped(picture, side), pixels(geometry.affine(batch, side, shear_degrees=degrees))
    np.testing.assert_array_equal(ours, expected)


@pytest.mark.parametrize("matrix", [(0.9, 0.2, -3.25, -0.1, 1.1, 2.5), (1.6, 0, -20.3, 0, 1.7, -18.1)])
def test_sampling_is_pillows_to_the_bit(scene, matrix):
    array, batch, _ = scene
    picture = Image.fromarray(array).transform((40, 50), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)
    x, y = torch.arange(40, dtype=torch.float64)[None] + 0.5, torch.arange(50, dtype=torch.float64)[:, None] + 0.5
    across = x * matrix[0] + y * matrix[1] + matrix[2]
    down = x * matrix[3] + y * matrix[4] + matrix[5]
    ours = pixels(geometry._sample_as_pillow(batch, across, down))
    np.testing.assert_array_equal(ours, np.asarray(picture))
    assert (ours == 0).all(axis=2).any()  # Some of it lies outside.


@pytest.mark.parametrize("degrees", [-15, -7.5, 0, 3, 15])
def test_tilting_is_opencvs(scene, degrees):
    """The published geometry, written out as products of one matrix for each step."""
    array, batch, side = scene
    height, width = array.shape[:2]
    turn, far = math.radians(degrees), math.hypot(width, height)
    sin, cos = math.sin(turn), math.cos(turn)
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float64)
    seen = []
    for x, y in corners:
        point = np.array([x - width / 2, y - height / 2, 1.0])
        point = np.array([cos * point[0] - sin * point[2], point[1], sin * point[0] + cos * point[2]])
        point = np.array([point[0], cos * point[1] - sin * point[2], sin * point[1] + cos * point[2] + far])
        seen.append((far * point[0] / point[2] + width / 2, far * point[1] / point[2] + height / 2))
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), np.array(seen, dtype=np.float32))
    expected = cropped(cv2.warpPerspective(array, matrix, (width, height)), side)
    ours = pixels(geometry.tilt(batch, side, degrees=degrees)).astype(int)
    # The corners are only known to float32, which moves some places over a thirty-second of a pixel.
    assert (ours == expected).mean() > 0.9
    assert np.abs(ours - expected).mean() < 1


@pytest.mark.parametrize("degrees", [-15, 0, 15])
def test_sampling_is_opencvs_to_the_bit(scene, degrees):
    array, batch, side = scene
    height, width = array.shape[:2]
    matrix = geometry._projection(height, width, math.radians(degrees))
    expected = cropped(cv2.warpPerspective(array, matrix, (width, height)), side)
    ours = pixels(geometry.tilt(batch, side, degrees=degrees))
    assert (ours == expected).mean() > 0.9999
    assert (
        np.abs(ours.astype(int) - expected).max() <= 8
    )  # One thirty-second of a pixel, where a place is in the middle.


@pytest.mark.parametrize("pixels_right", [-15, -1, 0, 4, 15])
def test_translation_shifts_whole_pixels(scene, pixels_right):
    array, batch, side = scene
    shifted = np.zeros_like(array)
    width = array.shape[1]
    for column in range(width):
        if 0 <= column - pixels_right < width:
            shifted[:, column] = array[:, column - pixels_right]
    np.testing.assert_array_equal(pixels(geometry.translate(batch, side, pixels_right)), cropped(shifted, side))


def test_nothing_moves_by_nothing(scene):
    array, batch, side = scene
    expected = cropped(array, side)
    for still in (
        geometry.affine(batch, side, degrees=0),
        geometry.affine(batch, side, factor=1),
        geometry.affine(batch, side, shear_degrees=0),
        geometry.translate(batch, side, 0),
    ):
        np.testing.assert_array_equal(pixels(still), expected)


def test_tilt_of_nothing_shrinks_a_little():
    """At 0 degrees the picture stands one pixel farther away than the distance it is drawn for."""
    side = 64
    bright = torch.full((1, 3, side, side), 255, dtype=torch.uint8)
    left = pixels(geometry.tilt(bright, side, degrees=0))[side // 2, :2, 0]
    distance = math.hypot(side, side)
    gap = side / 2 * (1 - distance / (distance + 1))
    assert left[0] == pytest.approx(255 * (1 - gap), abs=255 / 32)
    assert left[1] == 255
