"""What is written is what ``corrupt`` gives, however often it is interrupted and in however many shares."""

import errno
import random
import shutil
import signal
from pathlib import Path

import numpy as np
import pytest
import torch
from filelock import FileLock
from PIL import Image

from rugged.core.errors import ConfigError, CorruptionError, DataError, Interrupted, RunError
from rugged.core.files import read_json
from rugged.corruptions import corrupt
from rugged.data import npy, open_dataset
from rugged.data.corrupted.arrays import Arrays
from rugged.data.corrupted.folders import Folders, check_names
from rugged.data.corrupted.one_per_image import write_one_per_image
from rugged.data.corrupted.shard import Shard
from rugged.data.corrupted.writer import write_corrupted
from rugged.data.official import open_archive

CELLS = {"corruptions": ("gaussian_noise", "contrast"), "severities": (2, 5), "workers": 1}
FORMATS = ("jpeg", "png", "npy")

pytestmark = pytest.mark.usefixtures("small_items")


def in_memory(split, corruption, severity, **options):
    """``(N, H, W, 3)`` of a whole split, corrupted in one batch."""
    images = torch.from_numpy(np.array(split.images)).permute(0, 3, 1, 2)
    return corrupt(images, corruption, severity, ids=split.ids, **options).permute(0, 2, 3, 1).numpy()


@pytest.mark.parametrize("split", ["val", "train"])
def test_png_files_hold_what_corrupt_gives_in_memory(dataset, tmp_path, split):
    how = {"seed": 7, "preset": "tiny64"}
    written = write_corrupted(dataset, tmp_path / "out", **CELLS, **how, split=split, file_format="png")
    source = getattr(dataset, split)
    assert written.pictures == 4 * len(source)
    for corruption in CELLS["corruptions"]:
        for severity in CELLS["severities"]:
            expected = in_memory(source, corruption, severity, **how)
            for identifier, pixels in zip(source.ids, expected, strict=True):
                file = tmp_path / "out" / corruption / str(severity) / f"{identifier}.png"
                np.testing.assert_array_equal(np.asarray(Image.open(file)), pixels)


def test_jpeg_files_are_those_that_pillow_writes(dataset, tmp_path):
    write_corrupted(dataset, tmp_path / "out", **CELLS)
    expected = in_memory(dataset.val, "contrast", 5)
    for identifier, pixels in zip(dataset.val.ids, expected, strict=True):
        Image.fromarray(pixels).save(tmp_path / "one.jpg", quality=85, optimize=True)
        file = tmp_path / "out" / "contrast" / "5" / f"{identifier}.JPEG"
        assert file.read_bytes() == (tmp_path / "one.jpg").read_bytes()


def test_arrays_hold_the_severities_one_after_the_other(dataset, tmp_path):
    write_corrupted(dataset, tmp_path / "out", **CELLS, file_format="npy")
    array = np.load(tmp_path / "out" / "gaussian_noise.npy")
    expected = [in_memory(dataset.val, "gaussian_noise", severity) for severity in (2, 5)]
    np.testing.assert_array_equal(array, np.concatenate(expected))
    np.testing.assert_array_equal(np.load(tmp_path / "out" / "labels.npy"), np.tile(dataset.val.labels, 2))
    assert (tmp_path / "out" / "ids.txt").read_text().splitlines() == [*dataset.val.ids] * 2


def test_arrays_are_read_again_whatever_ids_hold(make_dataset, tmp_path):
    made = make_dataset(tmp_path / "made", {"ant\u2028red": 3, "bee\x85": 2, "cat": 2})
    write_corrupted(made, tmp_path / "out", **CELLS, file_format="npy")
    archive = open_archive(tmp_path / "out", [info.id for info in made.classes], [("contrast", 5)])
    assert archive.contents.ids == made.val.ids


