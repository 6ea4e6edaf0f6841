"""The pictures of a split in their own size are those that the data set has, and nothing is written among them."""

import numpy as np
import pytest

from rugged.core.errors import DataError
from rugged.data import open_dataset, pack_source
from rugged.data.own_size import pictures_in_own_size


def ids(where, out, split="val"):
    return [picture.id for picture in pictures_in_own_size(str(where), split, out)[0]]


def test_a_source_gives_what_its_pack_holds(class_folders, tmp_path):
    made = class_folders(tmp_path / "src", {"a": 10, "b": 5})
    for split in ("train", "val"):
        found = pictures_in_own_size(str(tmp_path / "src"), split, tmp_path / "out")[0]
        assert tuple(picture.id for picture in found) == getattr(open_dataset(tmp_path / "src"), split).ids
        for picture in found:
            np.testing.assert_array_equal(picture.load(), made[picture.id])


def test_another_division_of_the_same_source_is_told(class_folders, tmp_path):
    """Else training pictures of one would be written beside validation pictures of the other."""
    class_folders(tmp_path / "src", {"a": 10, "b": 10})
    facts = []
    for holdout in (0.5, 0.2, 0.5):
        pack_source(tmp_path / "src", holdout=holdout)
        facts.append(pictures_in_own_size(str(tmp_path / "src"), "val", tmp_path / "out")[1])
    assert facts[0] == facts[2]
    assert {key for key in facts[0] if facts[0][key] != facts[1][key]} == {"pictures"}


def test_a_limit_is_no_other_division(class_folders, tmp_path):
    class_folders(tmp_path / "src", {"a": 10, "b": 10})
    few, facts = pictures_in_own_size(str(tmp_path / "src"), "val", tmp_path / "out", 2)
    assert len(few) == 2
    assert facts == pictures_in_own_size(str(tmp_path / "src"), "val", tmp_path / "out")[1]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder, noise: noise(1).save(folder / "a" / "0.jpg"), "1 duplicate name"),
        (lambda folder, noise: noise(1).save(folder / "a" / "c\td.png"), "1 unusable name"),
        (lambda folder, noise: (folder / "empty").mkdir(), "1 empty class"),
    ],
)
def test_what_packing_refuses_is_refused_before_anything_is_decoded(class_folders, tmp_path, noise, spoil, message):
    class_folders(tmp_path / "src", {"a": 5, "b": 5})
    spoil(tmp_path / "src", noise)
    for take in (open_dataset, lambda where: ids(where, tmp_path / "out")):
        with pytest.raises(DataError, match=message):
            take(tmp_path / "src")
    skipped = pack_source(tmp_path / "src", bad_images="skip")
    assert tuple(ids(tmp_path / "src", tmp_path / "out")) == skipped.val.ids


def test_nothing_is_written_into_what_is_read(class_folders, tmp_path):
    class_folders(tmp_path / "src", {"a": 5, "b": 5})
    pack_source(tmp_path / "src", tmp_path / "pack")
    for where, out in (("src", "src/a/out"), ("pack", "pack/out"), ("pack", "src/a/out")):
        with pytest.raises(DataError, match="would be read as part of the data"):
            pictures_in_own_size(str(tmp_path / where), "val", tmp_path / out)
    assert ids(tmp_path / "src", tmp_path / "out") == ids(tmp_path / "pack", tmp_path / "out")
