"""From folders to packs: layouts, oddities, the policy for bad pictures, and never half a pack."""

import csv
import errno
import os
import shutil
import subprocess
import sys
import threading
import time
import zipfile
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from rugged.core.errors import DataError
from rugged.data import development_split, open_dataset, pack_source, packed, packing
from rugged.data.npy import ImageWriter


def pixels_by_id(split):
    return dict(zip(split.ids, np.asarray(split.images), strict=True))


def assert_same_pictures(split, made, prefix):
    expected = {path.removeprefix(prefix): pixels for path, pixels in made.items() if path.startswith(prefix)}
    found = pixels_by_id(split)
    assert found.keys() == expected.keys()
    for key, pixels in expected.items():
        np.testing.assert_array_equal(found[key], pixels)
    assert list(split.ids) == sorted(split.ids)


@pytest.mark.parametrize("val", ["val", "valid", "validation", "test", "Val"])
def test_split_folders(val, tmp_path, class_folders):
    made = class_folders(tmp_path / "src", {"train/b": 3, "train/a": 12, f"{val}/a": 2, f"{val}/b": 1})
    dataset = open_dataset(tmp_path / "src")
    assert [info.id for info in dataset.classes] == ["a", "b"]
    assert_same_pictures(dataset.train, made, "train/")
    assert_same_pictures(dataset.val, made, f"{val}/")
    for split in (dataset.train, dataset.val):
        assert [dataset.classes[label].id for label in split.labels] == [p.split("/")[0] for p in split.ids]
    assert dataset.notes == ()
    assert dataset.name == "src"


def test_without_a_validation_split_one_is_held_out(tmp_path, class_folders):
    made = class_folders(tmp_path / "src", {"a": 10, "b": 20})
    dataset = pack_source(tmp_path / "src", holdout=0.3)
    assert [(train, val) for _, train, val in dataset.counts()] == [(7, 3), (14, 6)]
    assert set(dataset.train.ids) | set(dataset.val.ids) == made.keys()
    assert any("30% of each class" in note for note in dataset.notes)


def test_the_held_out_pictures_do_not_depend_on_the_place(tmp_path, class_folders):
    class_folders(tmp_path / "one", {"a": 10, "b": 20})
    shutil.copytree(tmp_path / "one", tmp_path / "two" / "below")
    assert open_dataset(tmp_path / "one").content_hash == open_dataset(tmp_path / "two").content_hash


def test_what_is_no_picture_is_passed_over(tmp_path, class_folders):
    class_folders(tmp_path / "src", {"train/a": 2, "train/b": 2, "val/a": 1, "val/b": 1})
    a = tmp_path / "src" / "train" / "a"
    for name in (".DS_Store", "Thumbs.db", "readme.txt", "list.csv"):
        (a / name).write_text("text")
    (a / ".hidden").mkdir()
    shutil.copy(a / "0.png", a / ".hidden" / "9.png")
    shutil.copy(a / "0.png", a.parent / "stray.png")
    (tmp_path / "src" / "unlabelled").mkdir()
    dataset = open_dataset(tmp_path / "src")
    assert dataset.train.ids == ("a/0", "a/1", "b/0", "b/1")
    assert "Not read: the folders unlabelled." in dataset.notes
    other = "Not read: 3 files that are no pictures, or lie beside the class folders (1 .csv, 1 .txt, 1 .png)."
    assert other in dataset.notes


def test_content_decides_not_the_ending(tmp_path, class_folders, noise, encode):
    class_folders(tmp_path / "src", {"a": 4, "b": 4})
    jpeg = encode(noise(50), "JPEG")
    for name in ("wrong.png", "none", "strange.txt"):
        (tmp_path / "src" / "a" / name).write_bytes(jpeg)
    dataset = open_dataset(tmp_path / "src")
    found = pixels_by_id(dataset.train) | pixels_by_id(dataset.val)
    expected = np.asarray(Image.open(tmp_path / "src" / "a" / "none"))
    for stem in ("wrong", "none", "strange"):
        np.testing.assert_array_equal(found[f"a/{stem}"], expected)


def test_pictures_in_folders_within_a_class_belong_to_it(tmp_path, class_folders):
    class_folders(tmp_path / "src", {"train/a/x": 1, "train/a/y": 1, "train/b": 1, "val/a": 1, "val/b": 1})
    assert open_dataset(tmp_path / "src").train.ids == ("a/x/0", "a/y/0", "b/0")