def test_the_manifest_says_how_it_was_made_and_that_it_is_whole(dataset, tmp_path):
    write_corrupted(dataset, tmp_path / "out", **CELLS, seed=3)
    manifest = read_json(tmp_path / "out" / "manifest.json")
    expected = {
        "source": {
            "name": "made", "content_hash": dataset.content_hash, "split": "val", "pictures": 18, "size": [16, 16]
        },
        "seed": 3, "preset": "cifar32", "textures": "none", "file_format": "jpeg", "severities": [2, 5],
        "counts": {name: {"2": 18, "5": 18} for name in CELLS["corruptions"]},
        "complete": True, "missing_shards": [],
    }  # fmt: skip
    assert {key: manifest[key] for key in expected} == expected
    assert {"rugged", "torch", "numpy", "opencv-python-headless", "pillow"} == manifest["versions"].keys()
    assert "16 × 16 pixels and the severities are those published for 32 × 32" in " ".join(manifest["notes"])


def test_drawn_frost_is_told(dataset, tmp_path):
    cells = {**CELLS, "corruptions": ("frost",), "severities": (1,)}
    write_corrupted(dataset, tmp_path / "out", **cells, textures="procedural", limit=1)
    manifest = read_json(tmp_path / "out" / "manifest.json")
    assert manifest["textures"] == "procedural"
    assert "procedural frost, not comparable with published numbers" in " ".join(manifest["notes"])


def test_a_limit_takes_pictures_evenly_over_the_classes(dataset, tmp_path):
    write_corrupted(dataset, tmp_path / "out", **CELLS, limit=8)
    counts = [len(list(folder.iterdir())) for folder in (tmp_path / "out" / "contrast" / "2").iterdir()]
    assert counts == [2, 2, 2, 2]


def interrupt_after(monkeypatch, count):
    """Have a signal come while the ``count``-th item is written, as Ctrl-C would; gives the list of what is written."""
    written = []
    for layout in (Folders, Arrays):
        original = layout.write

        def write(self, item, original=original):
            written.append(item)
            if len(written) == count:
                signal.raise_signal(signal.SIGTERM)
            original(self, item)

        monkeypatch.setattr(layout, "write", write)
    return written


@pytest.mark.parametrize("file_format", FORMATS)
def test_interrupted_and_run_again_it_writes_what_is_missing(dataset, tmp_path, tree, monkeypatch, file_format):
    whole = write_corrupted(dataset, tmp_path / "whole", **CELLS, file_format=file_format)
    written = interrupt_after(monkeypatch, 5)
    with pytest.raises(Interrupted, match="Run the same command again"):
        write_corrupted(dataset, tmp_path / "cut", **CELLS, file_format=file_format)
    assert read_json(tmp_path / "cut" / "manifest.json")["complete"] is False
    again = write_corrupted(dataset, tmp_path / "cut", **CELLS, file_format=file_format)
    assert len(written) == len(set(written)) > 5
    assert tree(tmp_path / "cut") == tree(tmp_path / "whole")
    assert again.pictures == whole.pictures


@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize("order", [(1, 2, 3), (3, 1, 2)])
def test_shares_make_the_same_tree_in_any_order(dataset, tmp_path, tree, file_format, order):
    write_corrupted(dataset, tmp_path / "whole", **CELLS, file_format=file_format)
    missing = []
    for number in order:
        share = Shard(number, 3)
        done = write_corrupted(dataset, tmp_path / "shared", **CELLS, file_format=file_format, shard=share)
        missing.append(done.missing_shards)
        assert read_json(tmp_path / "shared" / "manifest.json")["missing_shards"] == list(done.missing_shards)
    assert tree(tmp_path / "shared") == tree(tmp_path / "whole")
    if file_format != "npy":  # Two arrays are two shares, and the third has nothing to do.
        assert missing == [tuple(f"{n}/3" for n in sorted(order[1:])), (f"{order[2]}/3",), ()]


@pytest.mark.parametrize("file_format", FORMATS)
def test_shares_from_separate_machines_are_copied_together(dataset, tmp_path, tree, file_format):
    write_corrupted(dataset, tmp_path / "whole", **CELLS, file_format=file_format)
    for number in (1, 2):
        share = Shard(number, 2)
        write_corrupted(dataset, tmp_path / f"{number}", **CELLS, file_format=file_format, shard=share)
        shutil.copytree(tmp_path / f"{number}", tmp_path / "both", dirs_exist_ok=True)
    assert write_corrupted(dataset, tmp_path / "both", **CELLS, file_format=file_format).missing_shards == ()
    assert tree(tmp_path / "both") == tree(tmp_path / "whole")


