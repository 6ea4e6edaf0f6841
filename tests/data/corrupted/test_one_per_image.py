"""Every picture carries the corruption that the table says, drawn evenly and by its id alone."""

import csv
import os
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from rugged.core.errors import DataError, Interrupted
from rugged.core.files import read_json, write_json
from rugged.corruptions import corrupt
from rugged.data import open_dataset
from rugged.data.corrupted import one_per_image
from rugged.data.corrupted.one_per_image import draw_cell, write_one_per_image

CHOICE = {"corruptions": ("contrast", "gaussian_noise", "brightness"), "severities": (1, 3, 5), "workers": 1}
CELLS = [(name, severity) for name in ("a", "b", "c", "d", "e") for severity in (1, 2, 3, 4, 5)]


def table(folder):
    with (folder / "corruptions.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def test_every_picture_is_what_the_table_says(dataset, tmp_path):
    made = write_one_per_image(dataset, tmp_path / "out", **CHOICE, seed=5)
    rows = table(tmp_path / "out")
    assert [row["id"] for row in rows] == [*dataset.train.ids, *dataset.val.ids]
    assert [row["split"] for row in rows] == ["train"] * len(dataset.train) + ["val"] * len(dataset.val)
    position = {(split.name, each): i for split in (dataset.train, dataset.val) for i, each in enumerate(split.ids)}
    for row in rows:
        place = position[row["split"], row["id"]]
        clean = torch.from_numpy(np.array(getattr(dataset, row["split"]).images[place])).permute(2, 0, 1)[None]
        expected = corrupt(clean, row["corruption"], int(row["severity"]), seed=5, ids=[row["id"]])
        found = getattr(made, row["split"]).images[place]
        np.testing.assert_array_equal(found, expected[0].permute(1, 2, 0).numpy())
        assert row["corruption"] in CHOICE["corruptions"]
        assert int(row["severity"]) in CHOICE["severities"]


def test_the_pack_opens_and_says_what_it_is(dataset, tmp_path):
    write_one_per_image(dataset, tmp_path / "out", **CHOICE, command="rugged corrupt SRC out --one-per-image")
    found = open_dataset(tmp_path / "out")
    assert found.corruptions == ("gaussian_noise", "brightness", "contrast")
    assert dataset.corruptions == ()
    assert found.classes == dataset.classes
    np.testing.assert_array_equal(found.train.labels, dataset.train.labels)
    notes = " ".join(found.notes)
    assert "one of 3 corruptions at one of 3 severities" in notes
    assert dataset.content_hash[:12] in notes
    assert read_json(tmp_path / "out" / "dataset.json")["corrupted"]["source"]["content_hash"] == dataset.content_hash


@pytest.mark.slow
def test_drawn_frost_is_told_from_photographs(dataset, tmp_path):
    """What is trained on the pictures lists what they carry, and drawn frost is not the benchmark's."""
    frosty = CHOICE | {"corruptions": ("frost", "contrast"), "textures": "procedural"}
    assert write_one_per_image(dataset, tmp_path / "ice", **frosty).corruptions == (
        "frost", "contrast", "procedural frost",
    )  # fmt: skip
    assert write_one_per_image(dataset, tmp_path / "none", **CHOICE, textures="procedural").corruptions == (
        "gaussian_noise", "brightness", "contrast",
    )  # fmt: skip


def test_packs_of_before_open_without_corruptions(dataset, make_dataset, tmp_path):
    old = make_dataset(tmp_path / "old", {"ant": 2, "bee": 2})
    manifest = read_json(old.folder / "dataset.json")
    assert "corrupted" not in manifest
    manifest["source"].pop("command")
    write_json(old.folder / "dataset.json", manifest)
    assert open_dataset(old.folder).corruptions == ()


def test_all_corruptions_and_severities_are_drawn_alike():
    drawn = Counter(draw_cell(f"n{number // 500:08}/val_{number}", CELLS, 0) for number in range(50_000))
    assert chisquare([drawn[cell] for cell in CELLS]).pvalue > 1e-3


def test_seeds_draw_independently():
    ids = [f"a/{number}" for number in range(50_000)]
    pairs = Counter((draw_cell(each, CELLS[:5], 0), draw_cell(each, CELLS[:5], 1)) for each in ids)
    assert len(pairs) == 25
    assert chisquare(list(pairs.values())).pvalue > 1e-3


def test_a_draw_depends_on_the_id_alone(dataset, tmp_path, make_dataset):
    fewer = make_dataset(tmp_path / "fewer", {"ant": 3, "dog": 4})
    write_one_per_image(fewer, tmp_path / "out", **CHOICE)
    write_one_per_image(dataset, tmp_path / "all", **CHOICE)
    few = table(tmp_path / "out")
    assert len(few) == len(fewer.train) + len(fewer.val)
    of_all = {(row["split"], row["id"]): row for row in table(tmp_path / "all")}
    assert [of_all[row["split"], row["id"]] for row in few] == few


def test_the_same_pack_is_left_as_it_is_and_another_is_refused(dataset, tmp_path, capsys):
    first = write_one_per_image(dataset, tmp_path / "out", **CHOICE)
    before = (tmp_path / "out" / "dataset.json").stat().st_mtime_ns
    assert write_one_per_image(dataset, tmp_path / "out", **CHOICE).content_hash == first.content_hash
    assert (tmp_path / "out" / "dataset.json").stat().st_mtime_ns == before
    with pytest.raises(DataError, match="seed is 0 there and 1 here"):
        write_one_per_image(dataset, tmp_path / "out", **CHOICE, seed=1)


def test_what_is_there_is_not_replaced(dataset, make_dataset, tmp_path):
    pack = make_dataset(tmp_path / "pack", {"ant": 2, "bee": 2})
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "holiday.jpg").touch()
    for folder in (pack.folder, tmp_path / "full"):
        with pytest.raises(DataError, match="no data set with one corruption per image"):
            write_one_per_image(dataset, folder, **CHOICE)
    with pytest.raises(DataError, match="read as part of the data"):
        write_one_per_image(pack, pack.folder, **CHOICE)


