"""The examples of the public names and of the library guide are run as they stand."""

import doctest
import inspect
import re
import sys
import warnings
from pathlib import Path

import pytest
import torch
from PIL import Image

import rugged
from rugged.data.builtin import CLASSES, draw
from rugged.models import ModelSpec, build, save_model

DOCS = Path(__file__).resolve().parent.parent / "docs"
_BLOCK = re.compile(r"^```pycon\n(.*?)^```", re.MULTILINE | re.DOTALL)
_OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.fixture(autouse=True)
def _a_users_folder(tmp_path, monkeypatch):
    """What examples speak of: a run, untrained, a picture, and a folder of pictures by class."""
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    ids, names = zip(*CLASSES, strict=True)
    save_model(
        Path("runs/mine/model.safetensors"),
        build("timm/test_resnet", 10),
        ModelSpec("timm/test_resnet", ids, names, 64),
    )
    Image.fromarray(draw("val", "fish", 0)[0]).save("fish.png")
    for name in ids:
        for split, number in (("train", 0), ("train", 1), ("val", 0)):
            folder = Path("pictures", split, name)
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(draw(split, name, number)[0]).save(folder / f"{split}-{number:04}.png")


def run(test):
    runner = doctest.DocTestRunner(optionflags=_OPTIONS)
    with warnings.catch_warnings():
        runner.run(test, clear_globs=False)
    return runner.summarize(verbose=False)


def with_examples():
    finder = doctest.DocTestFinder(exclude_empty=True)
    for name in rugged.__all__:
        thing = getattr(rugged, name)
        if inspect.isclass(thing) or inspect.isfunction(thing):
            yield from (test for test in finder.find(thing, name, sys.modules[thing.__module__]) if test.examples)


@pytest.mark.parametrize("test", list(with_examples()), ids=lambda test: test.name)
def test_examples_in_docstrings(test, capsys):
    test.globs = {}  # Examples import what they use, as a reader must.
    assert run(test).failed == 0, capsys.readouterr().out


def test_what_is_called_most_has_an_example():
    names = {test.name for test in with_examples()}
    assert {"Classifier", "Corrupt", "CorruptedDataset", "corrupt", "mean_corruption_error"} <= names


def test_every_public_name_stands_in_an_example():
    """Of its own, or of the guide."""
    guide = " ".join(_BLOCK.findall((DOCS / "library.md").read_text(encoding="utf-8")))
    shown = set(re.findall(r"\w+", " ".join(re.findall(r"from rugged import (.*)", guide))))
    own = {test.name for test in with_examples()}
    assert set(rugged.__all__) - {"__version__"} <= shown | own


def test_examples_of_the_library_guide(capsys):
    """In one session, from its first line to its last."""
    blocks = _BLOCK.findall((DOCS / "library.md").read_text(encoding="utf-8"))
    test = doctest.DocTestParser().get_doctest("\n".join(blocks), {}, "library.md", "library.md", 0)
    assert len(test.examples) > 20
    assert run(test).failed == 0, capsys.readouterr().out
