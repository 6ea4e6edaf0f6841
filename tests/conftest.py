"""Fixtures and rules for the whole test suite."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent

# Examples are judged by what they give; how long one takes depends on what else the machine does.
settings.register_profile("rugged", deadline=None)
settings.load_profile("rugged")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what this machine cannot run, with the reason."""
    if "network" not in config.option.markexpr:
        _skip(items, "network", "reaches the internet: run `pytest -m network`")
    if any(item.get_closest_marker("gpu") for item in items):
        import torch

        if not torch.cuda.is_available():
            _skip(items, "gpu", "no CUDA device")


def _skip(items: list[pytest.Item], marker: str, reason: str) -> None:
    for item in items:
        if item.get_closest_marker(marker):
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session", autouse=True)
def _private_environment(tmp_path_factory: pytest.TempPathFactory):
    """Give the session a cache of its own, and no texture folder: no test depends on what a developer has at home."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RUGGED_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.delenv("RUGGED_TEXTURES", raising=False)
        yield


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of development data: ``RUGGED_SHARED``, or ``../shared`` beside the repository."""
    folder = Path(os.environ.get("RUGGED_SHARED") or ROOT.parent / "shared")
    if not (folder / "golden").is_dir():
        pytest.skip(f"no development data in {folder} (set RUGGED_SHARED)")
    return folder


@pytest.fixture
def picture_folder(tmp_path: Path) -> Path:
    """A folder of PNG pictures, two classes a simple network tells apart: light above or light below."""
    rng = np.random.default_rng(0)
    for split, count in {"train": 24, "val": 9}.items():
        for name, order in {"above": (200, 60), "below": (60, 200)}.items():
            folder = tmp_path / "pictures" / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                levels = np.repeat(order, 16)[:, None, None] + rng.integers(-50, 50, (32, 32, 3))
                Image.fromarray(levels.clip(0, 255).astype(np.uint8)).save(folder / f"{split}{number:02}.png")
    return tmp_path / "pictures"
