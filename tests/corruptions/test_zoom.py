"""Zoom blur against scipy's zoom, and against its published sum of float32 enlargements."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from rugged.core.catalogue import PARAMETERS, PRESETS
from rugged.corruptions import zoom
from rugged.corruptions.recurring import Recurring
from rugged.corruptions.zoom import clipped_zoom, enlarge, visible, zoom_blur


@pytest.fixture(autouse=True)
def matrices(monkeypatch):
    """A matrix for every size, as when it comes again and again."""
    monkeypatch.setattr(zoom, "_recurring", Recurring(1, 100))


def scipy_zoom(layer, factor):
    """Cut out the middle, let scipy enlarge it, and cut to the size: a square (N, N) float64."""
    side = len(layer)
    crop = math.ceil(side / factor)
    start = (side - crop) // 2
    # Beyond the last pixel, where rounding may put the last sample, scipy's default is black.
    grown = ndimage.zoom(layer[start : start + crop, start : start + crop], factor, order=1, mode="nearest")
    start = (len(grown) - side) // 2
    return grown[start : start + side, start : start + side]


def published(picture, stop, step):
    """Blur (N, N, 3) bytes as published, with scipy's zoom, rounding to float32 after every enlargement and sum."""
    unit = (picture / 255).astype(np.float32)
    total = np.zeros_like(unit)
    factors = np.arange(1, stop, step)
    for factor in factors:
        enlarged = [scipy_zoom(unit[..., c].astype(np.float64), factor) for c in range(3)]
        total += np.stack(enlarged, -1).astype(np.float32)
    mean = (unit + total) / np.float32(len(factors) + 1)
    return (np.clip(mean, 0, 1) * np.float32(255)).astype(np.uint8)


@pytest.mark.parametrize("side", [5, 31, 32, 64, 77])
@pytest.mark.parametrize("factor", [1.0, 1.01, 1.13, 1.25, 1.5, 1.75, 2.0, 2.25])
def test_clipped_zoom_is_scipys(side, factor):
    layer = np.random.default_rng(0).normal(size=(side, side))
    ours = clipped_zoom(torch.from_numpy(layer)[None], factor)[0].numpy()
    np.testing.assert_allclose(ours, scipy_zoom(layer, factor), rtol=0, atol=1e-12)
    single = clipped_zoom(torch.from_numpy(layer)[None].float(), factor)
    assert single.dtype == torch.float32
    np.testing.assert_allclose(single[0].numpy(), ours, rtol=0, atol=1e-5)


@settings(max_examples=60)
@given(st.integers(6, 40), st.integers(0, 15), st.floats(1, 4.5), st.booleans())
def test_the_middle_square_of_a_long_picture_is_enlarged_as_if_alone(side, more, factor, upright):
    layer = torch.from_numpy(np.random.default_rng(1).normal(size=(1, side, side + 2 * more)))
    ours = clipped_zoom(layer.mT if upright else layer, factor)
    ours = ours.mT if upright else ours
    assert ours.shape == layer.shape
    middle = slice(more, more + side)
    np.testing.assert_allclose(ours[..., middle], clipped_zoom(layer[..., middle], factor), rtol=0, atol=1e-9)


@settings(max_examples=60)
@given(st.integers(2, 50), st.integers(2, 50), st.floats(1, 4.5))
def test_only_what_is_visible_counts(height, width, factor):
    layer = torch.from_numpy(np.random.default_rng(2).normal(size=(1, height, width)))
    rows, columns = visible(height, width, factor)
    hidden = torch.full_like(layer, math.nan)
    hidden[:, rows, columns] = layer[:, rows, columns]
    ours = clipped_zoom(hidden, factor)
    assert torch.equal(ours, clipped_zoom(layer, factor))
    assert torch.equal(ours, enlarge(layer[:, rows, columns], factor, height, width))
    for row, column in ((rows.start, 0), (rows.stop - 1, 0), (0, columns.start), (0, columns.stop - 1)):
        hidden = layer.clone()
        hidden[:, row if row else slice(None), column if column else slice(None)] = math.nan
        assert clipped_zoom(hidden, factor).isnan().any()


@pytest.mark.parametrize("shape", [(40, 61), (61, 40), (33, 48), (20, 21)])
@pytest.mark.parametrize("factor", [1.03, 1.25, 2.25, 3.0])
def test_both_axes_are_off_the_centre_by_the_same_and_less_than_a_pixel(shape, factor):
    places = torch.meshgrid(*(torch.arange(length, dtype=torch.float64) for length in shape), indexing="ij")
    off = [
        float(clipped_zoom(place[None], factor).mean()) - (length - 1) / 2
        for place, length in zip(places, shape, strict=True)
    ]
    assert off[0] == pytest.approx(off[1], abs=1e-9)
    assert abs(off[0]) < 1


def test_enlarging_a_slope_divides_it():
    """A plane stays a plane: linear interpolation is exact on it, and steps are smaller by the factor of the shape."""
    rows, columns = torch.meshgrid(torch.arange(40.0), torch.arange(60.0), indexing="ij")
    plane = (3 * rows + 7 * columns)[None].double()
    ours = clipped_zoom(plane, 2.0)[0]
    step = (20 - 1) / (40 - 1)
    np.testing.assert_allclose(ours.diff(dim=0), 3 * step, atol=1e-9)
    np.testing.assert_allclose(ours.diff(dim=1), 7 * step, atol=1e-9)


