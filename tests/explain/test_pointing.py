"""Maps of a trained network fall on the object: the pointing game on the built-in data set, whose objects are known."""

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
def test_grad_cam_of_the_demos_model_points_at_the_object(tmp_path):
    """On 500 validation pictures: 80% of the time, and 20 points more often than the middle of the picture does."""
    dataset = open_dataset("builtin")
    run = train(load_recipe("demo_model"), dataset, tmp_path / "model", device="cpu")
    network = Network(*load_model(run.model))
    rows = np.arange(0, len(dataset.val), 2)
    images = as_batch(dataset.val.images[rows], torch.device("cpu"))
    labels = torch.from_numpy(dataset.val.labels[rows].astype(np.int64))
    masks = builtin.masks([dataset.val.ids[row] for row in rows])
    found = pointing_game(attribute(network, images, labels).numpy(), masks)
    assert found >= 0.80
    assert found >= centre_hits(masks).mean() + 0.20