@pytest.mark.parametrize("file_format", ["jpeg", "npy"])
def test_another_division_goes_on_with_what_is_there(dataset, tmp_path, tree, monkeypatch, file_format):
    write_corrupted(dataset, tmp_path / "whole", **CELLS, file_format=file_format)
    written = interrupt_after(monkeypatch, 3)
    with pytest.raises(Interrupted):
        write_corrupted(dataset, tmp_path / "cut", **CELLS, file_format=file_format, shard=Shard(2, 2))
    write_corrupted(dataset, tmp_path / "cut", **CELLS, file_format=file_format)
    assert len(written) == len(set(written))
    assert tree(tmp_path / "cut") == tree(tmp_path / "whole")


@pytest.mark.parametrize("damage", ["missing", "empty", "folder"])
def test_files_that_were_lost_are_written_again(dataset, tmp_path, tree, damage):
    write_corrupted(dataset, tmp_path / "whole", **CELLS)
    shutil.copytree(tmp_path / "whole", tmp_path / "damaged")
    folder = tmp_path / "damaged" / "contrast" / "5" / "cat"
    if damage == "folder":
        shutil.rmtree(folder)
    elif damage == "missing":
        (folder / "val0002.JPEG").unlink()
    else:
        (folder / "val0002.JPEG").write_bytes(b"")
    write_corrupted(dataset, tmp_path / "damaged", **CELLS)
    assert tree(tmp_path / "damaged") == tree(tmp_path / "whole")


@pytest.mark.parametrize("lost", ["val0002.JPEG", "deep/val0002.JPEG"])
def test_what_others_have_put_beside_lost_files_stays(dataset, tmp_path, tree, lost):
    nested = tuple(name.replace("cat/", "cat/deep/") if "/" in lost else name for name in dataset.val.ids)
    split = type(dataset.val)("val", dataset.val.images, dataset.val.labels, nested)
    made = type(dataset)(**{**vars(dataset), "val": split})
    write_corrupted(made, tmp_path / "out", **CELLS)
    folder = tmp_path / "out" / "contrast" / "5" / "cat"
    (folder / "mine").mkdir()
    for notes in ("notes.txt", "mine/notes.txt"):
        (folder / notes).write_text("not ours")
    before = tree(tmp_path / "out")
    (folder / lost).unlink()
    write_corrupted(made, tmp_path / "out", **CELLS)
    assert tree(tmp_path / "out") == before


def test_a_list_cut_in_the_middle_of_a_line_is_read_as_far_as_it_goes(dataset, tmp_path, tree, monkeypatch):
    write_corrupted(dataset, tmp_path / "whole", **CELLS, file_format="npy")
    written = interrupt_after(monkeypatch, 4)
    with pytest.raises(Interrupted):
        write_corrupted(dataset, tmp_path / "cut", **CELLS, file_format="npy")
    progress = tmp_path / "cut" / ".writing" / "gaussian_noise.txt"
    progress.write_text(progress.read_text()[:-3])
    write_corrupted(dataset, tmp_path / "cut", **CELLS, file_format="npy")
    assert len(written) == len(set(written)) + 1
    assert tree(tmp_path / "cut") == tree(tmp_path / "whole")


def test_what_killed_processes_have_left_is_removed(dataset, tmp_path, tree):
    write_corrupted(dataset, tmp_path / "whole", **CELLS)
    half = tmp_path / "out" / ".writing" / "1-of-2" / "4711" / "ant"
    half.mkdir(parents=True)
    (half / "val0000.JPEG").write_bytes(b"half")
    (tmp_path / "out" / ".writing" / "1-of-2.lock").touch()
    (tmp_path / "out" / ".manifest.json.0123abcd.partial").write_bytes(b"{")
    write_corrupted(dataset, tmp_path / "out", **CELLS)
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")


