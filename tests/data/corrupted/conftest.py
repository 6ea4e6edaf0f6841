"""A small data set, and ways to look at what was written."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rugged.data import ClassInfo, Dataset
from rugged.data.packed import Origin
from rugged.data.packing import pack_arrays


@pytest.fixture(scope="session")
def make_dataset() -> Callable[..., Dataset]:
    """Pack smooth made pictures: ``counts`` validation pictures of each class, and two for training."""

    def make_dataset(folder: Path, counts: dict[str, int], side: int = 16) -> Dataset:
        rng = np.random.default_rng(0)
        classes = tuple(ClassInfo(name, name) for name in sorted(counts))

        def split(of: Callable[[str], int], name: str):
            labels = np.repeat(np.arange(len(classes)), [of(info.id) for info in classes]).astype(np.int64)
            ids = [f"{info.id}/{name}{number:04}" for info in classes for number in range(of(info.id))]
            coarse = rng.integers(0, 256, (len(ids), side // 4, side // 4, 3), dtype=np.uint8)
            return coarse.repeat(4, axis=1).repeat(4, axis=2), labels, ids

        splits = {"train": split(lambda _: 2, "train"), "val": split(counts.__getitem__, "val")}
        return pack_arrays("made", classes, splits, folder, Origin("made by a test", "1", automatic=False))

    return make_dataset


@pytest.fixture(scope="session")
def dataset(make_dataset, tmp_path_factory) -> Dataset:
    """Four classes of 3 to 6 pictures of 16 x 16."""
    return make_dataset(tmp_path_factory.mktemp("made") / "pack", {"ant": 5, "bee": 3, "cat": 6, "dog": 4})


@pytest.fixture
def small_items(monkeypatch: pytest.MonkeyPatch) -> None:
    """So many items of work that a small data set has something to interrupt and to share."""
    monkeypatch.setattr("rugged.data.corrupted.folders.PICTURES_AN_ITEM", 4)
    monkeypatch.setattr("rugged.data.corrupted.arrays.PICTURES_AN_ITEM", 4)


@pytest.fixture(scope="session")
def tree() -> Callable[[Path], dict[str, bytes]]:
    """Give every file below a folder by its path, hidden ones too, and empty folders."""

    def tree(folder: Path) -> dict[str, bytes]:
        found = {}
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                found[path.relative_to(folder).as_posix()] = path.read_bytes()
            elif not any(path.iterdir()):
                found[f"{path.relative_to(folder).as_posix()}/"] = b""
        return found

    return tree
