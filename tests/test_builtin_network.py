"""A small network learns the built-in data set, and its maps fall on the objects, whose places are known."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from rugged.core.files import read_json
from rugged.data import builtin, open_dataset
from rugged.engine import as_batch
from rugged.explain import Network, attribute, pointing_game
from rugged.explain.pointing import centre_hits
from rugged.models import load_model
from rugged.results import RunFolder
from rugged.train import load_recipe, train

DEMO = RunFolder(Path(__file__).parents[1] / "results" / "demo")
"""What the demo's recipe made of the data once."""


@pytest.mark.slow
def test_a_quarter_of_the_demos_training_knows_more_than_half(tmp_path):
    """A linear model on pixels stays under 45%."""
    run = train(load_recipe("demo_model", ["epochs=4"]), open_dataset("builtin"), tmp_path / "model", device="cpu")
    assert read_json(run.manifest)["final"]["dev"]["top1"] > 0.5


def test_the_demos_network_is_of_its_recipe_and_data():
    followed = load_recipe(DEMO.recipe)
    assert dataclasses.replace(followed, precision="auto") == load_recipe("demo_model")
    assert read_json(DEMO.manifest)["dataset"]["content_hash"] == open_dataset("builtin").content_hash


@pytest.mark.slow
def test_the_demos_network_passes_90_percent_and_looks_at_the_objects():
    """Of 500 validation pictures Grad-CAM is right on 80%, and 20 points more often than the middle of the picture."""
    dataset = open_dataset("builtin")
    network = Network(*load_model(DEMO.model))
    rows = np.arange(0, len(dataset.val), 2)
    images = as_batch(dataset.val.images[rows], torch.device("cpu"))
    labels = torch.from_numpy(dataset.val.labels[rows].astype(np.int64))

    with torch.inference_mode():
        assert (network.logits(images).argmax(1) == labels).float().mean() > 0.90

    masks = builtin.masks([dataset.val.ids[row] for row in rows])
    found = pointing_game(attribute(network, images, labels).numpy(), masks)
    assert found >= 0.80
    assert found >= centre_hits(masks).mean() + 0.20
