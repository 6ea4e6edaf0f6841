"""Whole trainings of restorers on small pictures."""

import csv
import dataclasses
import signal

import pytest
import torch
from PIL import Image

import rugged.restore.trainer
from rugged.core.errors import Interrupted, RunError
from rugged.core.files import read_json, sha256_file
from rugged.corruptions import find_textures
from rugged.data import open_dataset
from rugged.models import ModelSpec, build, load_model, load_restorer, save_model
from rugged.restore import load_recipe, train
from rugged.results import RunFolder

OVERRIDES = [
    "epochs=3", "batch_size=8", "development_per_class=6", "precision=fp32", "generator.width=8",
    "generator.blocks=[1,1]", "generator.blocks_up=[1]", "adversary.width=4", "adversary.after_epochs=0.5",
    "average=0.9", "optimizer.lr=0.003", "epoch_pictures=none",
]  # fmt: skip


@pytest.fixture
def dataset(picture_folder):
    return open_dataset(picture_folder)


@pytest.fixture
def model(tmp_path):
    spec = ModelSpec("timm/test_resnet", ("above", "below"), ("Above", "Below"), 32)
    torch.manual_seed(0)
    save_model(tmp_path / "classifier" / "model.safetensors", build(spec.architecture, 2), spec)
    return tmp_path / "classifier"


def read_rows(run):
    return list(csv.DictReader(run.metrics.read_text().splitlines()))


def test_a_run_learns_and_leaves_everything_behind(dataset, model, tmp_path):
    recipe = load_recipe(
        "deblur64", [*OVERRIDES, "epochs=12", "pairs.corruptions=['brightness']", f"content.model={model}"]
    )
    run = train(recipe, dataset, tmp_path / "run", device="cpu", command="rugged restore train")
    rows = read_rows(run)
    assert [(row["epoch"], row["split"]) for row in rows[:4]] == [
        ("1", "train"),
        ("1", "dev"),
        ("2", "train"),
        ("2", "dev"),
    ]
    assert float(rows[-2]["pixel"]) < float(rows[0]["pixel"])
    assert float(rows[-1]["psnr"]) > float(rows[-1]["psnr_before"])
    assert float(rows[0]["features"]) > 0
    assert float(rows[-2]["discriminator"]) > 0
    assert rows[0]["psnr"] == rows[1]["pixel"] == ""
    manifest = read_json(run.manifest)
    assert manifest["status"] == "finished"
    assert manifest["sha256"] == sha256_file(run.restorer)
    assert manifest["dataset"]["content_hash"] == dataset.content_hash
    assert manifest["final"]["dev"]["psnr"] == pytest.approx(float(rows[-1]["psnr"]), rel=1e-5)
    assert [(each["command"], each["first_step"]) for each in manifest["sessions"]] == [("rugged restore train", 0)]
    _, spec = load_restorer(run.restorer)
    assert (spec.corruptions, spec.severities, spec.preset) == (("brightness",), (1, 2, 3, 4, 5), "cifar32")
    assert (spec.dataset, spec.picture_size) == ("pictures", (32, 32))
    assert spec.content_model == "timm/test_resnet of classifier"
    assert spec.losses == ("charbonnier × 1", "features × 0.05", "logits × 0.02", "ragan-ls × 0.001", "gate × 0.05")
    for epoch in range(1, 13):
        with Image.open(run.sheets / f"epoch-{epoch:04}.png") as sheet:
            assert sheet.height > 3 * 128
    assert not run.model.exists()


@pytest.mark.parametrize(("loss", "stop_after"), [("ragan-ls", 1), ("ragan-ls", 4), ("wgan-gp", 7), ("none", 8)])
def test_an_interrupted_run_ends_with_the_same_weights(dataset, tmp_path, monkeypatch, loss, stop_after):
    """Four steps an epoch: within the first, at its end, with the adversary at work, at the second's end."""
    recipe = load_recipe("deblur64", [*OVERRIDES, f"adversary.loss={loss}"])
    whole = train(recipe, dataset, tmp_path / "whole", device="cpu")
    original = rugged.restore.trainer.Trainer.step
    stops = []

    def step_then_stop(self, indices, batch, position):
        note = original(self, indices, batch, position)
        if position.step + 1 == stop_after and not stops:
            stops.append(1)
            signal.raise_signal(signal.SIGTERM)
        return note

    monkeypatch.setattr(rugged.restore.trainer.Trainer, "step", step_then_stop)
    with pytest.raises(Interrupted, match=f"step {stop_after} of 12"):
        train(recipe, dataset, tmp_path / "cut", device="cpu", command="first")
    assert not RunFolder(tmp_path / "cut").restorer.exists()
    resumed = train(recipe, dataset, tmp_path / "cut", device="cpu", command="second")
    sessions = [(each["command"], each["first_step"]) for each in read_json(resumed.manifest)["sessions"]]
    assert sessions == [("first", 0), ("second", stop_after)]
    assert sha256_file(resumed.restorer) == sha256_file(whole.restorer)
    times = ("images_per_second", "seconds", "waiting")
    figures = [[{k: v for k, v in row.items() if k not in times} for row in read_rows(run)] for run in (whole, resumed)]
    assert figures[0] == figures[1]


