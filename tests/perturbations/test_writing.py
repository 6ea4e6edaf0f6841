"""Sequences of many pictures: what is refused before anything is written, and what is held in memory."""

import weakref

import numpy as np
import pytest

from rugged.core.errors import DataError, RunError
from rugged.core.files import read_json, write_json
from rugged.perturbations import storage, writing
from rugged.perturbations.writing import MANIFEST, Order, Picture, write_sequences


def order(out):
    return Order(out, ("brightness",), "cifar32", 1, 0, "frames", {"name": "made"})


def pictures(*ids):
    return [Picture(each, lambda: np.full((40, 32, 3), 90, np.uint8)) for each in ids]


@pytest.mark.parametrize(
    "edit",
    [
        lambda manifest: manifest.pop("conditions"),
        lambda manifest: manifest.update(conditions=[]),
        lambda manifest: manifest.pop("sequences"),
        lambda manifest: manifest.update(sequences=[]),
        lambda manifest: manifest["sequences"].update(brightness=3),
    ],
)
def test_a_record_that_was_edited_is_refused(tmp_path, edit):
    write_sequences(pictures("a/1"), order(tmp_path / "out"), "")
    manifest = read_json(tmp_path / "out" / MANIFEST)
    edit(manifest)
    write_json(tmp_path / "out" / MANIFEST, manifest)
    with pytest.raises(RunError, match="edited by hand"):
        write_sequences(pictures("a/1"), order(tmp_path / "out"), "")


def test_two_ids_never_share_a_place(tmp_path):
    """``a//1``, which an archive may hold beside ``a/1``, is the same path to the system."""
    with pytest.raises(DataError, match="'a//1' cannot be written"):
        write_sequences(pictures("a/1", "a//1"), order(tmp_path / "out"), "")
    assert not (tmp_path / "out").exists()


def test_large_pictures_are_held_a_few_at_a_time(tmp_path, monkeypatch):
    """64 frames of 32 x 32 are made at once; of pictures of a megabyte a thread holds two or three."""
    monkeypatch.setattr(writing, "available_cores", lambda: 1)
    alive, most = weakref.WeakValueDictionary(), []

    def load(number):
        pixels = np.full((500, 700, 3), number, np.uint8)
        alive[number] = pixels
        most.append(len(alive))
        return pixels

    many = [Picture(f"a/{number}", lambda number=number: load(number)) for number in range(10)]
    write_sequences(many, order(tmp_path / "out"), "")
    assert storage.count(tmp_path / "out" / "brightness", "frames") == 10
    assert max(most) <= 4
