"""A small network learns the built-in data set, and its maps fall on the objects, whose places are known."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from rugged.core.files import read_json, sha256_file
from rugged.corruptions import corrupt
from rugged.data import builtin, open_dataset
from rugged.engine import as_batch
from rugged.explain import Network, attribute, pointing_game
from rugged.explain.pointing import centre_hits
from rugged.models import load_model
from rugged.results import RunFolder, read_summary
from rugged.train import load_recipe, train

RESULTS = Path(__file__).parents[1] / "results"
DEMO = RunFolder(RESULTS / "demo")
"""The demo's network, as it was trained once and is kept."""

KEPT = {
    "demo": ("demo_model", []),
    "demo-plain": ("demo_model", ["augment.corrupt.names=[]"]),
    "demo-baseline": ("demo_baseline", []),
}


@pytest.mark.slow
@pytest.mark.timeout(1500)
def test_the_demos_network_learns_to_pass_90_percent(tmp_path):
    """From clean pictures, in three quarters of the epochs: today's training. The tests below ask what is kept."""
    dataset = open_dataset("builtin")
    recipe = load_recipe("demo_model", ["epochs=12", "augment.corrupt.names=[]"])
    network = Network(*load_model(train(recipe, dataset, tmp_path / "model", device="cpu").model))
    rows = np.arange(0, len(dataset.val), 2)
    images = as_batch(dataset.val.images[rows], torch.device("cpu"))
    with torch.inference_mode():
        answers = network.logits(images).argmax(1).numpy()
    assert (answers == dataset.val.labels[rows]).mean() > 0.90


@pytest.mark.parametrize("name", KEPT)
def test_what_is_kept_of_the_demo_is_of_its_recipe_and_data(name):
    kept, (recipe, changes) = RunFolder(RESULTS / name), KEPT[name]
    assert dataclasses.replace(load_recipe(kept.recipe), precision="auto") == load_recipe(recipe, changes)
    manifest, summary = read_json(kept.manifest), read_summary(kept.summary)
    assert manifest["dataset"]["content_hash"] == open_dataset("builtin").content_hash
    assert manifest["sha256"] == summary.model.sha256
    if summary.mce:
        assert summary.mce.baseline.sha256 == read_json(RunFolder(RESULTS / "demo-baseline").manifest)["sha256"]


def test_the_demos_weights_are_those_that_were_measured():
    assert sha256_file(DEMO.model) == read_json(DEMO.manifest)["sha256"]


def test_the_demos_network_holds_up_under_noise_it_has_not_seen():
    """As often as the summary says, of the pictures that it measured, drawn and corrupted here."""
    dataset = open_dataset("builtin")
    rows = np.arange(0, len(dataset.val), 5)
    images = torch.from_numpy(dataset.val.images[rows]).permute(0, 3, 1, 2)
    ids = [dataset.val.ids[row] for row in rows]
    noisy = corrupt(images, "gaussian_noise", 3, preset="tiny64", ids=ids)
    with torch.inference_mode():
        answers = Network(*load_model(DEMO.model)).logits(noisy).argmax(1).numpy()
    said = 1 - read_summary(DEMO.summary).errors["gaussian_noise"][2]
    assert (answers == dataset.val.labels[rows]).mean() == pytest.approx(said, abs=0.06)


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
