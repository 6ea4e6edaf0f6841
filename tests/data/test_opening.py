"""Names, paths, stale and damaged packs: what is made again, and what is told."""

import json
import os
import re
import shlex
import shutil

import numpy as np
import pytest
from typer.testing import CliRunner

from rugged.cli import app
from rugged.core.errors import ConfigError, DataError
from rugged.data import (
    as_dataset,
    builtin,
    open_dataset,
    open_pack,
    pack_source,
    prepare_tiny_imagenet,
    write_corrupted,
    write_one_per_image,
)
from rugged.data.packed import origin_of


@pytest.fixture
def source(tmp_path, class_folders):
    class_folders(tmp_path / "pets", {"train/cat": 3, "train/dog": 3, "val/cat": 1, "val/dog": 1})
    return tmp_path / "pets"


@pytest.fixture
def small_builtin(monkeypatch):
    """Two pictures a split instead of thousands."""
    images = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    drawn = (images, np.array([1, 0], dtype=np.int64), ["cup/1", "cat/1"])
    monkeypatch.setattr(builtin, "CLASSES", (("cat", "cat"), ("cup", "cup")))
    monkeypatch.setattr(builtin, "splits", lambda: {"train": drawn, "val": drawn})
    return images


def forbid_packing(monkeypatch):
    monkeypatch.setattr("rugged.data.packing.pack", lambda *_: pytest.fail("packed again"))


def test_a_source_is_packed_once(source, monkeypatch):
    first = open_dataset(source)
    forbid_packing(monkeypatch)
    assert open_dataset(str(source)).content_hash == first.content_hash


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"holdout": 1.5}, r"holdout is 1\.5; expected a share above 0 and below 1"),
        ({"holdout": 0}, "holdout is 0"),
        ({"holdout": 1}, "holdout is 1"),
        ({"holdout": float("nan")}, "holdout is nan"),
        ({"bad_images": "ignore"}, "bad_images is 'ignore'; expected refuse or skip"),
        ({"size": -3}, "size is -3; expected at least 1 pixel"),
        ({"size": 0}, "size is 0"),
        ({"size": 20_000}, "size is 20,000; expected at most 9,459 pixels"),
        ({"size": 8, "resize": 9_460}, "resize is 9,460; expected at most 9,459 pixels"),
        ({"size": 8, "resize": 0}, "resize is 0"),
    ],
)
def test_choices_that_make_no_sense_are_refused_before_anything_is_packed(choice, message, source, monkeypatch):
    forbid_packing(monkeypatch)
    with pytest.raises(ConfigError, match=message):
        pack_source(source, **choice)
    if choice.keys() == {"size"}:
        with pytest.raises(ConfigError, match=message):
            open_dataset(source, **choice)
    if choice.keys() == {"bad_images"}:
        with pytest.raises(ConfigError, match=message):
            prepare_tiny_imagenet(source, **choice)


@pytest.mark.parametrize("change", ["added", "removed", "renamed", "edited"])
def test_a_changed_source_is_packed_again(change, source, noise, capsys):
    before = open_dataset(source)
    cat = source / "train" / "cat"
    if change == "added":
        noise(7).save(cat / "9.png")
    elif change == "removed":
        (cat / "0.png").unlink()
    elif change == "renamed":
        (cat / "0.png").rename(cat / "8.png")
    else:
        noise(8).save(cat / "0.png")
    after = open_dataset(source)
    assert after.content_hash != before.content_hash
    assert len(after.train) == {"added": 7, "removed": 5}.get(change, 6)
    assert "has changed since it was packed" in capsys.readouterr().err


def test_a_damaged_pack_in_the_cache_is_made_again(source, capsys):
    before = open_dataset(source)
    os.truncate(before.folder / "train-images.npy", 200)
    assert open_dataset(source).content_hash == before.content_hash
    assert "damaged" in capsys.readouterr().err
    np.save(before.folder / "val-labels.npy", np.array([1, 1]))
    assert open_pack(before.folder).content_hash == before.content_hash


def test_verification_makes_a_damaged_cached_pack_again_and_says_so_once(source, capsys):
    before = open_dataset(source)
    images = before.folder / "train-images.npy"
    dates = images.stat()
    data = bytearray(images.read_bytes())
    data[-1] ^= 1
    images.write_bytes(data)
    os.utime(images, ns=(dates.st_atime_ns, dates.st_mtime_ns))
    capsys.readouterr()
    after = open_pack(before.folder, verify=True)
    data[-1] ^= 1
    assert images.read_bytes() == data
    assert after.content_hash == before.content_hash
    assert capsys.readouterr().err.count("damaged") == 1