def test_a_share_has_one_writer_and_the_whole_one_division(dataset, tmp_path):
    for held, message in (("1-of-1", "another process holds"), ("1-of-2", "is writing shard 1/2")):
        lock = tmp_path / "out" / ".writing" / f"{held}.lock"
        lock.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(lock), pytest.raises(RunError, match=message):
            write_corrupted(dataset, tmp_path / "out", **CELLS)
    with FileLock(tmp_path / "out" / ".writing" / "1-of-2.lock"):
        done = write_corrupted(dataset, tmp_path / "out", **CELLS, shard=Shard(2, 2))
        assert done.missing_shards == ("1/2",)


@pytest.mark.parametrize("file_format", ["jpeg", "npy"])
def test_a_full_disk_is_one_message_and_nothing_half_written(dataset, tmp_path, tree, monkeypatch, file_format):
    write_corrupted(dataset, tmp_path / "whole", **CELLS, file_format=file_format)
    with monkeypatch.context() as patch:
        owner, name, limit = (Path, "write_bytes", 7) if file_format == "jpeg" else (npy, "write_rows", 2)
        patch.setattr(owner, name, full_after(getattr(owner, name), limit))
        with pytest.raises(DataError, match=r"disk of .*out is full.*run the same command again"):
            write_corrupted(dataset, tmp_path / "out", **CELLS, file_format=file_format)
    whole, found = tree(tmp_path / "whole"), tree(tmp_path / "out")
    kept = {path: data for path, data in found.items() if not path.startswith((".writing", "manifest"))}
    assert kept.items() <= whole.items()
    assert not [path for path in (tmp_path / "out" / ".writing").iterdir() if path.is_dir()]
    write_corrupted(dataset, tmp_path / "out", **CELLS, file_format=file_format)
    assert tree(tmp_path / "out") == whole


def full_after(real, count):
    calls = []

    def write(*arguments):
        calls.append(arguments)
        if len(calls) > count:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(*arguments)

    return write


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"seed": 1}, "seed is 0 there and 1 here"),
        ({"preset": "tiny64"}, "preset is cifar32 there and tiny64 here"),
        ({"severities": (2,)}, "severities is 2 5 there and 2 here"),
        ({"split": "train"}, "source.split is val there and train here"),
        ({"file_format": "png"}, "file_format is jpeg there and png here"),
        ({"limit": 3}, "source.pictures is 18 there and 3 here"),
    ],
)
def test_a_folder_that_was_begun_otherwise_is_left_alone(dataset, tmp_path, tree, changed, message):
    write_corrupted(dataset, tmp_path / "out", **CELLS)
    before = tree(tmp_path / "out")
    with pytest.raises(DataError, match=message):
        write_corrupted(dataset, tmp_path / "out", **{**CELLS, **changed})
    assert tree(tmp_path / "out") == before


@pytest.mark.parametrize("file_format", ["jpeg", "npy"])
def test_without_its_manifest_nothing_is_continued(dataset, tmp_path, tree, monkeypatch, file_format):
    write_corrupted(dataset, tmp_path / "whole", **CELLS, seed=1, file_format=file_format)
    with monkeypatch.context() as patch:
        interrupt_after(patch, 3)
        with pytest.raises(Interrupted):
            write_corrupted(dataset, tmp_path / "out", **CELLS, file_format=file_format)
    (tmp_path / "out" / "manifest.json").unlink()
    with pytest.raises(DataError, match="not empty"):
        write_corrupted(dataset, tmp_path / "out", **CELLS, seed=1, file_format=file_format)
    for path in (tmp_path / "out").glob("[!.]*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    write_corrupted(dataset, tmp_path / "out", **CELLS, seed=1, file_format=file_format)
    assert tree(tmp_path / "out") == tree(tmp_path / "whole")


def test_what_is_not_ours_is_left_alone(dataset, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "holiday.jpg").touch()
    (tmp_path / "file").touch()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "manifest.json").write_text("{}")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "manifest.json").write_text("{")
    for name, message in (
        ("full", "not empty"),
        ("file", "is a file"),
        ("other", "has not written"),
        ("broken", "not valid JSON"),
        ("file/below", "file is a file, not a folder"),
    ):
        with pytest.raises((DataError, RunError), match=message):
            write_corrupted(dataset, tmp_path / name, **CELLS)
    for name, files in (("full", ["holiday.jpg"]), ("other", ["manifest.json"]), ("broken", ["manifest.json"])):
        assert [path.name for path in (tmp_path / name).iterdir()] == files
    with pytest.raises(DataError, match="would be read as part of the data"):
        write_corrupted(dataset, dataset.folder / "corrupted", **CELLS)


