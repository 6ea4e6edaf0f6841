"""The pack's files, read back by NumPy alone, and every way in which they can be damaged."""

import hashlib
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from rugged.core.errors import DataError
from rugged.data import packed
from rugged.data.dataset import ClassInfo
from rugged.data.npy import ImageWriter, create
from rugged.data.packed import Origin, UnusablePackError, read_pack
from rugged.data.packing import pack_arrays

CLASSES = (ClassInfo("cat", "house cat"), ClassInfo("dog", "dog"))


def pictures(seed, count):
    return np.random.default_rng(seed).integers(0, 256, (count, 4, 4, 3), dtype=np.uint8)


@pytest.fixture
def pack(tmp_path) -> Path:
    """A pack of 5 + 3 pictures; the ids are given unsorted."""
    splits = {
        "train": (pictures(0, 5), np.array([1, 0, 0, 1, 1]), ["dog/2", "cat/1", "cat/0", "dog/0", "dog/10"]),
        "val": (pictures(1, 3), np.array([0, 1, 1]), ["cat/0", "dog/0", "dog/1"]),
    }
    return pack_arrays("pets", CLASSES, splits, tmp_path / "pets", Origin("nowhere", "", False), ["A note."]).folder


def length(data):
    return len(data).to_bytes(8, "little") + data


def test_a_pack_is_read_back(pack):
    dataset = read_pack(pack)
    assert dataset.name == "pets"
    assert dataset.classes == CLASSES
    assert dataset.notes == ("A note.",)
    assert dataset.train.ids == ("cat/0", "cat/1", "dog/0", "dog/10", "dog/2")
    assert dataset.train.labels.tolist() == [0, 0, 1, 1, 1]
    np.testing.assert_array_equal(dataset.train.images, pictures(0, 5)[[2, 1, 3, 4, 0]])
    assert isinstance(dataset.train.images, np.memmap)
    assert not dataset.train.images.flags.writeable
    assert dataset.size == (4, 4)
    assert [(info.id, train, val) for info, train, val in dataset.counts()] == [("cat", 2, 1), ("dog", 3, 2)]


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_ids_that_could_not_be_read_again_make_no_pack(tmp_path, end):
    splits = {split: (pictures(0, 1), np.array([0]), [f"cat/a{end}b"]) for split in ("train", "val")}
    with pytest.raises(DataError, match="line end in its name"):
        pack_arrays("pets", CLASSES, splits, tmp_path / "pets", Origin("nowhere", "", False))
    assert list(tmp_path.iterdir()) == []


def test_anybody_can_read_the_files(pack):
    np.testing.assert_array_equal(np.load(pack / "val-images.npy", mmap_mode="r"), pictures(1, 3))
    assert np.load(pack / "val-labels.npy").tolist() == [0, 1, 1]
    assert (pack / "val-ids.txt").read_text() == "cat/0\ndog/0\ndog/1\n"


def test_content_hash_is_what_its_description_says(pack):
    """Worked out here from the files, as the documentation puts it."""
    digest = hashlib.sha256(length(b"cat\ndog\n"))
    for split in ("train", "val"):
        images = np.load(pack / f"{split}-images.npy")
        digest.update(length(f"{split}\n".encode()))
        digest.update(length((pack / f"{split}-ids.txt").read_bytes()))
        digest.update(length(np.load(pack / f"{split}-labels.npy").astype("<i8").tobytes()))
        digest.update(length(np.array(images.shape, dtype="<i8").tobytes()))
        digest.update(length(images.tobytes()))
    assert read_pack(pack).content_hash == digest.hexdigest()


def flip_a_bit(path):
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def cut(path):
    os.truncate(path, path.stat().st_size - 1)


def lengthen(path):
    with path.open("ab") as stream:
        stream.write(b"\0")


FILES = [f"{split}-{part}" for split in ("train", "val") for part in ("images.npy", "labels.npy", "ids.txt")]


def empty(path):
    path.write_bytes(b"")


