"""A data set of seven classes, and an untrained model for it: its answers depend on every pixel."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from rugged.corruptions import find_textures
from rugged.data import open_dataset
from rugged.engine import make_fabric
from rugged.models import ModelSpec, build, save_model
from rugged.playground.players import open_players

CLASSES = ("ant", "bee", "crab", "dove", "eel", "fox", "gnu")


@pytest.fixture
def folder(tmp_path):
    """Pictures of 32 × 32 pixels in class folders, each grainy and of a colour of its own."""
    rng = np.random.default_rng(0)
    for split, count in (("train", 1), ("val", 3)):
        for name in CLASSES:
            (tmp_path / "zoo" / split / name).mkdir(parents=True)
            for number in range(count):
                pixels = rng.integers(0, 200, 3) + rng.integers(0, 56, (32, 32, 3))
                Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "zoo" / split / name / f"{number}.png")
    return tmp_path / "zoo"


@pytest.fixture
def dataset(folder):
    return open_dataset(folder)


@pytest.fixture
def make_run(tmp_path):
    def make(name="run", classes=CLASSES, seed=0, operations=("contrast",)):
        torch.manual_seed(seed)
        model = build("timm/resnet10t", len(classes))
        nn.init.normal_(model.fc.weight)
        spec = ModelSpec("timm/resnet10t", classes, tuple(map(str.title, classes)), 32, training_operations=operations)
        save_model(tmp_path / name / "model.safetensors", model, spec)
        return str(tmp_path / name)

    return make


@pytest.fixture
def open_models(dataset):
    def open_them(*models, data=dataset):
        return open_players(models, data, make_fabric("cpu", "fp32"))

    return open_them


@pytest.fixture
def ice():
    """Frost's textures where there are no photographs."""
    return find_textures("procedural")