def test_links_are_followed_once(tmp_path, class_folders):
    class_folders(tmp_path / "store", {"x": 2, "y": 2})
    for name in ("a", "b"):
        (tmp_path / "src" / name).mkdir(parents=True)
    (tmp_path / "src" / "a" / "linked").symlink_to(tmp_path / "store" / "x")
    (tmp_path / "src" / "a" / "one.png").symlink_to(tmp_path / "store" / "y" / "1.png")
    for index in range(2):
        shutil.copy(tmp_path / "store" / "y" / "0.png", tmp_path / "src" / "b" / f"{index}.png")
    dataset = open_dataset(tmp_path / "src")
    assert sorted(dataset.train.ids + dataset.val.ids) == ["a/linked/0", "a/linked/1", "a/one", "b/0", "b/1"]
    (tmp_path / "src" / "a" / "round").symlink_to(tmp_path / "src")
    (tmp_path / "src" / "a" / "gone.png").symlink_to(tmp_path / "nowhere.png")
    with pytest.raises(DataError, match=r"(?s)1 endless link.*1 broken link|1 broken link.*1 endless link"):
        open_dataset(tmp_path / "src")


def test_different_sizes_are_fitted_and_said_so(tmp_path, class_folders, noise):
    class_folders(tmp_path / "src", {"train/a": 1, "train/b": 1, "val/a": 1, "val/b": 1})
    large = noise(99, 30, 20)
    large.save(tmp_path / "src" / "train" / "a" / "large.png")
    assert open_dataset(tmp_path / "src").size == (224, 224)
    dataset = open_dataset(tmp_path / "src", size=10)
    assert dataset.size == (10, 10)
    expected = ImageOps.crop(large.resize((15, 10), Image.Resampling.BICUBIC), (2, 0, 3, 0))
    np.testing.assert_array_equal(pixels_by_id(dataset.train)["a/large"], np.asarray(expected))
    assert "Pictures reduced to 10 x 10: 1." in dataset.notes
    assert "Pictures enlarged to 10 x 10: 4." in dataset.notes
    assert any("bicubic" in note for note in dataset.notes)


def test_a_resize_is_part_of_what_a_pack_is(tmp_path, class_folders):
    class_folders(tmp_path / "src", {"a": 3, "b": 3})
    plain = pack_source(tmp_path / "src", size=6)
    inner = pack_source(tmp_path / "src", size=6, resize=8)
    assert inner.folder != plain.folder
    assert inner.content_hash != plain.content_hash
    assert inner.size == (6, 6)
    assert any("6 x 6 (from 8 on the shorter side)" in note for note in inner.notes)
    with pytest.raises(DataError, match="at most as large"):
        pack_source(tmp_path / "src", size=6, resize=5)


def test_a_common_size_that_is_not_square_is_fitted_too(tmp_path, noise):
    for split in ("train", "val"):
        for name in "ab":
            (tmp_path / split / name).mkdir(parents=True)
            noise(0, 12, 8).save(tmp_path / split / name / "0.png")
    assert open_dataset(tmp_path).size == (224, 224)


