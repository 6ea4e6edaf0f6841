"""Parquet files of the hub that are not as they should be."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from rugged.core.errors import DataError
from rugged.data import open_dataset, pack_source
from rugged.data.sources.parquet import parquet_files


@pytest.fixture
def write(noise, encode):
    """Write a file of pictures with the given labels and names; gives nothing."""

    def write(path, labels, paths=None, names=("zebra", "ant"), **columns):
        path.parent.mkdir(parents=True, exist_ok=True)
        paths = paths or [f"{path.stem}_{i}.png" for i in range(len(labels))]
        images = [{"bytes": encode(noise(i)), "path": name} for i, name in enumerate(paths)]
        table = pa.table(columns or {"image": images, "label": pa.array(labels, pa.int64())})
        metadata = {"huggingface": json.dumps({"info": {"features": {"label": {"names": list(names)}}}})}
        pq.write_table(table.replace_schema_metadata(metadata if names else None), path)

    return write


@pytest.mark.parametrize("place", ["", "data/"])
@pytest.mark.parametrize("val", ["validation-00000-of-00001", "valid-0", "test-00000", "val"])
def test_labels_follow_the_sorted_names_not_the_order_of_the_metadata(place, val, tmp_path, write):
    write(tmp_path / f"{place}train-00000-of-00001.parquet", [0, 1, 1])
    write(tmp_path / f"{place}{val}.parquet", [1, 0])
    dataset = open_dataset(tmp_path)
    assert [info.id for info in dataset.classes] == ["ant", "zebra"]
    assert [dataset.classes[label].id for label in dataset.train.labels] == ["ant", "ant", "zebra"]
    assert all(picture_id.startswith("ant/") for picture_id in dataset.train.ids[:2])


def test_many_files_and_the_split_that_counts(tmp_path):
    for name in ("train-1", "train-0", "test-0", "valid-0", "extra"):
        (tmp_path / f"{name}.parquet").touch()
    found = parquet_files(tmp_path)
    assert [file.stem for file in found["train"]] == ["train-0", "train-1"]
    assert [file.stem for file in found["val"]] == ["valid-0"]


def test_pictures_without_names_are_named_by_their_row(tmp_path, write):
    write(tmp_path / "train-0.parquet", [0, 1], [None, None])
    write(tmp_path / "val-0.parquet", [0, 1])
    assert open_dataset(tmp_path).train.ids == ("ant/train-0-000001", "zebra/train-0-000000")


def test_without_validation_files_pictures_are_held_out(tmp_path, write):
    write(tmp_path / "train-0.parquet", [0] * 10 + [1] * 10)
    dataset = open_dataset(tmp_path)
    assert [(train, val) for _, train, val in dataset.counts()] == [(8, 2), (8, 2)]


def test_rows_without_a_label_are_counted(tmp_path, write):
    write(tmp_path / "train-0.parquet", [0, 1, None, -1, 2])
    write(tmp_path / "val-0.parquet", [0, 1])
    with pytest.raises(DataError, match="3 no label"):
        open_dataset(tmp_path)
    assert len(pack_source(tmp_path, bad_images="skip").train) == 2


def test_names_that_cannot_stand_in_a_list_of_ids_are_counted(tmp_path, write):
    """As in folders and archives, whose ids these would be, too."""
    write(tmp_path / "train-0.parquet", [0, 1, 0, 0, 1], ["a\nb.png", "c\rd/fine.png", "..", "tab\t.png", "\x1f"])
    write(tmp_path / "val-0.parquet", [0, 1])
    with pytest.raises(DataError, match=r"4 unusable name.*\n.*row 0 \('a\\nb.png'\)"):
        open_dataset(tmp_path)
    assert pack_source(tmp_path, bad_images="skip").train.ids == ("ant/fine",)


def test_a_path_without_a_name_is_named_by_its_row(tmp_path, write):
    write(tmp_path / "train-0.parquet", [0, 1, 1], [".", "/", ""])
    write(tmp_path / "val-0.parquet", [0, 1])
    assert open_dataset(tmp_path).train.ids == ("ant/train-0-000001", "ant/train-0-000002", "zebra/train-0-000000")


@pytest.mark.parametrize("name", ["n/a", "/", "", ".", "..", "a\nx", "a\x7f"])
def test_class_names_that_no_folder_can_have_are_refused(name, tmp_path, write):
    write(tmp_path / "train-0.parquet", [0, 1], names=("ant", name))
    with pytest.raises(DataError, match="which cannot be the name of a folder"):
        open_dataset(tmp_path)


@pytest.mark.parametrize("labels", [[0.0, 1.0], ["0", "1"], [[0], [1]], [False, True], [None, None]])
def test_labels_that_are_no_integers_are_explained(labels, tmp_path, write, noise, encode):
    images = [{"bytes": encode(noise(i)), "path": f"{i}.png"} for i in range(2)]
    write(tmp_path / "train-0.parquet", labels, image=images, label=labels)
    with pytest.raises(DataError, match=r"labels are of the type .*a 'label' column of integers"):
        open_dataset(tmp_path)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"names": ()}, "does not name its classes"),
        ({"names": ("ant", "ant")}, "names a class twice"),
        ({"img": [b"x"], "label": [0]}, "Expected an 'image' column"),
        ({"image": [b"x"], "label": [0]}, "Expected an 'image' column"),
    ],
)
def test_other_files_are_explained(fault, message, tmp_path, write):
    write(tmp_path / "train-0.parquet", [0], **fault)
    with pytest.raises(DataError, match=message):
        open_dataset(tmp_path)


def test_files_of_different_data_sets_are_refused(tmp_path, write):
    write(tmp_path / "train-0.parquet", [0, 1])
    write(tmp_path / "val-0.parquet", [0, 1], names=("ant", "zebra"))
    with pytest.raises(DataError, match="names other classes"):
        open_dataset(tmp_path)


def test_damaged_files_are_named(tmp_path, write):
    write(tmp_path / "val-0.parquet", [0, 1])
    with pytest.raises(DataError, match=r"no train-\*\.parquet"):
        open_dataset(tmp_path)
    (tmp_path / "train-0.parquet").write_bytes(b"PAR1 and then nothing")
    with pytest.raises(DataError, match=r"train-0\.parquet is damaged"):
        open_dataset(tmp_path)
    with pytest.raises(DataError, match="Name the folder"):
        open_dataset(tmp_path / "train-0.parquet")
