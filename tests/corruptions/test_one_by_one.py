"""One picture after the other, or on all cores, with the same result."""

import numpy as np
import pytest
import torch

from rugged.corruptions import one_by_one as module
from rugged.corruptions.one_by_one import one_by_one


class Elsewhere:
    """Stands for a batch on another device."""

    def __init__(self, images):
        self.images = images
        self.device = torch.device("meta")

    def cpu(self):
        return self.images


def double(picture, out):
    np.multiply(picture, 2, out=out)


def refuse(picture, out):
    raise ValueError("no")


@pytest.mark.parametrize("where", [lambda images: images, Elsewhere], ids=["cpu", "elsewhere"])
def test_every_picture_is_worked_on_and_errors_come_through(where, monkeypatch):
    monkeypatch.setattr(torch.Tensor, "to", lambda self, *_: self)  # Nothing can be brought to a device of no memory.
    monkeypatch.setattr(module, "_SHARE", 2 * 3 * 4)
    monkeypatch.setattr(module, "available_cores", lambda: 8)
    images = torch.arange(5 * 3 * 4, dtype=torch.uint8).view(5, 3, 4)
    assert torch.equal(one_by_one(double, where(images)), images * 2)
    with pytest.raises(ValueError, match="no"):
        one_by_one(refuse, where(images))
