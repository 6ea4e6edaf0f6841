"""Tiny ImageNet by three routes, and the parsers of its lists."""

import io
import json
import shutil
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from rugged.core.errors import DataError
from rugged.data import open_dataset, prepare_tiny_imagenet
from rugged.data.sources.tiny_imagenet import parse_val_annotations, parse_words

WNIDS = st.from_regex(r"n\d{8}", fullmatch=True)
WORDS = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters=","), min_size=1)


@pytest.fixture
def tiny_zip(tiny_folder, tmp_path):
    path = tmp_path / "tiny-imagenet-200.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(tiny_folder.rglob("*")):
            archive.write(file, file.relative_to(tiny_folder.parent))
    return path


@pytest.fixture
def tiny_parquet(tiny_folder, tmp_path):
    """The same pictures as the hub has them: names in the metadata, several files and row groups, mixed classes."""
    folder = tmp_path / "hub"
    folder.mkdir()
    names = ["n01443537", "n02124075"]
    train = [(file, names.index(file.parent.parent.name)) for file in tiny_folder.glob("train/*/images/*.JPEG")]
    train.sort(key=lambda item: item[0].read_bytes())
    lines = (tiny_folder / "val" / "val_annotations.txt").read_text().splitlines()
    annotated = dict(line.split("\t")[:2] for line in lines)
    val = [(file, names.index(annotated[file.name])) for file in tiny_folder.glob("val/images/*.JPEG")]
    features = {"image": {"_type": "Image"}, "label": {"names": names, "_type": "ClassLabel"}}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    for name, rows in {"train-00000": train[:13], "train-00001": train[13:], "valid-00000": val}.items():
        images = [{"bytes": file.read_bytes(), "path": file.name} for file, _ in rows]
        table = pa.table({"image": images, "label": pa.array([label for _, label in rows], pa.int64())})
        pq.write_table(table.replace_schema_metadata(metadata), folder / f"{name}.parquet", row_group_size=5)
    shutil.copy(tiny_folder / "words.txt", folder)
    return folder


def test_the_official_layout(tiny_folder):
    dataset = prepare_tiny_imagenet(tiny_folder)
    assert dataset.name == "tiny-imagenet"
    assert [(info.id, info.name) for info in dataset.classes] == [
        ("n01443537", "goldfish"),
        ("n02124075", "Egyptian cat"),
    ]
    assert [(train, val) for _, train, val in dataset.counts()] == [(12, 3), (12, 3)]
    assert dataset.val.ids == tuple(
        f"{wnid}/val_{i}" for wnid, odd in (("n01443537", 1), ("n02124075", 0)) for i in (odd, odd + 2, odd + 4)
    )
    for picture_id, pixels in zip(dataset.val.ids, dataset.val.images, strict=True):
        file = tiny_folder / "val" / "images" / f"{picture_id.split('/')[1]}.JPEG"
        np.testing.assert_array_equal(pixels, np.asarray(Image.open(file).convert("RGB")))
    assert "24 of the 100,000 official training pictures." in dataset.notes
    assert "Pictures converted from greyscale to RGB: 1." in dataset.notes
    assert open_dataset("tiny-imagenet").content_hash == dataset.content_hash


def test_three_routes_one_content(tiny_folder, tiny_zip, tiny_parquet, tmp_path):
    routes = [
        prepare_tiny_imagenet(source, tmp_path / f"out-{source.name}")
        for source in (tiny_folder, tiny_zip, tiny_parquet)
    ]
    for dataset in routes[1:]:
        assert dataset.content_hash == routes[0].content_hash
        assert dataset.classes == routes[0].classes
        assert dataset.notes == routes[0].notes
        assert dataset.train.ids == routes[0].train.ids


def test_preparing_again_from_elsewhere_replaces(tiny_folder, tiny_parquet):
    prepare_tiny_imagenet(tiny_parquet)
    (tiny_folder / "train" / "n02124075" / "images" / "n02124075_3.JPEG").unlink()
    prepare_tiny_imagenet(tiny_folder)
    assert len(open_dataset("tiny-imagenet").train) == 23


def test_validation_pictures_sorted_into_folders_are_the_same(tiny_folder, tmp_path):
    before = prepare_tiny_imagenet(tiny_folder, tmp_path / "before")
    annotations = tiny_folder / "val" / "val_annotations.txt"
    for name, wnid in parse_val_annotations(annotations.read_text()).items():
        (tiny_folder / "val" / wnid).mkdir(exist_ok=True)
        (tiny_folder / "val" / "images" / name).rename(tiny_folder / "val" / wnid / name)
    annotations.unlink()
    (tiny_folder / "val" / "images").rmdir()
    assert prepare_tiny_imagenet(tiny_folder, tmp_path / "after").content_hash == before.content_hash


