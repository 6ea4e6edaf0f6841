"""A small network learns the built-in data set, and its maps fall on the objects, whose places are known."""

import numpy as np
import pytest
import torch

from rugged.data import builtin, open_dataset
from rugged.engine import as_batch
from rugged.explain import Network, attribute, pointing_game
from rugged.explain.pointing import centre_hits
from rugged.models import load_model
from rugged.train import load_recipe, train


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_the_demos_network_passes_90_percent_and_looks_at_the_objects(tmp_path):
    """Of 500 validation pictures Grad-CAM is right on 80%, and 20 points more often than the middle of the picture."""
    dataset = open_dataset("builtin")
    run = train(load_recipe("demo_model", ["epochs=10"]), dataset, tmp_path / "model", device="cpu")
    network = Network(*load_model(run.model))
    rows = np.arange(0, len(dataset.val), 2)
    images = as_batch(dataset.val.images[rows], torch.device("cpu"))
    labels = torch.from_numpy(dataset.val.labels[rows].astype(np.int64))

    with torch.inference_mode():
        assert (network.logits(images).argmax(1) == labels).float().mean() > 0.90

    masks = builtin.masks([dataset.val.ids[row] for row in rows])
    found = pointing_game(attribute(network, images, labels).numpy(), masks)
    assert found >= 0.80
    assert found >= centre_hits(masks).mean() + 0.20