@pytest.mark.parametrize("severity", [1, 3, 5])
@pytest.mark.parametrize("preset", PRESETS)
def test_zoom_blur_is_the_published_sum(preset, severity):
    """To the last level, on noise, on even areas and on edges between them."""
    side, parameters = PRESETS[preset], PARAMETERS[preset]["zoom_blur"][severity - 1]
    random = np.random.default_rng(severity)
    picture = random.integers(0, 256, (side, side, 3), dtype=np.uint8)
    picture[: side // 2] = random.integers(0, 256, 3)
    picture[:, : side // 3] = random.integers(0, 256, 3)
    picture[side // 4 : side // 3, side // 4 : side // 2] = 255
    picture[-side // 4 :, : side // 2] = 0
    ours = zoom_blur(torch.from_numpy(picture).permute(2, 0, 1)[None].contiguous(), None, **parameters)
    np.testing.assert_array_equal(ours[0].permute(1, 2, 0), published(picture, **parameters))


@pytest.mark.parametrize("preset", ["cifar32", "imagenet224"])
def test_pictures_of_any_size_are_made_as_enlargement_by_enlargement(preset, monkeypatch):
    """The short way and the long one give the same bytes, whichever of them a size takes."""
    random = np.random.default_rng(7)
    for parameters in PARAMETERS[preset]["zoom_blur"]:
        for height, width in ((1, 1), (1, 7), (3, 2), (40, 23), (33, 60)):
            images = torch.from_numpy(random.integers(0, 256, (5, 3, height, width), dtype=np.uint8))
            images[:2, :, : height // 2 + 1] = 201
            images[2, :, :, width // 2 :] = torch.randint(120, 122, images[2, :, :, width // 2 :].shape)
            short = zoom_blur(images, None, **parameters)
            with monkeypatch.context() as patch:
                patch.setattr(zoom, "_LARGE", 0)
                assert torch.equal(zoom_blur(images, None, **parameters), short)


# What is brought to one pixel of a picture, row by row, found by a search for roundings that add up.
_WORST = bytes.fromhex(
    "fee5f3eff2f5f3fdfa5bfcfbfbf8faf5faa3f8ece745dafcfdb4f5fdfdf1f2f3f618eeb3fdfdf85dfbfaf8f3f9f7f0f0fb50fff2fdf2d2fa"
    "f3f6f0f5e8f1fbe922fbfbfde8fafaf0f6fdfdfe3e27f8c24a2ff5f8f6fd4c2cfdb0620ff2fd71ea59f1f1f7a5"
)


def test_roundings_that_add_up_are_not_passed_over():
    """The sum is a level and 2^-11 of one, the published sum just below that level."""
    height, width, row, column = 220, 590, 1, 3
    parameters = PARAMETERS["tiny64"]["zoom_blur"][4]
    plane = torch.ones(1, height, width, dtype=torch.float64, requires_grad=True)
    factors = np.arange(1, parameters["stop"], parameters["step"]).tolist()
    sum(clipped_zoom(plane, factor)[0, row, column] for factor in factors).backward()
    brought = plane.grad[0] != 0
    picture = torch.zeros(1, 3, height, width, dtype=torch.uint8)
    picture[:, :, brought] = torch.tensor(list(_WORST), dtype=torch.uint8)
    assert zoom_blur(picture, None, **parameters)[0, :, row, column].tolist() == [219, 219, 219]
    assert torch.equal(zoom._one_by_one(picture, tuple(factors))[0, :, row, column], torch.full((3,), 219))


def test_all_flat_pictures_stay_within_a_level():
    flat = torch.arange(256, dtype=torch.uint8).view(-1, 1, 1, 1).repeat(1, 3, 20, 20)
    for preset in PRESETS:
        for parameters in PARAMETERS[preset]["zoom_blur"]:
            ours = zoom_blur(flat, None, **parameters)
            lost = flat.int() - ours
            assert lost.min() >= 0
            assert lost.max() <= 1
            assert (ours.flatten(1) == ours[:, 0, 0, :1]).all()
            assert torch.equal(ours[[0, 255]], flat[[0, 255]])


def test_the_middle_stays_and_the_edge_is_drawn_outwards():
    """A ring stays dark within; at radius r the furthest enlargement reaches r times the factor, and a pixel or two."""
    rows, columns = np.mgrid[:65, :65] - 32
    distance = np.hypot(rows, columns)
    ring = torch.from_numpy(np.where(abs(distance - 16) < 1, 255, 0).astype(np.uint8)).expand(1, 3, 65, 65)
    blurred = zoom_blur(ring.contiguous(), None, stop=1.26, step=0.01)[0, 0].numpy()
    assert blurred[distance < 13].max() == 0
    assert blurred[distance > 17 * 1.26 + 2].max() == 0
    outside = blurred[(distance > 18.5) & (distance < 19.5)]
    assert outside.min() > 20
