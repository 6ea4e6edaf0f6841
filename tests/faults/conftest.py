"""What the commands work on."""

import shutil

import numpy as np
import pytest
from PIL import Image
from tests.faults.jobs import DEMO, JOBS, STUDY, finish

from rugged.core.environment import cache_directory
from rugged.corruptions.ice import draw_ice


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """A folder with pictures, a pack, a trained model and a measured one, a restorer and a study's file."""
    work = tmp_path_factory.mktemp("prepared")
    draw_ice()
    shutil.copytree(cache_directory() / "textures", work / "cache" / "textures")
    generator = np.random.default_rng(0)
    for split, count in (("train", 16), ("val", 12)):
        for name in ("cat", "dog"):
            folder = work / "pictures" / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                Image.fromarray(generator.integers(0, 256, (64, 64, 3), np.uint8)).save(folder / f"{number}.png")
    finish(work, JOBS["data pack"])
    (work / "packed").rename(work / "pack")
    finish(work, JOBS["train"])
    (work / "run").rename(work / "trained")
    shutil.copytree(work / "trained", work / "untouched")
    finish(work, JOBS["benchmark"])
    (work / "trained").rename(work / "measured")
    (work / "untouched").rename(work / "trained")
    finish(work, JOBS["restore train"])
    (work / "run").rename(work / "restorer")
    (work / "small_demo.py").write_text(DEMO)
    (work / "study.toml").write_text(STUDY)
    return work
