"""Card and push: what leaves the machine, and that it comes back as the same model."""

import json
import tomllib
from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.hub import TOKEN

from rugged import Classifier
from rugged.benchmark import benchmark
from rugged.cli import main
from rugged.core.errors import ConfigError, ModelError, ResultsError
from rugged.data import open_dataset
from rugged.models import ModelSpec, build, save_model
from rugged.pipelines.publishing import card_of, push
from rugged.results import RunFolder, read_summary, write_summary

CLASSES = ("above", "below")


@pytest.fixture
def run(tmp_path, monkeypatch, picture_folder):
    """A benchmarked run folder, as training would have left it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    run = RunFolder(tmp_path / "runs" / "mine")
    save(run.model)
    benchmark(
        run.path, open_dataset(picture_folder), corruptions=("contrast",), severities=(1,), device="cpu",
        command="rugged benchmark somebodys/folder",
    )  # fmt: skip
    run.recipe.write_text(
        'epochs = 3\n[model]\narchitecture = "timm/test_resnet"\nweights = "somebodys/folder/w.pth"\n'
        '[augment]\nrestore = "/somebodys/runs/gan"\n[augment.corrupt]\ntextures = "/somebodys/frost"\n'
    )
    run.checkpoints.mkdir()
    run.checkpoint.write_bytes(b"much")
    return run


def save(path, seed=0):
    torch.manual_seed(seed)
    save_model(path, build("timm/test_resnet", 2), ModelSpec("timm/test_resnet", CLASSES, CLASSES, 32))


def test_a_card_lies_in_the_run_folder_or_elsewhere(run, tmp_path):
    assert card_of(run.path) == run.card
    assert "Contrast" in run.card.read_text(encoding="utf-8")
    assert card_of(run.path, tmp_path / "other.md").read_bytes() == run.card.read_bytes()


def test_a_card_does_not_take_the_models_place(run):
    before = run.model.read_bytes()
    with pytest.raises(ConfigError, match="is there and would be lost"):
        card_of(run.path, run.model, replace=True)
    assert run.model.read_bytes() == before


def test_a_card_that_was_filled_in_is_replaced_only_when_asked_to(run, tmp_path):
    written = card_of(run.path).read_text("utf-8")
    assert card_of(run.path).read_text("utf-8") == written  # Nothing is lost.
    filled = written.replace("license: unknown", "license: mit")
    run.card.write_text(filled, "utf-8")
    with pytest.raises(ConfigError, match="--replace"):
        card_of(run.path)
    assert run.card.read_text("utf-8") == filled
    assert card_of(run.path, replace=True).read_text("utf-8") == written


def test_old_figures_beside_a_new_summary_are_noted(run, hub, capsys):
    filled = card_of(run.path).read_text("utf-8").replace("license: unknown", "license: mit")
    run.card.write_text(filled, "utf-8")
    push(run.path, "me/mine")
    assert "figures" not in capsys.readouterr().err
    summary = read_summary(run.summary)
    write_summary(run.summary, replace(summary, mean_corruption_accuracy=summary.mean_corruption_accuracy / 2))
    push(run.path, "me/mine")
    assert "are not those of" in " ".join(capsys.readouterr().err.split())


def test_a_folder_without_a_model_has_no_card(tmp_path):
    with pytest.raises(ModelError, match="holds no model"):
        card_of(tmp_path)


def test_what_is_pushed_is_the_same_model_and_nothing_of_the_machine(run, hub):
    assert push(run.path, "me/mine") == f"{hub.url}/me/mine"
    place = "/me/mine/resolve/main/"
    assert sorted(hub.files) == [
        place + name for name in ("README.md", "benchmark/summary.json", "model.safetensors", "recipe.toml")
    ]
    assert hub.files[place + "model.safetensors"] == run.model.read_bytes()
    texts = [content for name, content in hub.files.items() if not name.endswith(".safetensors")]
    assert not any(b"somebody" in text or str(run.path).encode() in text for text in texts)
    assert b"hf://me/mine" in hub.files[place + "README.md"]
    recipe = tomllib.loads(hub.files[place + "recipe.toml"].decode())
    assert (recipe["model"]["weights"], recipe["augment"]["restore"]) == ("w.pth", "gan")
    assert recipe["augment"]["corrupt"] == {"textures": "frost"}
    assert (
        json.loads(hub.files[place + "benchmark/summary.json"])["clean"]["error"]
        == read_summary(run.summary).clean.error
    )
    pictures = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    theirs, ours = (Classifier.load(model, device="cpu") for model in ("hf://me/mine", run.path))
    np.testing.assert_array_equal(theirs.probabilities(pictures), ours.probabilities(pictures))


def test_a_card_that_was_filled_in_is_kept(run, hub):
    run.card.write_text("# Mine\n\nLicence: mine.\n", encoding="utf-8")
    push(run.path, "me/mine", private=True)
    assert hub.files["/me/mine/resolve/main/README.md"] == run.card.read_bytes()
    assert hub.created == {"me/mine": True}


def test_a_card_of_the_run_folder_names_the_repository(run, hub):
    card_of(run.path)
    run.card.write_text(run.card.read_text("utf-8").replace("license: unknown", "license: mit"), "utf-8")
    push(run.path, "me/mine")
    shared = hub.files["/me/mine/resolve/main/README.md"].decode()
    assert 'Classifier.load("hf://me/mine")' in shared
    assert "USER/NAME" not in shared
    assert "license: mit" in shared


def test_a_card_of_another_model_is_not_pushed(run, hub):
    card_of(run.path)
    save(run.model, seed=1)
    run.summary.unlink()
    with pytest.raises(ResultsError, match=r"card\.md is about another model"):
        push(run.path, "me/mine")
    assert (hub.files, hub.created) == ({}, {})


def test_figures_of_another_model_are_not_pushed(run, hub):
    save(run.model, seed=1)
    with pytest.raises(ResultsError, match="about another model"):
        push(run.path, "me/mine")
    assert (hub.files, hub.created) == ({}, {})


@pytest.mark.parametrize("damaged", [b"epochs = \n", b"\xff", b"model = 3\n", None])
def test_a_damaged_recipe_is_named(run, hub, damaged):
    run.recipe.unlink()
    run.recipe.mkdir() if damaged is None else run.recipe.write_bytes(damaged)
    with pytest.raises(ResultsError, match=r"recipe\.toml is no recipe that can be shared"):
        push(run.path, "me/mine")
    assert (hub.files, hub.created) == ({}, {})


def test_a_card_that_is_not_utf_8_is_named(run, hub):
    """As an editor on Windows may save it."""
    run.card.write_text("# Mine\n", encoding="utf-16")
    with pytest.raises(ResultsError, match=r"card\.md is not UTF-8 .* Save it as UTF-8"):
        push(run.path, "me/mine")
    assert (hub.files, hub.created) == ({}, {})


def test_a_model_on_the_hub_is_benchmarked(run, hub, picture_folder, tmp_path):
    push(run.path, "me/shared")
    options = {"corruptions": ("contrast",), "severities": (1,), "device": "cpu"}
    theirs = benchmark("hf://me/shared", open_dataset(picture_folder), **options)
    assert theirs.clean == read_summary(run.summary).clean
    assert RunFolder(tmp_path / "runs" / "shared").summary.exists()


def test_the_commands_print_where_things_are(run, hub, monkeypatch, capsys):
    for arguments, said in (
        (("card", "runs/mine"), "runs/mine/card.md\n"),
        (("push", "runs/mine", "me/mine"), f"{hub.url}/me/mine\n"),
    ):
        monkeypatch.setattr("sys.argv", ["rugged", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        assert (ended.value.code or 0, capsys.readouterr().out) == (0, said)
