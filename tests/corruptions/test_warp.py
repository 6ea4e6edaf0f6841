"""Resampling: affine maps against OpenCV and the formula of its places, interpolation against SciPy and plain loops."""

import cv2
import numpy as np
import pytest
import torch
from scipy.ndimage import map_coordinates

from rugged.corruptions.warp import affine_places, displaced_places, inverse_affine, warp

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
    for ours, shifts in zip(inverse_affine(jitter, height, width).numpy(), jitter, strict=True):
        np.testing.assert_allclose(ours, by_opencv(shifts, height, width), rtol=1e-10, atol=1e-10)


def test_corners_on_one_line_map_everything_to_the_first_pixel():
    """Moved so that the corners (5, 5), (5, 1), (1, 1) become (5, 5), (3, 3), (1, 1)."""
    jitter = torch.tensor([[[0.0, 0.0], [-2.0, 2.0], [0.0, 0.0]]])
    inverse = inverse_affine(jitter, 6, 6)
    np.testing.assert_array_equal(np.abs(inverse.numpy()), 0)
    assert not affine_places(inverse, 6, 6).any()


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("most", [0.02, 0.2, 1])
def test_places_follow_the_formula(height, width, most):
    """At the most, corners come close to one line and places lie many pictures away."""
    inverses = inverse_affine(jitters(4, most * min(height, width), seed=1), height, width)
    ours = affine_places(inverses, height, width)
    assert ours.dtype == torch.int32
    for axis, length in ((0, width), (1, height)):
        for picture, inverse in enumerate(inverses.tolist()):
            per_column, per_row, offset = inverse[axis]
            for y in range(height):
                for x in range(0, width, 5):
                    naive = round(1024 * (per_row * y + offset)) + 16 + round(1024 * per_column * x) >> 5
                    place, edge = int(ours[picture, axis, y, x]), 32 * (length - 1)
                    assert abs(place) <= 2 * edge
                    assert place // 32 + 1 <= 2 * (length - 1)
                    assert reflect_about_pixels(place, edge) == reflect_about_pixels(naive, edge)
                    assert (place - naive) % (2 * edge) == 0