def test_the_folder_of_the_source_is_left_alone(class_folders, tmp_path):
    class_folders(tmp_path / "src", {"a": 4, "b": 4})
    with pytest.raises(DataError, match="would be read as part of the data"):
        write_corrupted(open_dataset(tmp_path / "src"), tmp_path / "src" / "corrupted", **CELLS)
    write_corrupted(open_dataset(tmp_path / "src"), tmp_path / "src-corrupted", **CELLS)


@pytest.mark.parametrize("write", [write_corrupted, write_one_per_image])
def test_a_seed_is_an_integer_of_any_kind(dataset, tmp_path, tree, write):
    for name, seed in (("plain", 3), ("other", np.int64(3))):
        write(dataset, tmp_path / name, **CELLS, seed=seed)
    plain, other = (tree(tmp_path / name) for name in ("plain", "other"))
    assert {name: data for name, data in plain.items() if name != "verified.json"} == {
        name: data for name, data in other.items() if name != "verified.json"
    }


@pytest.mark.parametrize("write", [write_corrupted, write_one_per_image])
def test_a_pack_that_was_made_anew_is_not_read_under_the_old_names(class_folders, tmp_path, noise, write):
    """Else the pictures of the new pack would stand in the rows of the old one, under others' names and labels."""
    class_folders(tmp_path / "src", {"a": 4, "b": 4})
    old = open_dataset(tmp_path / "src")
    noise(9).save(tmp_path / "src" / "a" / "00.png")
    assert open_dataset(tmp_path / "src").folder == old.folder
    with pytest.raises(DataError, match=r"made anew .* since it was opened"):
        write(old, tmp_path / "out", **CELLS)
    assert not (tmp_path / "out").exists()
    write(open_dataset(tmp_path / "src"), tmp_path / "out", **CELLS)


@pytest.mark.parametrize("begun", [False, True])
def test_a_pack_that_cannot_be_read_is_named_not_what_is_written(make_dataset, tmp_path, monkeypatch, begun):
    made = make_dataset(tmp_path / "pack", {"ant": 5, "bee": 5})
    if begun:
        with monkeypatch.context() as patch:
            interrupt_after(patch, 1)
            with pytest.raises(Interrupted):
                write_corrupted(made, tmp_path / "out", **CELLS)
    (made.folder / "val-images.npy").rename(tmp_path / "elsewhere")
    with pytest.raises(DataError, match=r"Cannot read .*val-images\.npy: No such file"):
        write_corrupted(made, tmp_path / "out", **CELLS)


@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        ({"corruptions": ("fogg",)}, ConfigError, "Did you mean fog?"),
        ({"severities": (6,)}, ConfigError, "expected some of 1 to 5"),
        ({"preset": "tiny"}, ConfigError, "no preset 'tiny'"),
        ({"severities": 1}, ConfigError, "expected a list of some of 1 to 5"),
        ({"limit": 0}, ConfigError, "at least 1"),
        ({"limit": 2.5}, ConfigError, "limit is 2.5; .* a whole number"),
        ({"limit": True}, ConfigError, "limit is True; .* a whole number"),
        ({"workers": 0}, ConfigError, "number of workers is 0; expected at least 1"),
        ({"workers": 2.5}, ConfigError, "number of workers is 2.5; .* a whole number"),
        ({"workers": "2"}, ConfigError, "number of workers is '2'; .* a whole number"),
        ({"seed": 0.5}, CorruptionError, "seed must be an integer, not 0.5"),
        ({"shard": "1/2"}, ConfigError, r"'1/2'; expected one such as Shard\(2, 4\)"),
    ],
)
def test_what_means_nothing_is_refused_before_anything_is_written(dataset, tmp_path, wrong, error, message):
    with pytest.raises(error, match=message):
        write_corrupted(dataset, tmp_path / "out", **{**CELLS, **wrong})
    if wrong.keys().isdisjoint(("limit", "shard")):
        with pytest.raises(error, match=message):
            write_one_per_image(dataset, tmp_path / "out", **{**CELLS, **wrong})
    assert not (tmp_path / "out").exists()


