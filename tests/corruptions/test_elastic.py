"""Elastic deformation: against the published steps in SciPy, as plain shifts, and its draws against theory."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter, map_coordinates

from rugged.core.errors import CorruptionError
from rugged.corruptions.elastic import draw_elastic_transform, elastic_transform, replay_elastic_transform
from rugged.corruptions.fields import smooth
from rugged.corruptions.streams import Stream, stream_keys

CPU = torch.device("cpu")


def pictures(count, height, width, seed=0):
    return torch.from_numpy(np.random.default_rng(seed).integers(0, 256, (count, 3, height, width), dtype=np.uint8))


def drawn(count, height=64, width=64, **parameters):
    stream = Stream(stream_keys("elastic", 1, 0, range(count)), CPU)
    images = torch.zeros(count, 3, height, width, dtype=torch.uint8)
    return draw_elastic_transform(stream, images, **({"alpha": 1, "sigma": 1, "affine": 5} | parameters))


def published(image, jitter, fields, alpha, sigma):
    """Follow the published steps for one (3, H, W) picture: affine map in fixed point, smooth fields, interpolation."""
    height, width = image.shape[1:]
    corners = np.array([[1, 1], [1, -1], [-1, -1]]) * (width // 3, height // 3) + (width // 2, height // 2)
    moved = (corners.astype(np.float32) + jitter.astype(np.float32)).astype(np.float64)
    forward = np.linalg.solve(np.c_[corners, np.ones(3)], moved).T
    inverse = np.linalg.inv(np.r_[forward, [[0, 0, 1]]])
    row, column = np.mgrid[:height, :width]
    x, y = ((np.rint(1024 * (m[1] * row + m[2])) + 16 + np.rint(1024 * m[0] * column)) // 32 / 32 for m in inverse[:2])
    picture = [map_coordinates(channel / 255, (y, x), order=1, mode="mirror") for channel in image.astype(float)]
    dx, dy = (alpha * gaussian_filter(field, sigma, mode="reflect", truncate=3) for field in fields)
    rubber = [map_coordinates(channel, (row + dy, column + dx), order=1, mode="reflect") for channel in picture]
    return np.stack(rubber) * 255


@pytest.mark.parametrize(("height", "width"), [(64, 64), (48, 81), (97, 35), (3, 3), (3, 10)])
@pytest.mark.parametrize(("alpha", "sigma", "affine"), [(3.2, 19.2, 0.06), (6.4, 5.12, 0.06), (60, 1.92, 0.1)])
def test_the_published_steps(height, width, alpha, sigma, affine):
    images = pictures(2, height, width)
    affine *= min(height, width)
    jitter, fields = draws = drawn(2, height, width, affine=affine)
    ours = elastic_transform(images, draws, alpha=alpha, sigma=sigma, affine=affine)
    for number in range(2):
        exact = published(images[number].numpy(), jitter[number].numpy(), fields[number].numpy(), alpha, sigma)
        np.testing.assert_allclose(ours[number], exact - 0.5, rtol=0, atol=0.505)
        assert (ours[number].numpy() == exact.astype(np.uint8)).mean() > 0.999


@pytest.mark.parametrize("alpha", [0, 5])
def test_nothing_moves_without_jitter_and_displacement(alpha):
    images = pictures(3, 31, 44)
    fields = torch.zeros(3, 2, 31, 44) if alpha else None
    ours = elastic_transform(images, (torch.zeros(3, 3, 2), fields), alpha=alpha, sigma=2, affine=1)
    assert torch.equal(ours, images)
    assert ours.data_ptr() != images.data_ptr()


def test_equal_jitter_shifts_the_picture():
    """Corners that all move by (5, -3) take the picture with them, 5 to the right and 3 up."""
    images = pictures(2, 30, 40)
    jitter = torch.tensor((5.0, -3.0)).expand(2, 3, 2)
    ours = elastic_transform(images, (jitter, None), alpha=0, sigma=0, affine=5)
    assert torch.equal(ours[:, :, :27, 5:], images[:, :, 3:, :35])
    assert torch.equal(ours[:, :, :27, :5], images[:, :, 3:, 1:6].flip(3))  # reflected about the first pixel


def test_equal_displacements_shift_the_picture():
    """Each pixel shows what lies 6 to its right and 4 above; beyond the edge, reflected about it, edge pixels twice."""
    images = pictures(2, 30, 40)
    fields = torch.tensor((0.75, -0.5)).view(1, 2, 1, 1).expand(2, 2, 30, 40)
    ours = elastic_transform(images, (torch.zeros(2, 3, 2), fields), alpha=8, sigma=3, affine=1)
    assert torch.equal(ours[:, :, 4:, :34], images[:, :, :26, 6:])
    assert torch.equal(ours[:, :, 4:, 34:], images[:, :, :26, 34:].flip(3))


@pytest.mark.parametrize(("height", "width"), [(2, 5), (5, 2), (1, 1)])
def test_pictures_without_room_for_three_corners_are_refused(height, width):
    draws = drawn(1, height, width)
    with pytest.raises(CorruptionError, match=f"at least 3 x 3 pixels; these are {height} x {width}"):
        elastic_transform(pictures(1, height, width), draws, alpha=1, sigma=1, affine=1)


def test_fields_are_drawn_only_where_they_are_used():
    jitter, fields = drawn(4, alpha=0)
    assert fields is None
    assert torch.equal(jitter, drawn(4)[0])


def test_draws_are_uniform_and_independent():
    jitter, fields = drawn(3000, 6, 8, affine=5)
    assert jitter.shape == (3000, 3, 2)
    assert fields.shape == (3000, 2, 6, 8)
    numbers = torch.cat(((jitter / 5).flatten(1), fields.flatten(1)), 1).double()
    assert numbers.abs().max() < 1
    count = numbers.numel()
    assert abs(numbers.mean()) < 4 * (1 / 3 / count) ** 0.5
    assert abs(numbers.square().mean() - 1 / 3) < 4 * (4 / 45 / count) ** 0.5
    correlation = torch.corrcoef(numbers.T) - torch.eye(numbers.shape[1])
    assert correlation.abs().max() < 5.5 / 3000**0.5  # between any two numbers of a picture
    between = torch.corrcoef(numbers[:100]) - torch.eye(100)
    assert between.abs().max() < 5.5 / numbers.shape[1] ** 0.5  # and between pictures


@pytest.mark.parametrize("sigma", [0.64, 1.92, 5.12])
def test_displacements_vary_as_theory_says(sigma):
    """Far from the edges smoothing leaves 1/3 (the variance of the draws) times the sum of the squared weights."""
    _, fields = drawn(150)
    reach = int(3 * sigma + 0.5)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / sigma) ** 2)
    theory = ((weights / weights.sum()) ** 2).sum() ** 2 / 3
    inside = smooth(fields, sigma, truncate=3, mode="reflect")[:, :, reach : 64 - reach, reach : 64 - reach]
    independent = inside.numel() / max(1, 4 * np.pi * sigma**2)
    assert inside.square().mean().item() == pytest.approx(theory, rel=5 * (2 / independent) ** 0.5)


def test_replay_draws_the_corners_and_both_fields_whether_used_or_not():
    image = np.zeros((9, 12, 3), np.uint8)
    state, twin = np.random.RandomState(1), np.random.RandomState(1)
    jitter, fields = replay_elastic_transform(state, image, alpha=2, sigma=1, affine=3)
    np.testing.assert_array_equal(jitter[0], twin.uniform(-3, 3, (3, 2)))
    np.testing.assert_array_equal(fields[0, 0], twin.uniform(-1, 1, (9, 12)))
    np.testing.assert_array_equal(fields[0, 1], twin.uniform(-1, 1, (9, 12)))
    _, unused = replay_elastic_transform(state, image, alpha=0, sigma=1, affine=3)
    assert unused is None
    twin.uniform(size=6 + 2 * 9 * 12)
    assert state.uniform() == twin.uniform()