def test_annotations_and_pictures_that_do_not_fit_are_counted(tiny_folder):
    annotations = tiny_folder / "val" / "val_annotations.txt"
    lines = annotations.read_text().splitlines(keepends=True)
    lines[0] = "val_0.JPEG\tn99999999\t0\t0\t9\t9\n"
    lines[1] = "val_77.JPEG\tn01443537\t0\t0\t9\t9\n"
    annotations.write_text("".join(lines))
    with pytest.raises(DataError, match="1 unknown class") as caught:
        prepare_tiny_imagenet(tiny_folder)
    assert "1 no label" in str(caught.value)
    assert "1 missing file" in str(caught.value)


def test_other_folders_are_not_tiny_imagenet(tmp_path, class_folders):
    class_folders(tmp_path / "src", {"cat": 3, "dog": 3})
    with pytest.raises(DataError, match="is not Tiny ImageNet: it has a class 'cat'"):
        prepare_tiny_imagenet(tmp_path / "src")
    with pytest.raises(DataError, match="does not exist"):
        prepare_tiny_imagenet(tmp_path / "nothing")


def test_an_incomplete_folder_is_explained(tiny_folder):
    shutil.rmtree(tiny_folder / "val")
    with pytest.raises(DataError, match="24 training and 0 validation"):
        prepare_tiny_imagenet(tiny_folder)


@given(st.dictionaries(WNIDS, st.lists(WORDS, min_size=1)), st.sampled_from(["\n", "\r\n", "\n\n"]))
def test_words_are_read_back(words, line_end):
    text = line_end.join(f"{wnid}\t{', '.join(names)}" for wnid, names in words.items())
    assert parse_words(text) == {wnid: names[0].strip() for wnid, names in words.items()}


@given(
    st.dictionaries(st.from_regex(r"val_\d{1,5}\.JPEG", fullmatch=True), WNIDS),
    st.sampled_from(["", "\t0\t32\t44\t62", "\t\t"]),
    st.sampled_from(["\n", "\r\n"]),
)
def test_annotations_are_read_back(classes, box, line_end):
    text = "".join(f"{name}\t{wnid}{box}{line_end}" for name, wnid in classes.items())
    assert parse_val_annotations(text) == classes


@given(st.text())
def test_any_text_is_parsed_or_refused(text):
    for parse in (parse_words, parse_val_annotations):
        try:
            result = parse(text)
        except DataError as error:
            assert ".txt" in str(error)  # noqa: PT017 (either outcome is right; a crash is not)
        else:
            assert all(key and value for key, value in result.items())


@pytest.mark.parametrize("line", ["n01443537", "n01443537\t", "\tgoldfish", "n01443537 goldfish"])
def test_a_malformed_word_line_is_named(line):
    with pytest.raises(DataError, match=r"Line 2 of words\.txt"):
        parse_words(f"n00001740\tentity\n{line}\n")


def test_contradicting_annotations_are_refused():
    assert parse_val_annotations("a.JPEG\tn1\na.JPEG\tn1\n") == {"a.JPEG": "n1"}
    with pytest.raises(DataError, match="two classes: n1 and n2"):
        parse_val_annotations("a.JPEG\tn1\na.JPEG\tn2\n")


def test_the_real_validation_pictures(shared, tmp_path):
    """Labels and pixels of the real file against PyArrow and Pillow, without the package's reader."""
    source = shared / "data" / "tiny-imagenet"
    small = tmp_path / "real"
    small.mkdir()
    table = pq.read_table(source / "valid-00000.parquet")
    pq.write_table(table.slice(0, 3000), small / "train-00000.parquet")
    pq.write_table(table.slice(3000, 1000), small / "valid-00000.parquet")
    names = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]["label"]["names"]
    dataset = prepare_tiny_imagenet(small)
    assert [info.id for info in dataset.classes] == names
    assert dataset.classes[0].name == "n01443537"  # words.txt was not copied.
    rows = table.slice(3000, 1000).to_pylist()
    expected = {
        f"{names[row['label']]}/{row['image']['path'].removesuffix('.JPEG')}": row["image"]["bytes"] for row in rows
    }
    assert set(dataset.val.ids) == expected.keys()
    for picture_id, pixels in zip(dataset.val.ids, dataset.val.images, strict=True):
        np.testing.assert_array_equal(pixels, np.asarray(Image.open(io.BytesIO(expected[picture_id])).convert("RGB")))
