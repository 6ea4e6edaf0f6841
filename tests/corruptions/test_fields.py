"""Smooth fields: against SciPy, and exact."""

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from rugged.corruptions.fields import smooth
from rugged.corruptions.normal import standard_normal
from rugged.corruptions.streams import Stream, stream_keys

WIDTHS = (0.1, 0.7, 1.92, 5.12, 19.2, 170.8)  # no neighbour at all … many times the picture


def draws(count, height, width):
    return standard_normal(Stream(stream_keys("fields", 1, 0, range(count)), torch.device("cpu")), (height, width))


@pytest.mark.parametrize("sigma", WIDTHS)
@pytest.mark.parametrize("mode", ["nearest", "reflect"])
@pytest.mark.parametrize(
    ("size", "truncate"), [((64, 64), 3), ((31, 97), 4), ((120, 101), 3), ((1, 9), 4), ((1, 1), 3)]
)
def test_fields_are_filtered_as_scipy_filters_them(sigma, mode, size, truncate):
    fields = draws(3, *size)
    before = fields.clone()
    ours = smooth(fields, sigma, truncate=truncate, mode=mode)
    exact = gaussian_filter(fields.double().numpy(), sigma, mode=mode, truncate=truncate, axes=(1, 2))
    assert ours.dtype == torch.float64
    np.testing.assert_allclose(ours, exact, rtol=0, atol=1e-6)
    assert torch.equal(fields, before)


@pytest.mark.parametrize("sigma", WIDTHS)
@pytest.mark.parametrize("mode", ["nearest", "reflect"])
@pytest.mark.parametrize("side", [61, 125])
def test_sums_have_no_order(sigma, mode, side):
    """Mirrored, transposed and in another batch the sums are made in other orders, and end in the same bits."""
    fields = draws(5, side, side)
    ours = smooth(fields, sigma, mode=mode)
    assert torch.equal(smooth(fields.flip(1), sigma, mode=mode), ours.flip(1))
    assert torch.equal(smooth(fields.flip(2), sigma, mode=mode), ours.flip(2))
    for number in range(5):
        assert torch.equal(smooth(fields[number], sigma, mode=mode), ours[number])


@pytest.mark.parametrize("sigma", WIDTHS)
@pytest.mark.parametrize("mode", ["nearest", "reflect"])
@pytest.mark.parametrize(("most", "grid"), [(1, 2.0**-25), (7, 2.0**-22)])
def test_what_is_constant_stays_exactly_so(sigma, mode, most, grid):
    """But for the rounding between the axes."""
    field = torch.full((2, 40, 175), 0.7123, dtype=torch.float64).mul_(1 << 20).round_().div_(1 << 20)
    ours = smooth(field, sigma, mode=mode, most=most)
    assert (ours - field).abs().max() <= grid / 2
    assert ours.unique().numel() == 1
