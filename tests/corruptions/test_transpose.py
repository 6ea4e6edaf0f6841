"""Rows to columns, against NumPy."""

import numpy as np
import pytest
import torch

from rugged.corruptions.transpose import transpose


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (5, 300), (300, 5)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_rows_become_columns(size, dtype):
    values = np.random.default_rng(0).integers(0, 256, size).astype(dtype)
    transposed = transpose(torch.from_numpy(values))
    np.testing.assert_array_equal(transposed.numpy(), values.T)
    assert transposed.is_contiguous()
