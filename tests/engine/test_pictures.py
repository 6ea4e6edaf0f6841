"""Pictures come in batches, wherever they are kept."""

import dataclasses

import numpy as np
import pytest
import torch

from rugged.data import Split
from rugged.engine import PlacedSplit


@pytest.fixture
def split():
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (300, 4, 6, 3), dtype=np.uint8)
    images.flags.writeable = False  # As a memory map is.
    return Split("train", images, np.arange(300) % 3, tuple(f"a/{i}" for i in range(300)))


@pytest.mark.parametrize("resident", [False, True])
def test_a_batch_is_the_rows_asked_for(split, resident):
    pictures = PlacedSplit.place(split, torch.device("cpu"))
    assert pictures.resident is None  # A memory map is as near to a CPU as can be.
    assert pictures.fetched_ahead == 0
    if resident:
        pictures = dataclasses.replace(pictures, resident=torch.from_numpy(split.images.copy()))
    rows = np.array([7, 2, 2, 9])
    images, labels = pictures.take(rows)
    assert np.array_equal(images.permute(0, 2, 3, 1).numpy(), split.images[rows])
    assert images.is_contiguous(memory_format=torch.channels_last)
    assert labels.tolist() == [1, 2, 2, 0]


@pytest.mark.gpu
def test_a_gpu_keeps_what_fits(split):
    pictures = PlacedSplit.place(split, torch.device("cuda"))
    assert pictures.resident is not None
    images, labels = pictures.take(np.arange(300))
    assert images.device.type == labels.device.type == "cuda"
    assert np.array_equal(images.cpu().permute(0, 2, 3, 1).numpy(), split.images)
