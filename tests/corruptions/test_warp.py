"""Resampling: affine maps against OpenCV and the formula of its places, interpolation against SciPy."""

import cv2
import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates

from rugged.corruptions.warp import affine_places, displaced_places, inverse_affine, sample_affine, sample_displaced

CPU = torch.device("cpu")
SIZES = [(64, 64), (40, 71), (65, 33), (3, 3), (3, 8)]


def jitters(count, most, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).uniform(-most, most, (count, 3, 2)))


def by_opencv(jitter, height, width):
    middle, reach = np.float32((width // 2, height // 2)), np.float32((width // 3, height // 3))
    corners = np.float32([middle + reach, middle + reach * (1, -1), middle - reach])
    forward = cv2.getAffineTransform(corners, corners + jitter.numpy().astype(np.float32))
    return cv2.invertAffineTransform(forward)


def reflect_about_pixels(place, edge):
    place = abs(place) % (2 * edge)
    return min(place, 2 * edge - place)


@pytest.mark.parametrize(("height", "width"), SIZES)
def test_affine_maps_are_opencvs(height, width):
    jitter = jitters(20, min(height, width) / 8)
    for ours, shifts in zip(inverse_affine(jitter, height, width), jitter, strict=True):
        np.testing.assert_allclose(ours, by_opencv(shifts, height, width), rtol=1e-10, atol=1e-10)


def test_corners_on_one_line_map_everything_to_the_first_pixel():
    """Moved so that the corners (5, 5), (5, 1), (1, 1) become (5, 5), (3, 3), (1, 1)."""
    jitter = torch.tensor([[[0.0, 0.0], [-2.0, 2.0], [0.0, 0.0]]])
    inverse = inverse_affine(jitter, 6, 6)
    np.testing.assert_array_equal(np.abs(inverse), 0)
    assert not affine_places(inverse, 6, 6, CPU).any()


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("most", [0.02, 0.2, 1])
def test_places_follow_the_formula(height, width, most):
    """At the most, corners come close to one line and places lie many pictures away."""
    inverses = inverse_affine(jitters(4, most * min(height, width), seed=1), height, width)
    ours = affine_places(inverses, height, width, CPU)
    assert ours.dtype == torch.int32
    for axis, length in ((0, width), (1, height)):
        for picture, inverse in enumerate(inverses):
            per_column, per_row, offset = inverse[axis]
            for y in range(height):
                for x in range(0, width, 5):
                    naive = round(1024 * (per_row * y + offset)) + 16 + round(1024 * per_column * x) >> 5
                    place, edge = int(ours[axis, picture, y, x]), 32 * (length - 1)
                    assert abs(place) <= 2 * edge
                    assert place // 32 + 1 <= 2 * (length - 1)
                    assert reflect_about_pixels(place, edge) == reflect_about_pixels(naive, edge)
                    assert (place - naive) % (2 * edge) == 0


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("most", [0.05, 0.5])
def test_affine_sampling_is_linear_interpolation(height, width, most):
    places = affine_places(inverse_affine(jitters(3, most * min(height, width)), height, width), height, width, CPU)
    planes = torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(0))
    ours = sample_affine(planes, places)
    assert ours.dtype == torch.float32
    for plane, sampled in zip(planes, ours, strict=True):
        for picture in range(3):
            x, y = places[:, picture].double().numpy() / 32
            exact = map_coordinates(plane[picture].double().numpy(), (y, x), order=1, mode="mirror")
            np.testing.assert_allclose(sampled[picture], exact, rtol=0, atol=4e-7)


def test_affine_sampling_rounds_in_the_references_order():
    """Upper left, upper right, lower left, lower right; beyond the edges too, where the pixels stand the other way."""
    random = np.random.default_rng(3)
    plane = random.random((7, 9), dtype=np.float32)
    places = torch.from_numpy(np.stack((random.integers(-500, 500, (1, 7, 9)), random.integers(-380, 380, (1, 7, 9)))))
    ours = sample_affine(torch.from_numpy(plane)[None, None], places.int())[0, 0]
    for row in range(7):
        for column in range(9):
            x, y = (int(place) for place in places[:, 0, row, column])
            total = np.float32(0)
            for down in (0, 1):
                for right in (0, 1):
                    pixel = plane[reflect_about_pixels(y // 32 + down, 6), reflect_about_pixels(x // 32 + right, 8)]
                    weight = (x % 32 if right else 32 - x % 32) * (y % 32 if down else 32 - y % 32) / 1024
                    total += pixel * np.float32(weight)
            assert ours[row, column] == total


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("alpha", [1.5, 10, 488])
def test_displaced_sampling_is_linear_interpolation(height, width, alpha):
    random = np.random.default_rng(4)
    fields = random.uniform(-1, 1, (2, 2, height, width))
    fields[:, :, 0, :2] = -1, 1
    planes = torch.from_numpy(random.random((3, 2, height, width)))
    places, bits = displaced_places(torch.from_numpy(fields), alpha)
    assert places.dtype == torch.int32
    assert bits >= 15
    ours = sample_displaced(planes, places, bits)
    y, x = np.mgrid[:height, :width]
    for plane, sampled in zip(planes, ours, strict=True):
        for picture, (along_x, along_y) in enumerate(alpha * fields):
            exact = map_coordinates(plane[picture].numpy(), (y + along_y, x + along_x), order=1, mode="reflect")
            np.testing.assert_allclose(sampled[picture], exact, rtol=0, atol=2 * 2.0**-bits)


def test_places_at_the_published_sizes_are_finer_than_float32():
    """The longest displacements: 488 pixels at 224 and 720 at 299."""
    for side, alpha in ((64, 10.24), (224, 488), (299, 720)):
        _, bits = displaced_places(torch.zeros(1, 2, side, side, dtype=torch.float64), alpha)
        assert 2.0**-bits <= np.spacing(np.float32(16))


def test_interpolating_gives_the_same_bits_wherever_in_a_batch():
    """Processors work on several numbers at once and on the rest one by one: both must round alike."""
    random = np.random.default_rng(5)
    planes = torch.from_numpy(random.random((3, 5, 7, 5)))
    places, bits = displaced_places(torch.from_numpy(random.uniform(-1, 1, (5, 2, 7, 5))), 3)
    ours = sample_displaced(planes, places, bits)
    for number in range(5):
        alone = sample_displaced(planes[:, number : number + 1].contiguous(), places[:, number : number + 1], bits)
        assert torch.equal(alone[:, 0], ours[:, number])