def test_pictures_that_are_too_small_are_refused_before_anything_is_written(dataset, tmp_path, monkeypatch):
    def refuse(*arguments, **options):
        raise CorruptionError("pictures must be larger.")

    monkeypatch.setattr("rugged.corruptions.corruptor.corrupt", refuse)
    with pytest.raises(CorruptionError, match="larger"):
        write_corrupted(dataset, tmp_path / "out", **CELLS)
    assert not (tmp_path / "out").exists()


def test_an_empty_split_is_refused(dataset, tmp_path):
    empty = type(dataset)(**{**vars(dataset), "val": dataset.val.take([])})
    with pytest.raises(DataError, match="val split of made is empty"):
        write_corrupted(empty, tmp_path / "out", **CELLS)


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/x", "a//b", "./a", "alone", "a/\0b"[:2]])
def test_ids_that_lead_out_of_the_folder_are_refused(name):
    with pytest.raises(DataError, match="cannot be written to a file"):
        check_names([name], ".png")


@pytest.mark.parametrize(("file_format", "longest"), [("png", 251), ("jpeg", 250)])
def test_names_that_are_too_long_are_refused_before_anything_is_written(make_dataset, tmp_path, file_format, longest):
    """Systems take names of 255 bytes, the ending among them."""
    made = make_dataset(tmp_path / "pack", {"ant": 1, "bee": 1})

    def write(out, stem):
        split = type(made.val)("val", made.val.images, made.val.labels, (f"ant/{stem}", "bee/x"))
        renamed = type(made)(**{**vars(made), "val": split})
        return write_corrupted(renamed, tmp_path / out, **CELLS, file_format=file_format).pictures

    assert write("fits", longest * "x") == 8
    with pytest.raises(DataError, match=r"The picture 'ant/x+' cannot be written to a file of its name"):
        write("long", (longest + 1) * "x")
    assert not (tmp_path / "long").exists()


def test_pictures_in_folders_within_a_class_keep_their_places(make_dataset, tmp_path):
    made = make_dataset(tmp_path / "pack", {"ant": 3, "bee": 3})
    nested = tuple(identifier.replace("/val", "/deep/val") for identifier in made.val.ids)
    split = type(made.val)("val", made.val.images, made.val.labels, nested)
    renamed = type(made)(**{**vars(made), "val": split})
    write_corrupted(renamed, tmp_path / "out", **CELLS)
    assert (tmp_path / "out" / "contrast" / "2" / "ant" / "deep" / "val0001.JPEG").is_file()
    assert write_corrupted(renamed, tmp_path / "out", **CELLS).pictures == 24


def test_items_hold_neighbouring_classes_and_every_picture_once(make_dataset, tmp_path):
    rng = random.Random(0)
    made = make_dataset(tmp_path / "pack", {f"c{number:02}": rng.randint(1, 9) for number in range(20)}, side=8)
    from rugged.data.corrupted.writer import _plan

    job, _ = _plan(made, tmp_path / "out", "val", ["contrast"], [1], None, 0, None, None, None)
    items = Folders(job, "jpeg").items(Shard())
    assert [item.start for item in items] == [0, *[item.stop for item in items[:-1]]]
    assert items[-1].stop == len(made.val)
    assert min(len(item) for item in items[:-1]) >= 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"file_format": "gif"}, "no format 'gif'; expected one of jpeg, png, npy"),
        ({"split": "test"}, "no split 'test'; expected train or val"),
    ],
)
def test_what_cannot_be_written_leaves_nothing(dataset, tmp_path, change, message):
    with pytest.raises(ConfigError, match=message):
        write_corrupted(dataset, tmp_path / "out", **change)
    assert not (tmp_path / "out").exists()