def test_a_cache_that_cannot_be_written_is_named(source, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("RUGGED_CACHE", str(tmp_path / "file"))
    with pytest.raises(DataError, match="Set RUGGED_CACHE"):
        open_dataset(source)


@pytest.mark.parametrize("content", ["", "{}", '{"format": 0}', "[1]"])
def test_a_cached_pack_with_a_broken_manifest_is_made_again(content, source):
    before = open_dataset(source)
    (before.folder / "dataset.json").write_text(content)
    assert open_dataset(source).content_hash == before.content_hash


def test_a_cached_folder_without_manifest_is_made_again(source):
    before = open_dataset(source)
    (before.folder / "dataset.json").unlink()
    assert open_dataset(source).content_hash == before.content_hash


def test_a_damaged_explicit_pack_says_how_to_make_it_again(source, tmp_path):
    pack_source(source, tmp_path / "out")
    (tmp_path / "out" / "val-ids.txt").unlink()
    with pytest.raises(DataError, match=rf"rugged data pack {source} --out {tmp_path / 'out'}"):
        open_dataset(tmp_path / "out")


def test_the_advice_for_a_damaged_pack_makes_the_same_pack(source, tmp_path):
    shutil.rmtree(source / "val")
    folder = tmp_path / "packed"
    content = pack_source(source, folder, size=4, resize=6, holdout=0.4, bad_images="skip").content_hash
    origin = origin_of(folder)
    (folder / "train-labels.npy").write_bytes(b"")
    with pytest.raises(DataError) as caught:
        open_pack(folder)
    shutil.rmtree(folder)  # The advice holds where nothing is left to go by.
    command = str(caught.value).partition("Make it again: ")[2]
    result = CliRunner().invoke(app, shlex.split(command)[1:])
    assert result.exit_code == 0, result.output
    assert open_pack(folder).content_hash == content
    assert origin_of(folder) == origin


def test_an_explicit_pack_outlives_its_source(source, tmp_path):
    made = pack_source(source, tmp_path / "out")
    shutil.rmtree(source)
    assert open_dataset(tmp_path / "out").content_hash == made.content_hash


def test_another_format_in_the_cache_is_made_again(source):
    before = open_dataset(source)
    manifest = json.loads((before.folder / "dataset.json").read_text())
    (before.folder / "dataset.json").write_text(json.dumps(manifest | {"format": 0}))
    assert open_dataset(source).content_hash == before.content_hash
    assert json.loads((before.folder / "dataset.json").read_text())["format"] == 1


def test_sizes_have_packs_of_their_own(source, monkeypatch):
    own, small = open_dataset(source), open_dataset(source, size=4)
    assert (own.size, small.size) == ((8, 8), (4, 4))
    forbid_packing(monkeypatch)
    assert open_dataset(source).size == (8, 8)
    assert open_dataset(source, size=4).size == (4, 4)


def test_a_source_is_opened_as_it_was_packed_the_last_time(source, monkeypatch):
    (source / "val" / "dog" / "broken.png").write_bytes(b"")
    pack_source(source, size=4, bad_images="skip")
    assert open_dataset(source).size == (4, 4)
    assert pack_source(source).size == (8, 8), "without a size, their own"
    assert open_dataset(source).size == (8, 8)
    cropped = pack_source(source, size=4, resize=6)
    forbid_packing(monkeypatch)
    assert open_dataset(source).content_hash == cropped.content_hash


@pytest.mark.parametrize("letter", ["a", "é"])
def test_a_source_may_have_the_longest_name_that_a_system_takes(letter, tmp_path, class_folders, monkeypatch):
    source = tmp_path / (letter * (255 // len(letter.encode())))
    class_folders(source, {"a": 3, "b": 3})
    pack_source(source, holdout=0.4)
    opened = open_dataset(source)
    str(opened.folder).encode()  # No character is cut in two.
    assert (len(opened.train), len(opened.val)) == (4, 2)
    forbid_packing(monkeypatch)
    assert open_dataset(source).content_hash == opened.content_hash


def test_choices_of_one_size_hold_for_another(source):
    (source / "val" / "dog" / "broken.png").write_bytes(b"")
    pack_source(source, size=4, bad_images="skip")
    assert open_dataset(source, size=6).size == (6, 6)


def test_a_pack_elsewhere_is_not_what_a_source_is_opened_as(source, tmp_path):
    assert pack_source(str(source), str(tmp_path / "out"), size=4).folder == tmp_path / "out"
    assert open_dataset(source).size == (8, 8)


@pytest.fixture
def packed_elsewhere(source, tmp_path):
    return pack_source(source, tmp_path / "out", size=4).folder


def beside(folder):
    (folder / "notes.txt").write_text("mine")


def of_another_source(folder):
    shutil.copytree(folder.parent / "pets", folder.parent / "others")
    shutil.rmtree(folder)
    pack_source(folder.parent / "others", folder)


def of_something_else(folder):
    for path in folder.iterdir():
        path.unlink()
    (folder / "dataset.json").write_text('{"title": "holiday"}')
    (folder / "thesis.txt").write_text("mine")


def without_its_origin(folder):
    (folder / "dataset.json").write_text('{"format": 1}')


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (beside, r"other things beside the pack \(notes.txt\), so it is left alone"),
        (of_another_source, "is a pack of .*others, not of .*pets, so it is left alone"),
        (of_something_else, "not a packed data set, so it is left alone"),
        (without_its_origin, "not a packed data set, so it is left alone"),
    ],
)
def test_only_a_pack_of_the_same_source_is_replaced(change, message, source, packed_elsewhere, monkeypatch, capsys):
    assert pack_source(source, packed_elsewhere, size=6).size == (6, 6)
    change(packed_elsewhere)
    before = {path.name: path.read_bytes() for path in packed_elsewhere.iterdir()}
    capsys.readouterr()
    forbid_packing(monkeypatch)
    with pytest.raises(DataError, match=message):
        pack_source(source, packed_elsewhere, size=8)
    assert {path.name: path.read_bytes() for path in packed_elsewhere.iterdir()} == before
    assert "again" not in capsys.readouterr().err


def test_a_dataset_json_of_somebody_else_makes_no_pack(source):
    (source / "dataset.json").write_text('{"title": "kaggle"}')
    assert len(open_dataset(source).train) == 6
    assert len(pack_source(source).train) == 6


def test_nothing_is_advised_that_writes_where_nobody_knows_whose_it_is(packed_elsewhere):
    (packed_elsewhere / "dataset.json").write_text('{"title": "kaggle"}')
    with pytest.raises(DataError, match=r"Make it again: rugged data pack SOURCE$"):
        open_dataset(packed_elsewhere)


@pytest.mark.parametrize("inside", [".", "packed", "train/packed"])
def test_a_source_is_not_packed_into_itself(inside, source, monkeypatch):
    forbid_packing(monkeypatch)
    before = sorted(source.rglob("*"))
    with pytest.raises(DataError, match="would be read as part of the data"):
        pack_source(source, source / inside)
    with pytest.raises(DataError, match="would be read as part of the data"):
        prepare_tiny_imagenet(source, source / inside)
    assert sorted(source.rglob("*")) == before


def test_a_folder_that_is_there_stays_and_is_filled(source, tmp_path, monkeypatch):
    """As an empty one must that is the current folder, or a disk of its own, which cannot be moved."""
    (tmp_path / "here").mkdir()
    before = (tmp_path / "here").stat().st_ino
    monkeypatch.chdir(tmp_path / "here")
    (source / "val" / "dog" / "broken.png").write_bytes(b"")
    first = pack_source(source, ".", bad_images="skip")
    assert (tmp_path / "here" / "set_aside.csv").exists()
    (source / "val" / "dog" / "broken.png").unlink()
    assert pack_source(source, ".", size=4).size == (4, 4)
    assert first.content_hash == pack_source(source, ".").content_hash
    assert (tmp_path / "here").stat().st_ino == before
    assert not (tmp_path / "here" / "set_aside.csv").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["here", "pets"]


@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_and_what_it_names_is_written(there, source, tmp_path):
    large = tmp_path / "large" / "disk"
    if there:
        large.mkdir(parents=True)
    (tmp_path / "link").symlink_to(large)
    for size in (4, 6):
        pack_source(source, tmp_path / "link", size=size)
        assert (tmp_path / "link").is_symlink()
        assert open_dataset(large).size == (size, size)


def test_a_tilde_is_the_home_folder(source, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    assert pack_source(source, "~/out").folder == tmp_path / "home" / "out"


@pytest.mark.parametrize("content", ["", "[1]", '{"size": 4}'])
def test_a_broken_memory_of_choices_is_none(content, source, cache):
    pack_source(source, size=4)
    (memory,) = (cache / "packed").glob("*.json")
    memory.write_text(content)
    assert open_dataset(source).size == (8, 8)


def test_a_pack_of_another_size_is_told(source, tmp_path):
    pack_source(source, tmp_path / "out")
    assert open_dataset(tmp_path / "out", size=8).size == (8, 8)
    with pytest.raises(DataError, match="8 x 8, not at 4 x 4"):
        open_dataset(tmp_path / "out", size=4)


def test_the_builtin_set_is_packed_into_the_cache(small_builtin, cache, monkeypatch):
    dataset = open_dataset("builtin")
    assert dataset.folder == cache / "data" / f"builtin-v{builtin.VERSION}"
    assert dataset.train.ids == ("cat/1", "cup/1")
    np.testing.assert_array_equal(dataset.train.images, small_builtin[::-1])
    monkeypatch.setattr(builtin, "splits", lambda: pytest.fail("drawn again"))
    assert open_dataset("builtin").content_hash == dataset.content_hash


@pytest.mark.usefixtures("small_builtin")
def test_a_damaged_builtin_pack_is_made_again(capsys):
    before = open_dataset("builtin")
    (before.folder / "train-images.npy").write_bytes(b"")
    assert open_dataset("builtin").content_hash == before.content_hash
    assert "damaged" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("bulitin", "Did you mean builtin"),
        ("tiny-imagenet", "rugged data prepare tiny-imagenet"),
        ("tiny_imagenet", "Did you mean tiny-imagenet"),
        ("some/where/else", "a packed folder"),
    ],
)
def test_an_unknown_name_is_explained(where, expected):
    with pytest.raises(DataError, match=expected):
        open_dataset(where)