@pytest.fixture
def troubled(tmp_path, class_folders, noise, encode):
    """Two classes of good pictures with one of each kind of trouble, and what trouble is where."""
    root = tmp_path / "src"
    class_folders(root, {"train/a": 3, "train/b": 3, "val/a": 2, "val/b": 2})
    png = encode(noise(60, 64, 64))
    harm = {
        "train/a/cut.png": (png[: len(png) // 2], "truncated"),
        "train/a/empty.jpg": (b"", "empty file"),
        "train/b/text.jpg": (b"<html>404 not found</html>", "not a picture"),
        "val/b/0.jpg": (encode(noise(61), "JPEG"), "duplicate name"),
    }
    for path, (data, _) in harm.items():
        (root / path).write_bytes(data)
    (root / "train" / "nobody").mkdir()
    return root, {path: reason for path, (_, reason) in harm.items()} | {"nobody": "empty class"}


def test_bad_pictures_are_refused_with_the_way_out(troubled, cache):
    root, _ = troubled
    with pytest.raises(DataError) as caught:
        open_dataset(root)
    message = str(caught.value)
    for part in ("1 truncated", "1 empty file", "1 not a picture", "1 duplicate name", "1 empty class", "skip"):
        assert part in message
    assert "train/a/cut.png: truncated" in message
    assert not list((cache / "packed").iterdir())


def test_bad_pictures_are_set_aside(troubled, tmp_path):
    root, reasons = troubled
    dataset = pack_source(root, tmp_path / "out", bad_images="skip")
    with (dataset.folder / "set_aside.csv").open(newline="") as table:
        assert {row["where"]: row["reason"] for row in csv.DictReader(table)} == (
            # The first in the order of the names stays: 0.jpg comes before 0.png.
            {path: reason for path, reason in reasons.items() if path != "val/b/0.jpg"}
            | {"val/b/0.png": "duplicate name"}
        )
    assert [info.id for info in dataset.classes] == ["a", "b"]
    assert dataset.train.ids == tuple(f"{name}/{index}" for name in "ab" for index in range(3))
    for path, pixels in pixels_by_id(dataset.train).items():
        np.testing.assert_array_equal(pixels, np.asarray(Image.open(root / "train" / f"{path}.png")))
    assert any("1 truncated" in note for note in dataset.notes)


def test_the_order_in_which_threads_end_changes_no_byte(troubled, tmp_path, monkeypatch):
    """Batches of one picture, given back in the source's order and in the reverse."""
    root, _ = troubled
    monkeypatch.setattr(packing, "PICTURES_AT_A_TIME", 1)
    consume, made = packing._consume, []
    by_place = partial(sorted, key=lambda future: future.result()[0][0].picture.where)
    for name, turn in (("forwards", list), ("backwards", reversed)):
        monkeypatch.setattr(packing, "_consume", lambda done, bar, turn=turn: consume(turn(by_place(done)), bar))
        folder = pack_source(root, tmp_path / name, bad_images="skip").folder
        made.append({file: (folder / file).read_bytes() for file in ("dataset.json", "set_aside.csv")})
    assert made[0] == made[1]
    in_order = b"1 truncated, 1 empty file, 1 not a picture, 1 duplicate name, 1 empty class"  # By their places.
    assert in_order in made[0]["dataset.json"]


def test_a_choice_holds_until_it_is_changed(troubled):
    root, _ = troubled
    packed = pack_source(root, bad_images="skip")
    assert open_dataset(root).content_hash == packed.content_hash
    with pytest.raises(DataError, match="skip"):
        pack_source(root, bad_images="refuse")


def test_files_and_folders_that_may_not_be_read_are_counted(tmp_path, class_folders, monkeypatch):
    class_folders(tmp_path / "src", {"a": 3, "b": 3, "b/locked": 1})
    locked = {tmp_path / "src" / "a" / "0.png", tmp_path / "src" / "b" / "locked"}

    def refusing(function):
        def refuse(path, *arguments):
            if path in locked:
                raise PermissionError(errno.EACCES, "Permission denied")
            return function(path, *arguments)

        return refuse

    monkeypatch.setattr(Path, "open", refusing(Path.open))
    monkeypatch.setattr(os, "scandir", refusing(os.scandir))
    with pytest.raises(DataError, match=r"By reason: 1 unreadable, 1 unreadable folder\."):
        open_dataset(tmp_path / "src")


def test_names_that_cannot_be_ids_are_refused(tmp_path, class_folders, noise):
    class_folders(tmp_path / "src", {"a": 3, "b": 3})
    noise(0).save(tmp_path / "src" / "a" / "line\nend.png")
    shutil.copy(tmp_path / "src" / "a" / "0.png", os.fsencode(tmp_path / "src" / "a") + b"/\xff.png")
    with pytest.raises(DataError, match="2 unusable name"):
        open_dataset(tmp_path / "src")


def test_classes_of_one_split_are_noted(tmp_path, class_folders):
    class_folders(tmp_path / "src", {"train/a": 1, "train/b": 1, "val/b": 1, "val/c": 1})
    dataset = open_dataset(tmp_path / "src")
    assert [(info.id, train, val) for info, train, val in dataset.counts()] == [("a", 1, 0), ("b", 1, 1), ("c", 0, 1)]
    assert "Classes with training pictures but no validation pictures: 1 (a)." in dataset.notes
    assert "Classes with validation pictures but no training pictures: 1 (c)." in dataset.notes


def test_a_set_to_measure_on_alone_has_no_training_pictures(tmp_path, class_folders):
    class_folders(tmp_path / "src", {"val/a": 2, "val/b": 1, "test/a": 1})
    dataset = open_dataset(tmp_path / "src")
    assert (len(dataset.train), len(dataset.val)) == (0, 3)
    assert dataset.size == open_dataset(tmp_path / "src").size == dataset.val.images.shape[1:3]
    assert dataset.notes[:2] == (
        "Not read: the folders test.",
        "No training pictures: to be measured on, not trained on.",
    )
    with pytest.raises(DataError, match="no training pictures"):
        development_split(dataset.train)


@pytest.mark.parametrize(
    ("folders", "message"),
    [
        ({"only": 3}, "one folder"),
        ({"val/a": 1, "val/b": 1, "c": 1}, "val/ in .* beside c/, but no train/"),
        ({"val/a": 0, "val/b": 0}, "no picture"),
        ({"train/a": 1, "train/b": 1, "val": 0}, "0 usable validation"),
        ({"a": 0, "b": 0}, "no picture"),
    ],
)
def test_other_layouts_are_explained(folders, message, tmp_path, class_folders):
    class_folders(tmp_path / "src", folders)
    with pytest.raises(DataError, match=message):
        open_dataset(tmp_path / "src")


def test_pictures_without_class_folders_are_explained(tmp_path, noise):
    noise(0).save(tmp_path / "0.png")
    with pytest.raises(DataError, match="no subfolder"):
        open_dataset(tmp_path)


def test_a_full_disk_leaves_nothing(tmp_path, class_folders, monkeypatch):
    class_folders(tmp_path / "src", {"a": 3, "b": 3})

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(ImageWriter, "write", full)
    with pytest.raises(DataError, match=r"disk of .*out is full"):
        pack_source(tmp_path / "src", tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["src"]


def test_too_little_space_is_noticed_before_the_work(tmp_path, class_folders, monkeypatch):
    class_folders(tmp_path / "src", {"a": 3, "b": 3})
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=6 * 8 * 8 * 3 - 1))
    monkeypatch.setattr(ImageWriter, "write", lambda *_: pytest.fail("began to write"))
    # Less than a megabyte is needed (rounded up) and less than one is left (rounded down).
    with pytest.raises(DataError, match=r"disk of .*out is full \(1 MB needed, 0 MB left\)"):
        pack_source(tmp_path / "src", tmp_path / "out")


def test_an_output_that_cannot_be_written_is_named(tmp_path, class_folders):
    class_folders(tmp_path / "src", {"a": 3, "b": 3})
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"Cannot write .*file is a file, not a folder"):
        pack_source(tmp_path / "src", tmp_path / "file" / "out")


