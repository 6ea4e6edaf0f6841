"""Edges beside NumPy's."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rugged.corruptions import edges
from rugged.corruptions.edges import extend

NUMPY = {"nearest": "edge", "reflect": "symmetric", "mirror": "reflect"}


@settings(max_examples=100)
@given(
    st.sampled_from([*NUMPY]),
    st.sampled_from([-2, -1]),
    st.integers(1, 9),
    st.integers(1, 9),
    st.integers(0, 25),
    st.integers(0, 25),
)
def test_planes_go_on_as_numpy_pads_them(mode, axis, height, width, before, after):
    """Also where less is inside than is to be mirrored."""
    planes = np.random.default_rng(0).integers(0, 256, (2, 3, height, width), dtype=np.uint8)
    widths = [(0, 0)] * 4
    widths[axis] = before, after
    size = planes.shape[axis] + before + after
    ours = extend(torch.from_numpy(planes), axis, before, size, mode)
    np.testing.assert_array_equal(ours.numpy(), np.pad(planes, widths, mode=NUMPY[mode]))


@pytest.mark.parametrize("mode", NUMPY)
def test_a_device_gives_the_same(monkeypatch, mode):
    planes = torch.arange(24, dtype=torch.float64).view(2, 3, 4)
    expected = extend(planes, -1, 5, 13, mode)
    monkeypatch.setattr(edges, "in_main_memory", lambda _: False)
    assert torch.equal(extend(planes, -1, 5, 13, mode), expected)