def test_a_name_does_not_lead_out_of_the_cache(source, cache):
    pack_source(source, cache / "outside")
    with pytest.raises(DataError, match="no data set"):
        open_dataset("../outside")


def test_a_prepared_name_wins_over_a_local_folder(tmp_path, monkeypatch, capsys, tiny_folder):
    prepare_tiny_imagenet(tiny_folder)
    (tmp_path / "here" / "tiny-imagenet").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    assert open_dataset("tiny-imagenet").name == "tiny-imagenet"
    assert "./tiny-imagenet" in capsys.readouterr().err


def test_a_damaged_prepared_set_is_made_again_while_its_source_is_there(tiny_folder):
    before = prepare_tiny_imagenet(tiny_folder)
    (before.folder / "train-images.npy").unlink()
    after = open_dataset("tiny-imagenet")
    assert after.content_hash == before.content_hash
    assert after.notes == before.notes
    (after.folder / "train-images.npy").unlink()
    shutil.rmtree(tiny_folder)
    with pytest.raises(DataError, match="rugged data prepare tiny-imagenet --from"):
        open_dataset("tiny-imagenet")


def test_a_data_set_shows_itself_in_a_line(source):
    shown = repr(open_dataset(source))
    assert len(shown) < 300
    assert "train=Split('train'" in shown


@pytest.mark.parametrize("size", ["64", (64, 64), 64.0, True])
def test_a_size_is_one_whole_number(source, size):
    for opened in (lambda: open_dataset(source, size=size), lambda: pack_source(source, size=size)):
        with pytest.raises(ConfigError, match=rf"^The size is {re.escape(repr(size))}; expected one whole number"):
            opened()


class _ImageFolder:
    root = "pictures"


@pytest.mark.parametrize(
    ("given", "found"),
    [(None, "NoneType"), ([1, 2], "list"), (_ImageFolder(), "_ImageFolder of the pictures in pictures")],
)
def test_what_is_no_data_set_is_named(given, found):
    for take in (as_dataset, open_dataset):
        with pytest.raises(DataError, match=rf"^The data set is {found}; expected .*the name or the path of one\.$"):
            take(given)


def test_half_of_a_data_set_is_none(source):
    opened = open_dataset(source)
    assert as_dataset(opened) is opened
    assert as_dataset(str(source)).content_hash == opened.content_hash
    with pytest.raises(DataError, match="The data set is Split; expected"):
        as_dataset(opened.val)
    for write in (write_corrupted, write_one_per_image):
        with pytest.raises(DataError, match="The data set is list; expected"):
            write([opened], "out")