def test_an_interrupt_leaves_nothing_and_no_thread(tmp_path, class_folders, monkeypatch):
    class_folders(tmp_path / "src", {"a": 3, "b": 3})

    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(ImageWriter, "write", interrupt)
    with pytest.raises(KeyboardInterrupt):
        pack_source(tmp_path / "src", tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["src"]
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("decode")]


@pytest.mark.parametrize("there", [False, True])
def test_what_a_killed_process_left_is_cleared(there, tmp_path, class_folders):
    class_folders(tmp_path / "src", {"a": 3, "b": 3})
    script = (
        "import os, sys; from pathlib import Path; from rugged.data.packed import Origin\n"
        "from rugged.data.staging import staging\n"
        "with staging(Path(sys.argv[1]), Origin(sys.argv[2], '', False)) as folder:\n"
        "    (folder / 'images').write_bytes(b'half'); os._exit(1)"
    )
    if there:
        (tmp_path / "out").mkdir()
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "out"), str(tmp_path / "src")], check=False)
    assert [path.read_bytes() for path in tmp_path.rglob("images")] == [b"half"]
    pack_source(tmp_path / "src", tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "src"]
    assert {path.name for path in (tmp_path / "out").iterdir()} <= packed.FILES


def test_what_another_machine_is_making_is_left_alone(tmp_path, class_folders, cache, monkeypatch):
    """It has a cache of its own, and so waits for nobody; both make the same."""
    class_folders(tmp_path / "src", {"a": 3, "b": 3})
    finish, other = packed.finish, []

    def finish_second(*arguments):
        if not other:
            other.append(None)
            with monkeypatch.context() as elsewhere:
                elsewhere.setenv("RUGGED_CACHE", str(cache / "elsewhere"))
                other[0] = pack_source(tmp_path / "src", tmp_path / "out").content_hash
        finish(*arguments)

    monkeypatch.setattr(packed, "finish", finish_second)
    assert pack_source(tmp_path / "src", tmp_path / "out").content_hash == other[0]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "src"]


