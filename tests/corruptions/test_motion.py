"""Motion blur against loops over pixels, on single points, and the angles it draws."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from rugged.core.catalogue import PARAMETERS
from rugged.corruptions import corrupt, motion
from rugged.corruptions.motion import draw_motion_blur, motion_blur, replay_motion_blur
from rugged.corruptions.streams import Stream, stream_keys


def naive_blur(picture, degrees, radius, sigma):
    """Blur (H, W) bytes pixel by pixel, weight by weight."""
    height, width = picture.shape
    length = 2 * radius + 1
    weights = [math.exp(-(i**2) / (2 * sigma**2)) for i in range(length)]
    angle = math.pi * degrees / 180
    down, right = length * math.sin(angle), length * math.cos(angle)
    steps = [(math.ceil(i * down / length - 0.5), math.ceil(i * right / length - 0.5)) for i in range(length)]
    result = np.empty((height, width))
    for row in range(height):
        for column in range(width):
            total = 0.0
            for weight, (rows, columns) in zip(weights, steps, strict=True):
                place = min(max(row + rows, 0), height - 1), min(max(column + columns, 0), width - 1)
                total += weight * float(picture[place])
            result[row, column] = total / sum(weights)
    return result


@pytest.mark.parametrize("degrees", [0, 7.3, -44.9, 45, 61.7, -90, 133.1, 180, -101.2, 359])
@pytest.mark.parametrize(("size", "radius", "sigma"), [((11, 17), 6, 2.0), ((19, 8), 3, 5.0), ((5, 4), 10, 3.0)])
@pytest.mark.parametrize("lit", [1.0, 0.08])
def test_equals_a_loop_over_pixels(degrees, size, radius, sigma, lit):
    """Also where nearly all is black, which is summed in another way."""
    random = np.random.default_rng(3)
    pictures = random.integers(0, 256, (2, 3, *size), dtype=np.uint8) * (random.random((2, 3, *size)) < lit)
    angles = torch.tensor([degrees, 20.5], dtype=torch.float64)
    ours = motion_blur(torch.from_numpy(pictures.astype(np.uint8)), angles, radius=radius, sigma=sigma).numpy()
    for picture, angle, blurred in zip(pictures, angles.tolist(), ours, strict=True):
        for channel, levels in zip(picture, blurred, strict=True):
            exact = naive_blur(channel, angle, radius, sigma) + 1 / 514
            clear = np.abs(exact - np.round(exact)) > 1e-4
            assert clear.mean() > 0.5
            np.testing.assert_array_equal(levels[clear], np.floor(exact[clear]))
            assert np.abs(levels - exact).max() <= 1 + 1e-4


@pytest.mark.parametrize(
    ("degrees", "step"),
    [(0, (0, 1)), (90, (1, 0)), (180, (0, -1)), (-90, (-1, 0)), (45, None), (-135, None)],
)
def test_a_bright_point_is_seen_by_those_it_lies_ahead_of(degrees, step):
    """The trail leads against the angle, by the weights of a Gaussian on one side that add up to one."""
    picture = torch.zeros(1, 1, 41, 41, dtype=torch.uint8)
    picture[0, 0, 20, 20] = 255
    trail = motion_blur(picture, torch.tensor([degrees], dtype=torch.float64), radius=6, sigma=2.5)[0, 0].numpy()
    weights = np.exp(-(np.arange(13) ** 2) / (2 * 2.5**2))
    weights *= 255 / weights.sum()
    if step:
        seen = [trail[20 - i * step[0], 20 - i * step[1]] for i in range(13)]
        np.testing.assert_array_equal(seen, np.floor(weights + 1 / 514))
        assert trail.sum() == sum(seen)
    else:  # on the diagonal points are closer than pixels, and pixels take up one or two of them
        diagonal = [int(trail[20 - i, 20 - i] if degrees == 45 else trail[20 + i, 20 + i]) for i in range(13)]
        assert sum(diagonal) == trail.sum()
        points = np.arange(13) / math.sqrt(2)
        for distance in range(9):
            expected = weights[np.abs(points - distance) < 0.5].sum()
            assert diagonal[distance] == pytest.approx(expected, abs=1)


@pytest.mark.parametrize("severity", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("preset", PARAMETERS)
def test_flat_pictures_stay(preset, severity):
    flat = torch.arange(256, dtype=torch.uint8).view(-1, 1, 1, 1).expand(-1, 3, 6, 9)
    assert torch.equal(corrupt(flat, "motion_blur", severity, preset=preset), flat)


@pytest.mark.parametrize(("length", "sigma"), [(13, 1.0), (21, 2.5), (41, 15.0), (45, 16.0)])
def test_weights_are_a_gaussian_and_leave_no_light_out(length, sigma):
    weights = np.array(motion.line_weights(length, sigma))
    assert weights.sum() == 1 << 23
    exact = np.exp(-(np.arange(len(weights)) ** 2) / (2 * sigma**2))
    np.testing.assert_allclose(weights / 2**23, exact / exact.sum(), atol=2e-6)
    assert weights.min() > 0


def test_radius_zero_changes_nothing():
    picture = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    assert torch.equal(motion_blur(picture, torch.tensor([30.0]), radius=0, sigma=2), picture)


def test_edges_are_continued_by_their_pixels():
    """A column of light at the right edge shines in from beyond it, one at the left edge does not."""
    for column, kept in ((-1, True), (0, False)):
        picture = torch.zeros(1, 1, 5, 30, dtype=torch.uint8)
        picture[..., column] = 255
        blurred = motion_blur(picture, torch.tensor([0.0]), radius=5, sigma=4)
        assert (blurred[..., column] == 255).all() == kept


def test_angles_are_uniform():
    stream = Stream(stream_keys("motion_blur", 1, 0, range(4000)), torch.device("cpu"))
    angles = draw_motion_blur(stream, torch.empty(4000, 0)).numpy()
    assert angles.dtype == np.float64
    assert np.abs(angles).max() < 45
    assert stats.kstest(angles, stats.uniform(-45, 90).cdf).pvalue > 1e-3
    assert abs(np.corrcoef(angles[1:], angles[:-1])[0, 1]) < 4 / math.sqrt(4000)


def test_replayed_angles_are_those_of_numpy():
    angle = replay_motion_blur(np.random.RandomState(4), np.zeros((8, 8, 3), np.uint8))
    np.random.seed(4)  # the reference draws from NumPy's global state
    assert angle.tolist() == [np.random.uniform(-45, 45)]


@pytest.mark.parametrize("corner", [60, 30, 45, 120, -60, -30])
def test_points_half_way_between_pixels_fall_as_in_the_reference(corner):
    """ceil(i * width * cos / hypot - 1/2), in ImageMagick's order of operations, written out once more."""
    for length in (13, 21, 31):
        radians = math.pi * corner / 180
        y, x = length * math.sin(radians), length * math.cos(radians)
        far = math.hypot(y, x)
        expected = [[math.ceil(i * y / far - 0.5), math.ceil(i * x / far - 0.5)] for i in range(length)]
        assert motion.line_offsets(np.array([float(corner)]), length)[0].tolist() == expected