def test_interrupted_it_leaves_nothing(dataset, tmp_path, monkeypatch):
    import signal

    monkeypatch.setattr(one_per_image.npy, "write_rows", lambda *_: signal.raise_signal(signal.SIGTERM))
    with pytest.raises(Interrupted):
        write_one_per_image(dataset, tmp_path / "out", **CHOICE)
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_pack_says_how_to_make_it_again(dataset, tmp_path):
    made = write_one_per_image(dataset, tmp_path / "out", **CHOICE, command="rugged corrupt SRC out --one-per-image")
    (made.folder / "val-ids.txt").write_text("")
    with pytest.raises(DataError, match="Make it again: rugged corrupt SRC out --one-per-image"):
        open_dataset(tmp_path / "out")


@pytest.mark.parametrize("damage", ["cut", "missing"])
def test_the_advice_for_a_damaged_pack_makes_it_again(damage, dataset, tmp_path, capsys):
    made = write_one_per_image(dataset, tmp_path / "out", **CHOICE)
    if damage == "cut":
        os.truncate(made.folder / "val-images.npy", 200)
    else:
        (made.folder / "val-labels.npy").unlink()
    assert write_one_per_image(dataset, tmp_path / "out", **CHOICE).content_hash == made.content_hash
    assert open_dataset(tmp_path / "out").content_hash == made.content_hash
    assert "already" not in capsys.readouterr().err


def test_another_size_is_no_advice_to_pack_it_again(dataset, tmp_path):
    write_one_per_image(dataset, tmp_path / "out", **CHOICE, command="rugged corrupt SRC out --one-per-image")
    with pytest.raises(DataError, match=r"packed at 16 x 16, not at 32 x 32. Leave the size out\.$"):
        open_dataset(tmp_path / "out", size=32)


def test_a_second_writer_waits_and_finds_the_pack(dataset, tmp_path):
    """As the ranks of torchrun do, which all get the same command."""
    with ThreadPoolExecutor(3) as pool:
        packs = list(pool.map(lambda _: write_one_per_image(dataset, tmp_path / "out", **CHOICE), range(3)))
    assert len({pack.content_hash for pack in packs}) == 1
    assert [path.name for path in tmp_path.iterdir() if "out" in path.name] == ["out"]
