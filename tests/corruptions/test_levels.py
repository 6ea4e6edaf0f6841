"""Cutting to bytes: every number to the level at or below it, and no doubt passed over."""

import numpy as np
import pytest
import torch

from rugged.corruptions import levels
from rugged.corruptions.levels import cut, cut_within


@pytest.mark.parametrize("on_host", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_numbers_are_cut_to_the_level_below(monkeypatch, dtype, on_host):
    monkeypatch.setattr(levels, "in_main_memory", lambda _: on_host)
    whole = torch.arange(256, dtype=dtype)
    for numbers in (whole, whole + 0.5, torch.nextafter(whole + 1, whole)):
        assert cut(numbers).tolist() == list(range(256))
    assert cut(whole.view(2, 8, 16).permute(2, 0, 1)).tolist() == whole.view(2, 8, 16).permute(2, 0, 1).tolist()


@pytest.mark.parametrize("on_host", [True, False])
@pytest.mark.parametrize(("dtype", "error"), [(torch.float32, 2.0**-10), (torch.float64, 2.0**-30)])
def test_a_level_is_right_or_in_doubt(monkeypatch, dtype, error, on_host):
    """For numbers near levels and between them, each off by all the error that there may be, either way."""
    monkeypatch.setattr(levels, "in_main_memory", lambda _: on_host)
    random = np.random.default_rng(3)
    near = random.integers(0, 256, 4000) + random.choice([-1.5, -1, -0.5, 0, 0.5, 1, 1.5], 4000) * error
    exact = np.concatenate((near.clip(0, 255), random.uniform(0, 255, 4000)))
    for off in (-0.9 * error, 0, 0.9 * error):
        bytes_, doubtful = cut_within(torch.from_numpy(exact + off).to(dtype), error)
        wrong = bytes_.numpy() != np.floor(exact)
        assert not (wrong & ~doubtful.numpy()).any()
        assert (bytes_.numpy()[wrong] == np.floor(exact[wrong]) + 1).all()  # in doubt, the higher of two
        assert doubtful.numpy()[4000:].mean() < 4 * error


def test_what_is_cut_lies_row_by_row():
    numbers = torch.rand(3, 4, 5).mul_(255).permute(2, 0, 1)
    for made in cut_within(numbers.clone(), 2.0**-10):
        assert made.is_contiguous()
        assert made.shape == numbers.shape
