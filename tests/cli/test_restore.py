"""``rugged restore`` as a person meets it."""

import sys

import numpy as np
import pytest
from PIL import Image

from rugged.cli import main

SMALL = [
    "epochs=1", "batch_size=8", "development_per_class=6", "precision=fp32", "generator.width=4",
    "generator.blocks=[1]", "generator.blocks_up=[]", "adversary.width=4", "adversary.after_epochs=0",
]  # fmt: skip


@pytest.fixture
def rugged(tmp_path, monkeypatch, capfd):
    """Run the command line in this process; its status, output and messages."""

    def run(*arguments):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["rugged", *arguments])
        monkeypatch.setattr("rugged.core.progress._console", None)
        with pytest.raises(SystemExit) as ended:
            main()
        return (ended.value.code or 0, *capfd.readouterr())

    return run


def settings(*more):
    return [part for value in (*SMALL, *more) for part in ("--set", value)]


def test_from_pictures_to_restored_pictures(rugged, picture_folder, tmp_path):
    status, out, err = rugged("restore", "train", "deblur64", "--data", "pictures", "--out", "run", *settings())
    assert (status, out) == (0, "run/restorer.safetensors\n"), err
    assert "development PSNR" in err
    status, out, err = rugged("restore", "apply", "run", "pictures/val", "out")
    assert (status, out) == (0, "out\n"), err
    assert len(list((tmp_path / "out").rglob("*.png"))) == 18
    status, out, _ = rugged("restore", "apply", "run/restorer.safetensors", "pictures/val/above/val00.png", "one.png")
    assert (status, out) == (0, "one.png\n")
    assert (tmp_path / "one.png").read_bytes() == (tmp_path / "out" / "above" / "val00.png").read_bytes()


def test_from_pairs(rugged, tmp_path):
    for name in "abc":
        for side in ("blur", "sharp"):
            (tmp_path / "set" / side).mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.full((40, 40, 3), ord(name), np.uint8)).save(tmp_path / "set" / side / f"{name}.png")
    status, out, err = rugged(
        "restore", "train", "deblur64", "--pairs", "set", "--out", "run", *settings("pairs.crop=32", "batch_size=2")
    )
    assert (status, out) == (0, "run/restorer.safetensors\n"), err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("train", "deblur64"), "Give either --data, pictures to corrupt, or --pairs"),
        (("train", "deblur64", "--data", "builtin", "--pairs", "x"), "Give either --data"),
        (("train", "deblur65", "--data", "builtin"), "There is no restorer's recipe 'deblur65'. Did you mean"),
        (("train", "deblur64", "--data", "builtin", "--set", "generator.widht=3"), "unknown key 'generator.widht'"),
        (
            ("train", "deblur64", "--data", "builtin", "--set", "pairs.corruptions=['blurr']"),
            "pairs.corruptions: 'blurr' is no",
        ),
        (("train", "deblur64", "--data", "builtin", "--set", "pairs.clean=2"), "pairs.clean is 2.0; it must be from"),
        (("train", "deblur64", "--pairs", "nowhere"), "There is no folder nowhere"),
        (("apply", "nowhere", "pictures", "out"), "There is no model file nowhere"),
    ],
)
def test_mistakes_are_one_message(rugged, picture_folder, tmp_path, arguments, message):
    before = sorted(tmp_path.rglob("*"))
    status, out, err = rugged("restore", *arguments)
    assert (status, out) == (1, "")
    assert message in " ".join(err.split())
    assert sorted(tmp_path.rglob("*")) == before


def test_recipes_of_restorers_are_listed(rugged):
    _, out, _ = rugged("recipes")
    trained, restorers = out.split("rugged restore train …\n")
    assert trained.startswith("rugged train …\n")
    assert "  scratch64 " in trained
    assert "  deblur64 " in restorers
    _, out, _ = rugged("recipes", "deblur64")
    assert out.startswith("# A restorer")