def test_the_number_of_threads_does_not_matter(tmp_path, class_folders, monkeypatch):
    class_folders(tmp_path / "src", {"a": 150, "b": 150})
    hashes = set()
    for threads in (1, 7):
        monkeypatch.setattr(packing, "available_cores", lambda threads=threads: threads)
        hashes.add(pack_source(tmp_path / "src", tmp_path / f"out{threads}").content_hash)
    assert len(hashes) == 1


def test_two_processes_make_one_pack(tmp_path, class_folders, cache):
    class_folders(tmp_path / "src", {"a": 40, "b": 40})
    script = "import sys; from rugged.data import open_dataset; print(open_dataset(sys.argv[1]).content_hash)"
    command = [sys.executable, "-c", script, str(tmp_path / "src")]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert outputs[0][0] == outputs[1][0] != ""
    assert sum("Packing src" in log for _, log in outputs) == 1
    assert len(list((cache / "packed").iterdir())) == 1


def test_a_lock_is_waited_for(tmp_path, class_folders, monkeypatch):
    """The second of two threads finds the pack that the first one made while it held the lock."""
    class_folders(tmp_path / "src", {"a": 3, "b": 3})
    made = []
    original = packing.pack

    def slow(*arguments):
        made.append(arguments)
        time.sleep(0.3)
        return original(*arguments)

    monkeypatch.setattr(packing, "pack", slow)
    threads = [threading.Thread(target=open_dataset, args=(tmp_path / "src",)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1


def test_postscript_called_a_jpeg_is_set_aside(tmp_path, class_folders, noise):
    class_folders(tmp_path / "src", {"a": 3, "b": 3})
    noise(9).save(tmp_path / "src" / "a" / "x.jpg", "EPS")
    with pytest.raises(DataError, match=r"a/x\.jpg: not a picture"):
        open_dataset(tmp_path / "src")


def test_a_class_called_train_is_a_class(tmp_path, class_folders):
    class_folders(tmp_path / "veh", {"car": 4, "bus": 4, "train": 4})
    dataset = open_dataset(tmp_path / "veh")
    assert [(info.id, train + val) for info, train, val in dataset.counts()] == [("bus", 4), ("car", 4), ("train", 4)]


@pytest.mark.parametrize("other", ["val", "test"])
def test_split_folders_without_classes_are_not_taken_for_classes(other, tmp_path, class_folders):
    class_folders(tmp_path / "src", {"train": 4, other: 4})
    with pytest.raises(DataError, match="no subfolder"):
        open_dataset(tmp_path / "src")


@pytest.mark.parametrize("names", [("Train", "train"), ("Val", "val")])
def test_splits_whose_names_differ_in_case_alone_are_refused(names, tmp_path, noise, encode):
    """In an archive, since some file systems do not tell them apart."""
    with zipfile.ZipFile(tmp_path / "src.zip", "w") as archive:
        for number, split in enumerate(("train", "val", *names)):
            for class_id in ("a", "b"):
                archive.writestr(f"{split}/{class_id}/{number}.png", encode(noise(number)))
    with pytest.raises(DataError, match=f"Found {names[0]}/ and {names[1]}/ in "):
        open_dataset(tmp_path / "src.zip")


def test_set_aside_holds_no_formula(tmp_path, class_folders):
    class_folders(tmp_path / "src", {"=cmd()": 3, "b": 3})
    (tmp_path / "src" / "=cmd()" / "x.png").write_bytes(b"")
    dataset = pack_source(tmp_path / "src", bad_images="skip")
    with (dataset.folder / "set_aside.csv").open(newline="") as stream:
        assert list(csv.reader(stream))[1] == ["'=cmd()/x.png", "empty file", "0 bytes"]
