"""Restorers as a person has them judged: ``rugged restore benchmark`` and ``rugged benchmark --restore``."""

import sys

import pytest
import torch
from torch import nn

from rugged.cli import main
from rugged.models import ModelSpec, RestorerSpec, build, make_restorer, save_model, save_restorer


@pytest.fixture
def rugged(tmp_path, monkeypatch, capfd):
    """Run the command line in this process; its status, output and messages."""

    def run(*arguments):
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("COLUMNS", "200")
        monkeypatch.setattr(sys, "argv", ["rugged", *arguments])
        monkeypatch.setattr("rugged.core.progress._console", None)
        with pytest.raises(SystemExit) as ended:
            main()
        return (ended.value.code or 0, *capfd.readouterr())

    return run


@pytest.fixture(autouse=True)
def runs(tmp_path, picture_folder):
    """An untrained classifier, and a restorer that adds 20 levels."""
    spec = RestorerSpec(width=4, blocks=(1,), blocks_up=(), corruptions=("fog",))
    network = make_restorer(spec)
    nn.init.constant_(network.head[-1].bias, 40 / 255)
    for parameter in network.damage.parameters():
        nn.init.zeros_(parameter)
    save_restorer(tmp_path / "gan" / "restorer.safetensors", network, spec)
    torch.manual_seed(0)
    classes = ("above", "below")
    save_model(
        tmp_path / "run" / "model.safetensors",
        build("timm/resnet10t", 2),
        ModelSpec("timm/resnet10t", classes, classes, 32),
    )


CELLS = ("--data", "pictures", "--corruptions", "fog,contrast", "--severities", "1,4")


def test_by_the_pictures(rugged, tmp_path):
    status, out, err = rugged("restore", "benchmark", "gan", *CELLS)
    assert status == 0, err
    lines = out.splitlines()
    assert lines[-3:] == [f"gan/benchmark/restoration.{kind}" for kind in ("png", "csv", "json")]
    assert all((tmp_path / line).exists() for line in lines[-3:])
    (clean, *_) = (line for line in lines if "Clean" in line)
    assert [cell.strip() for cell in clean.split("│")[2:4]] == ["60.00", "–"]
    assert "Note: The restorer was trained on these: Fog. Its figures there do not speak for" in out
    assert "Note: The restorer has not seen these in training: Contrast." in out


def test_by_a_classifier(rugged):
    status, out, err = rugged("benchmark", "run", *CELLS, "--restore", "gan")
    assert status == 0, err
    assert "Plain and restored by gan, n = 18" in out
    assert "The restorer gan was trained on 1 corruption of the benchmark (Fog)" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("restore", "benchmark", "none", *CELLS), "There is no model file none"),
        (
            ("restore", "benchmark", "run", *CELLS),
            "There is no model file run/restorer.safetensors. run holds a classifier",
        ),
        (("restore", "benchmark", "run/model.safetensors", *CELLS), "is a classifier"),
        (("benchmark", "run", *CELLS, "--restore", "run/model.safetensors"), "is a classifier"),
        (
            ("benchmark", "run", *CELLS[:2], "--sequences", "ten", "--restore", "gan"),
            "--restore means nothing for sequences",
        ),
    ],
)
def test_what_cannot_be_is_one_message(rugged, arguments, message):
    status, _, err = rugged(*arguments)
    assert status == 1
    assert message in err
    assert "Traceback" not in err