def test_short_epochs_draw_other_pictures_each_time(dataset, tmp_path):
    recipe = load_recipe("deblur64", [*OVERRIDES, "epoch_pictures=17"])
    rows = read_rows(train(recipe, dataset, tmp_path / "run", device="cpu"))
    assert [int(row["step"]) for row in rows] == [2, 2, 4, 4, 6, 6]  # Two batches of eight fit into seventeen.


def test_the_same_recipe_gives_the_same_restorer_and_another_seed_another(dataset, tmp_path):
    recipe = load_recipe("deblur64", [*OVERRIDES, "epochs=1"])
    hashes = [
        sha256_file(train(dataclasses.replace(recipe, seed=seed), dataset, tmp_path / name, device="cpu").restorer)
        for name, seed in {"a": 0, "b": 0, "c": 1}.items()
    ]
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_finished_run_is_left_alone_and_another_is_refused(dataset, tmp_path, capsys):
    recipe = load_recipe("deblur64", [*OVERRIDES, "epochs=1"])
    run = train(recipe, dataset, tmp_path / "run", device="cpu")
    before = {path: path.stat().st_mtime_ns for path in run.path.rglob("[!.]*")}
    train(recipe, dataset, tmp_path / "run", device="cpu")
    assert "already trained" in capsys.readouterr().err
    assert {path: path.stat().st_mtime_ns for path in run.path.rglob("[!.]*")} == before
    with pytest.raises(RunError, match="another recipe"):
        train(dataclasses.replace(recipe, seed=3), dataset, tmp_path / "run", device="cpu")


def test_a_classifiers_folder_is_left_alone(dataset, model):
    with pytest.raises(RunError, match="a run of another kind"):
        train(load_recipe("deblur64", OVERRIDES), dataset, model, device="cpu")
    assert sorted(path.name for path in model.iterdir()) == [".lock", "model.safetensors"]


def test_a_loss_that_is_not_finite_ends_the_run(dataset, tmp_path):
    recipe = load_recipe("deblur64", [*OVERRIDES, "optimizer.lr=1000", "optimizer.warmup_epochs=0", "epochs=30"])
    with pytest.raises(RunError, match=r"(The loss became|not finite).*Lower optimizer.lr"):
        train(recipe, dataset, tmp_path / "run", device="cpu")
    assert not RunFolder(tmp_path / "run").restorer.exists()


def test_a_classifier_that_was_trained_anew_does_not_go_on_teaching(dataset, model, tmp_path, monkeypatch):
    recipe = load_recipe("deblur64", [*OVERRIDES, f"content.model={model}"])
    original = rugged.restore.trainer.Trainer.step

    def step_then_stop(self, indices, batch, position):
        signal.raise_signal(signal.SIGTERM)
        return original(self, indices, batch, position)

    with monkeypatch.context() as patch:
        patch.setattr(rugged.restore.trainer.Trainer, "step", step_then_stop)
        with pytest.raises(Interrupted):
            train(recipe, dataset, tmp_path / "run", device="cpu")
    file = model / "model.safetensors" if model.is_dir() else model
    before = sha256_file(file)
    assert read_json(tmp_path / "run" / "manifest.json")["companions"] == {"content.model": before}
    network, spec = load_model(file)
    next(network.parameters()).data += 1
    save_model(file, network, spec)
    with pytest.raises(RunError, match=rf"another content.model \({before[:12]}…, here {sha256_file(file)[:12]}…\)"):
        train(recipe, dataset, tmp_path / "run", device="cpu")


def test_a_run_that_began_on_drawn_ice_does_not_go_on_with_photographs(dataset, tmp_path, monkeypatch):
    recipe = load_recipe("deblur64", [*OVERRIDES, "epochs=1", "pairs.corruptions=['frost']", "adversary.loss=none"])
    drawn = find_textures("procedural")
    monkeypatch.setattr("rugged.restore.drawn.choose_textures", lambda _: drawn)
    run = train(recipe, dataset, tmp_path / "run", device="cpu")
    assert load_recipe(run.recipe).pairs.textures == "procedural"
    train(recipe, dataset, tmp_path / "run", device="cpu")
    photographs = dataclasses.replace(drawn, label="photographs")
    monkeypatch.setattr("rugged.restore.drawn.choose_textures", lambda _: photographs)
    with pytest.raises(RunError, match=r"pairs\.textures is procedural, here none"):
        train(recipe, dataset, tmp_path / "run", device="cpu")
