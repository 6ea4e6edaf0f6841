"""Pictures that sequences are made of."""

from pathlib import Path

import numpy as np
import pytest
import torch

GOLDEN = Path(__file__).resolve().parent.parent / "golden"


@pytest.fixture(scope="session")
def scenes():
    """Made pictures that look like natural ones, by preset: ``(N, 3, H, W)`` uint8."""
    found = {}
    for preset in ("cifar32", "tiny64", "imagenet224"):
        with np.load(GOLDEN / f"{preset}.npz") as archive:
            arrays = [archive[key] for key in sorted(archive.files) if key.endswith("/input")]
        found[preset] = torch.from_numpy(np.stack(arrays).transpose(0, 3, 1, 2).copy())
    return found
