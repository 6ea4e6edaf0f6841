"""Small pictures and models for commands that are refused, and what all refusals have in common."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rugged.cli import main
from rugged.models import ModelSpec, RestorerSpec, build, make_restorer, save_model, save_restorer

SPEC = ModelSpec("timm/test_resnet", ("cat", "dog"), ("cat", "dog"), 32)


def prepare(folder: Path) -> None:
    """A data set of two classes, a model for it, and a restorer."""
    generator = np.random.default_rng(0)
    for split in ("train", "val"):
        for name in ("cat", "dog"):
            (folder / "pictures" / split / name).mkdir(parents=True)
            for number in range(4):
                levels = generator.integers(0, 256, (32, 32, 3), np.uint8)
                Image.fromarray(levels).save(folder / "pictures" / split / name / f"{number}.png")
    save_model(folder / "good.safetensors", build(SPEC.architecture, 2), SPEC)
    restorer = RestorerSpec(width=4, blocks=(1,), blocks_up=())
    save_restorer(folder / "restorer.safetensors", make_restorer(restorer), restorer)


def contents(folder: Path) -> dict[str, bytes | int]:
    """What lies in a folder, of large files the size; locks and folders are nobody's loss."""
    ours = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink() and path.name != ".lock")
    found = (path for path in ours if os.access(path, os.R_OK, effective_ids=os.access in os.supports_effective_ids))
    return {
        str(path.relative_to(folder)): size if (size := path.stat().st_size) > 2**24 else path.read_bytes()
        for path in found
    }


def refused(arguments, folder, monkeypatch, capfd) -> str:  # type: ignore[no-untyped-def]
    """Run a command in a folder: it says one thing, which comes back; the status is not zero; nothing is written."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr("rugged.core.progress._console", None)
    monkeypatch.setattr(sys, "argv", ["rugged", *arguments])
    before = contents(folder)
    with pytest.raises(SystemExit) as ended:
        main()
    told = capfd.readouterr()
    assert ended.value.code in (1, 2), told
    errors = [line for line in told.err.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1 or "Usage:" in told.err, told.err
    assert len(told.err) < 2000, told.err
    assert contents(folder) == before
    return told.err
