import numpy as np
import pytest
import torch
from PIL import Image

from rugged.data import ClassInfo
from rugged.models import ModelSpec
from rugged.predict import Classifier

COLOURS = ("red", "green", "blue")


def mean_colours(images):
    """Logits that can be worked out by hand: the mean of each channel, in sixteenths of a level."""
    assert images.dtype is torch.uint8
    return images.float().mean((2, 3)) / 16


@pytest.fixture
def colours():
    """Tells red from green from blue; its input has 32 pixels a side."""
    spec = ModelSpec("colours", COLOURS, COLOURS, 32)
    return Classifier(mean_colours, tuple(ClassInfo(name, name.title()) for name in COLOURS), spec)


@pytest.fixture
def plain():
    """Saves a picture of one colour."""

    def save(path, colour, size=(32, 32)):
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", size, colour).save(path)
        return path

    return save


@pytest.fixture
def shares():
    """Probabilities for a picture of one colour, by the formula."""

    def shares(*colour):
        powers = np.exp(np.array(colour) / 16)
        return powers / powers.sum()

    return shares