def pictures(kind, height, width):
    """Two pictures that test the sampler's limits: steep edges, squares of one level, or dots in one."""
    random = np.random.default_rng(2)
    if kind == "dots":
        dots = torch.full((2, 3, height, width), 228, dtype=torch.uint8)
        dots[..., ::9, ::9] = 100
        return dots
    if kind == "noise":
        return torch.from_numpy(random.choice(np.uint8((0, 255)), (2, 3, height, width)))
    squares = random.integers(0, 256, (2, 3, height // 9 + 1, width // 9 + 1), dtype=np.uint8)
    return torch.from_numpy(squares.repeat(9, 2).repeat(9, 3)[:, :, :height, :width].copy())


def fields_of(count, height, width):
    fields = np.random.default_rng(4).uniform(-1, 1, (count, 2, height, width))
    fields[:, :, 0, :2] = -1, 1
    return torch.from_numpy(fields)


def mapped_one_by_one(plane, places):
    """Interpolate a (H, W) picture in float32: upper left, upper right, lower left, lower right, each sum rounded."""
    height, width = plane.shape
    unit = plane.astype(np.float32) / np.float32(255)
    result = np.zeros_like(unit)
    for row in range(height):
        for column in range(width):
            x, y = (int(place) for place in places[:, row, column])
            for down in (0, 1):
                for right in (0, 1):
                    pixel = unit[
                        reflect_about_pixels(y // 32 + down, height - 1),
                        reflect_about_pixels(x // 32 + right, width - 1),
                    ]
                    weight = (x % 32 if right else 32 - x % 32) * (y % 32 if down else 32 - y % 32) / 1024
                    result[row, column] += pixel * np.float32(weight)
    return result


@pytest.mark.parametrize("kind", ["noise", "squares", "dots"])
@pytest.mark.parametrize(("height", "width"), [(64, 64), (40, 71), (3, 8)])
@pytest.mark.parametrize("alpha", [None, 1.5, 10, 488])
@pytest.mark.parametrize("many", [0, 10**9])
def test_bytes_are_those_of_the_references_arithmetic(kind, height, width, alpha, many, monkeypatch):
    """Whatever float32 leaves in doubt: every single byte, cut from sums rounded in the reference's order.

    Even areas are looked up, a few rows at a time, or made like all others.
    """
    monkeypatch.setattr("rugged.corruptions.warp._MANY", many)
    monkeypatch.setattr("rugged.corruptions.warp._AT_ONCE", 500)
    images = pictures(kind, height, width)
    affine = affine_places(inverse_affine(jitters(2, min(height, width) / 12), height, width), height, width)
    displaced = displaced_places(fields_of(2, height, width), alpha) if alpha else None
    ours = warp(images, affine, displaced)
    for picture in range(2):
        for channel in range(3):
            exact = mapped_one_by_one(images[picture, channel].numpy(), affine[picture].numpy())
            if displaced:
                x, y = displaced[0][picture].double().numpy() * 0.5 ** displaced[1] - 0.5
                left, top = np.minimum(x.astype(int), width - 2), np.minimum(y.astype(int), height - 2)
                corners = exact.astype(np.float64)
                upper, lower = (
                    corners[row, left] + (corners[row, left + 1] - corners[row, left]) * (x - left)
                    for row in (top, top + 1)
                )
                exact = (upper + (lower - upper) * (y - top)).astype(np.float32)
            np.testing.assert_array_equal(ours[picture, channel], (exact.clip(0, 1) * 255).astype(np.uint8))


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("most", [0.05, 0.5])
def test_affine_maps_are_linear_interpolation(height, width, most):
    affine = affine_places(inverse_affine(jitters(3, most * min(height, width)), height, width), height, width)
    images = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, 2, height, width), dtype=np.uint8))
    ours = warp(images, affine)
    for picture in range(3):
        x, y = affine[picture].double().numpy() / 32
        for channel in range(2):
            exact = map_coordinates(images[picture, channel].double().numpy(), (y, x), order=1, mode="mirror")
            np.testing.assert_allclose(ours[picture, channel], exact - 0.5, rtol=0, atol=0.5001)


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("alpha", [1.5, 10, 488])
def test_displacing_is_linear_interpolation(height, width, alpha):
    """Where the affine map leaves everything as it is."""
    fields = fields_of(2, height, width)
    images = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (2, 3, height, width), dtype=np.uint8))
    still = affine_places(inverse_affine(torch.zeros(2, 3, 2), height, width), height, width)
    places, bits = displaced_places(fields.clone(), alpha)
    assert places.dtype == torch.int32
    assert bits >= 15
    ours = warp(images, still, (places, bits))
    y, x = np.mgrid[:height, :width]
    for picture, (along_x, along_y) in enumerate(alpha * fields.numpy()):
        for channel in range(3):
            plane = images[picture, channel].double().numpy()
            exact = map_coordinates(plane, (y + along_y, x + along_x), order=1, mode="reflect")
            np.testing.assert_allclose(ours[picture, channel], exact - 0.5, rtol=0, atol=0.501 + 4 * 255 * 2.0**-bits)


def test_places_at_the_published_sizes_are_finer_than_float32():
    """The longest displacements: 488 pixels at 224 and 720 at 299."""
    for side, alpha in ((64, 10.24), (224, 488), (299, 720)):
        _, bits = displaced_places(torch.zeros(1, 2, side, side, dtype=torch.float64), alpha)
        assert 2.0**-bits <= np.spacing(np.float32(16))


@pytest.mark.parametrize("kind", ["noise", "squares"])
def test_pictures_come_out_the_same_wherever_in_a_batch(kind):
    images = pictures(kind, 37, 50)
    affine = affine_places(inverse_affine(jitters(2, 4), 37, 50), 37, 50)
    places, bits = displaced_places(fields_of(2, 37, 50), 3)
    ours = warp(images, affine, (places, bits))
    for number in range(2):
        one = slice(number, number + 1)
        assert torch.equal(warp(images[one], affine[one], (places[one], bits))[0], ours[number])