HARMS = [flip_a_bit, cut, lengthen, empty, Path.unlink]


@pytest.mark.parametrize(
    ("name", "harm"),
    # Without its last byte, a line end, a JSON file says the same.
    [(name, harm) for name in [*FILES, "dataset.json"] for harm in HARMS if (name, harm) != ("dataset.json", cut)],
)
def test_damage_to_any_file_is_noticed(pack, name, harm):
    read_pack(pack)
    harm(pack / name)
    with pytest.raises(UnusablePackError, match="damaged"):
        read_pack(pack)


@pytest.mark.parametrize("corrupted", [[1], "fog", None])
def test_corruptions_that_are_no_table_are_none(pack, corrupted):
    manifest = json.loads((pack / "dataset.json").read_text(encoding="utf-8"))
    (pack / "dataset.json").write_text(json.dumps({**manifest, "corrupted": corrupted}), encoding="utf-8")
    assert read_pack(pack).corruptions == ()
    assert packed.corrupted_of(pack) is None


def test_the_content_is_checked_on_demand_and_what_was_found_is_not_forgotten(pack):
    images = pack / "train-images.npy"
    before = images.stat()
    flip_a_bit(images)
    os.utime(images, ns=(before.st_atime_ns, before.st_mtime_ns))
    read_pack(pack)  # Size and date are those of the last verification: taken on trust.
    with pytest.raises(UnusablePackError, match="hash"):
        read_pack(pack, verify=True)
    with pytest.raises(UnusablePackError, match="hash"):
        read_pack(pack)


def test_a_touched_pack_is_verified(pack):
    read_pack(pack)
    flip_a_bit(pack / "train-images.npy")
    with pytest.raises(UnusablePackError, match="hash"):
        read_pack(pack)


def test_a_copy_is_verified_once(pack, tmp_path, monkeypatch):
    copy = Path(shutil.copytree(pack, tmp_path / "copy", copy_function=shutil.copyfile))
    assert read_pack(copy).content_hash == read_pack(pack).content_hash
    monkeypatch.setattr(packed, "content_hash", lambda *_: pytest.fail("verified again"))
    read_pack(copy)


def test_another_format_is_told(pack):
    manifest = json.loads((pack / "dataset.json").read_text())
    (pack / "dataset.json").write_text(json.dumps(manifest | {"format": 99}))
    with pytest.raises(UnusablePackError, match="format 99; this version of rugged reads format 1"):
        read_pack(pack)


def test_labels_beyond_the_classes_are_noticed(pack):
    manifest = json.loads((pack / "dataset.json").read_text())
    (pack / "dataset.json").write_text(json.dumps(manifest | {"classes": manifest["classes"][:1]}))
    with pytest.raises(UnusablePackError, match="beyond the 1 classes"):
        read_pack(pack)


def test_writer_takes_rows_in_any_order_and_drops_some(tmp_path):
    rows = pictures(2, 1200)
    create(tmp_path / "images.npy", (1200, 4, 4, 3))
    writer = ImageWriter(tmp_path / "images.npy")
    for position in reversed(range(1200)):
        writer.write(position, rows[position])
    # From 1200 to about 60: headers of different length, were they not padded.
    keep = np.flatnonzero(np.random.default_rng(3).random(1200) < 0.05)
    writer.finish(keep.tolist())
    np.testing.assert_array_equal(np.load(tmp_path / "images.npy"), rows[keep])


@pytest.mark.parametrize("mine", ["out", "out/thesis"])
def test_what_is_not_a_pack_is_left_alone(tmp_path, mine):
    out = tmp_path / "out"
    (tmp_path / mine).parent.mkdir(exist_ok=True)
    (tmp_path / mine).write_text("mine")
    one = (pictures(0, 1), np.array([0]), ["cat/0"])
    with pytest.raises(DataError, match="left alone"):
        pack_arrays("pets", CLASSES, {"train": one, "val": one}, out, Origin("nowhere", "", False))
    assert (tmp_path / mine).read_text() == "mine"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [tmp_path / mine]
