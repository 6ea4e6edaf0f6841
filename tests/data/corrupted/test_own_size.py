"""Copies of loose picture files are what ``corrupt`` gives for each, in its own size, under its own name."""

import io
import shutil
import signal

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from rugged.core.errors import ConfigError, CorruptionError, DataError, Interrupted
from rugged.core.files import read_json
from rugged.corruptions import choose_corruptor, corrupt
from rugged.data.corrupted import encode
from rugged.data.corrupted.file_pictures import FilePictures
from rugged.data.corrupted.layout import Job
from rugged.data.corrupted.own_size import write_corrupted_files
from rugged.data.corrupted.shard import Shard
from rugged.data.corrupted.single_files import SingleFiles

CELLS = {"corruptions": ("gaussian_noise", "contrast"), "severities": (2, 5), "workers": 1}
COLOUR = {"street.jpg": (48, 64), "deep/er/cat.JPEG": (30, 41), "deep/dog.png": (77, 20), "deep/dog.bmp": (9, 9)}
NAMES = {
    "jpeg": ["street.jpg", "deep/er/cat.JPEG", "deep/dog.png.jpg", "deep/dog.bmp.jpg", "grey.jpg"],
    "png": ["street.png", "deep/er/cat.png", "deep/dog.png", "deep/dog.bmp.png", "grey.png"],
}


@pytest.fixture
def photos(tmp_path):
    """Pictures of all sizes and kinds, in folders and beside them, and files that are no pictures."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "photos"
    for name, (height, width) in COLOUR.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        coarse = rng.integers(0, 256, (height // 4 + 1, width // 4 + 1, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((width, height)).save(path)
    Image.fromarray(rng.integers(0, 256, (25, 35), dtype=np.uint8)).save(folder / "grey.gif")
    (folder / "labels.json").write_text("{}")
    (folder / ".hidden.png").write_bytes(b"no picture")
    return folder


@pytest.fixture
def small_items(monkeypatch):
    """One picture an item."""
    monkeypatch.setattr("rugged.data.corrupted.single_files._PIXELS_AN_ITEM", 1)


def expected(photos, path, corruption, severity, **options):
    """``(H, W, 3)``: what ``corrupt`` gives for one file as Pillow decodes it."""
    with Image.open(photos / path) as image:
        pixels = np.array(image.convert("RGB"))
    batch = torch.from_numpy(pixels).permute(2, 0, 1)[None]
    options = {"preset": "imagenet224", **options}
    return corrupt(batch, corruption, severity, ids=[path], **options)[0].permute(1, 2, 0).numpy()


def test_png_copies_hold_what_corrupt_gives_for_each_picture(photos, tmp_path):
    written = write_corrupted_files(photos, tmp_path / "out", **CELLS, seed=7, preset="tiny64", file_format="png")
    assert (written.folder, written.pictures, written.missing_shards) == (tmp_path / "out", 20, ())
    for path, name in zip([*COLOUR, "grey.gif"], NAMES["png"], strict=True):
        for corruption in CELLS["corruptions"]:
            for severity in CELLS["severities"]:
                file = tmp_path / "out" / corruption / str(severity) / name
                ours = expected(photos, path, corruption, severity, seed=7, preset="tiny64")
                with Image.open(file) as image:
                    np.testing.assert_array_equal(np.asarray(image), ours)


@pytest.mark.parametrize("file_format", ["jpeg", "png"])
def test_names_stay_where_they_say_the_format_and_no_two_become_one(photos, tmp_path, tree, file_format):
    write_corrupted_files(photos, tmp_path / "out", **CELLS, file_format=file_format)
    cells = [f"{corruption}/{severity}" for corruption in CELLS["corruptions"] for severity in CELLS["severities"]]
    names = {f"{cell}/{name}" for cell in cells for name in NAMES[file_format]}
    assert set(tree(tmp_path / "out")) == names | {"manifest.json"}


def test_jpeg_copies_are_those_that_pillow_writes(photos, tmp_path):
    write_corrupted_files(photos, tmp_path / "out", **CELLS)
    data = io.BytesIO()
    Image.fromarray(expected(photos, "street.jpg", "contrast", 5)).save(data, "JPEG", quality=85, optimize=True)
    assert (tmp_path / "out" / "contrast" / "5" / "street.jpg").read_bytes() == data.getvalue()


def test_one_picture_alone(photos, tmp_path, tree):
    write_corrupted_files(photos / "deep" / "dog.png", tmp_path / "out", corruptions=["fog"], severities=[3])
    assert set(tree(tmp_path / "out")) == {"manifest.json", "fog/3/dog.jpg"}


def test_the_manifest_says_how_and_nothing_of_where(photos, tmp_path):
    write_corrupted_files(photos, tmp_path / "out", **CELLS, seed=3)
    manifest = read_json(tmp_path / "out" / "manifest.json")
    assert manifest["source"]["name"] == "photos"
    assert (manifest["preset"], manifest["seed"], manifest["complete"]) == ("imagenet224", 3, True)
    assert manifest["counts"] == {name: {"2": 5, "5": 5} for name in CELLS["corruptions"]}
    assert any("its own size" in note and "224 × 224" in note for note in manifest["notes"])
    assert str(tmp_path) not in (tmp_path / "out" / "manifest.json").read_text()


@pytest.mark.usefixtures("small_items")
def test_interrupted_and_run_again_it_writes_what_is_missing(photos, tmp_path, tree, monkeypatch):
    write_corrupted_files(photos, tmp_path / "whole", **CELLS)
    original, written = SingleFiles.write, []

    def write(self, item):
        written.append(item)
        if len(written) == 7:
            signal.raise_signal(signal.SIGTERM)
        original(self, item)

    monkeypatch.setattr(SingleFiles, "write", write)
    with pytest.raises(Interrupted, match="Run the same command again"):
        write_corrupted_files(photos, tmp_path / "cut", **CELLS)
    assert read_json(tmp_path / "cut" / "manifest.json")["complete"] is False
    write_corrupted_files(photos, tmp_path / "cut", **CELLS)
    assert len(written) == len(set(written)) == 20
    assert tree(tmp_path / "cut") == tree(tmp_path / "whole")


@pytest.mark.usefixtures("small_items")
@pytest.mark.parametrize("order", [(1, 2), (2, 1)])
def test_shares_and_processes_make_the_same_tree(photos, tmp_path, tree, order):
    write_corrupted_files(photos, tmp_path / "whole", **CELLS)
    for number, workers in zip(order, (1, 2), strict=True):
        how = {**CELLS, "workers": workers}
        done = write_corrupted_files(photos, tmp_path / "shared", **how, shard=Shard(number, 2))
    assert done.missing_shards == ()
    assert tree(tmp_path / "shared") == tree(tmp_path / "whole")


def test_bad_pictures_are_named_before_anything_is_written_or_left_out(photos, tmp_path, tree):
    cut = (photos / "street.jpg").read_bytes()[:200]
    (photos / "street.jpg").write_bytes(cut)
    (photos / "gone.png").symlink_to("nowhere")
    with pytest.raises(DataError, match=r"In .* 2 cannot be used(.|\n)*gone\.png: (.|\n)*street\.jpg: "):
        write_corrupted_files(photos, tmp_path / "out", **CELLS)
    assert not (tmp_path / "out").exists()
    write_corrupted_files(photos, tmp_path / "out", **CELLS, bad_images="skip")
    names = {path.rpartition("/")[2] for path in tree(tmp_path / "out")}
    assert names == {"manifest.json", "cat.JPEG", "dog.png.jpg", "dog.bmp.jpg", "grey.jpg"}
    assert "left out: 2" in " ".join(read_json(tmp_path / "out" / "manifest.json")["notes"])


def test_a_copy_that_was_lost_or_emptied_is_written_again(photos, tmp_path, tree):
    write_corrupted_files(photos, tmp_path / "out", **CELLS)
    whole = tree(tmp_path / "out")
    (tmp_path / "out" / "contrast" / "2" / "street.jpg").unlink()
    (tmp_path / "out" / "contrast" / "5" / "deep" / "er" / "cat.JPEG").write_bytes(b"")
    write_corrupted_files(photos, tmp_path / "out", **CELLS)
    assert tree(tmp_path / "out") == whole


@pytest.mark.parametrize(
    ("change", "difference"), [("seed", "seed"), ("picture", "content_hash"), ("more", "pictures is 5 there and 6")]
)
def test_a_folder_that_was_begun_otherwise_is_refused(photos, tmp_path, tree, change, difference):
    write_corrupted_files(photos, tmp_path / "out", **CELLS)
    whole = tree(tmp_path / "out")
    if change != "seed":
        Image.new("RGB", (40, 40), "red").save(photos / ("street.jpg" if change == "picture" else "street2.jpg"))
    with pytest.raises(DataError, match=f"begun otherwise.*{difference}"):
        write_corrupted_files(photos, tmp_path / "out", **CELLS, seed=int(change == "seed"))
    assert tree(tmp_path / "out") == whole


def test_where_the_pictures_lie_changes_nothing(photos, tmp_path, tree):
    shutil.copytree(photos, tmp_path / "elsewhere" / "photos", ignore=shutil.ignore_patterns(".*"))
    for source, out in ((photos, "one"), (tmp_path / "elsewhere" / "photos", "two")):
        write_corrupted_files(source, tmp_path / out, **CELLS)
    assert tree(tmp_path / "one") == tree(tmp_path / "two")


def test_a_picture_that_changes_meanwhile_is_no_other_picture(photos, tmp_path, monkeypatch):
    original = SingleFiles.write

    def write(self, item):
        Image.new("RGB", (40, 40), "red").save(photos / "street.jpg")
        original(self, item)

    monkeypatch.setattr(SingleFiles, "write", write)
    with pytest.raises(DataError, match=r"street\.jpg cannot be used any more: changed"):
        write_corrupted_files(photos, tmp_path / "out", **CELLS)
    assert read_json(tmp_path / "out" / "manifest.json")["complete"] is False


def test_a_copy_is_never_where_a_folder_is(photos, tmp_path, tree):
    """``dog.bmp`` would become ``dog.jpg``, and ``dog.png`` too; that is a folder of pictures."""
    (photos / "deep" / "dog.jpg").mkdir()
    shutil.copy(photos / "street.jpg", photos / "deep" / "dog.jpg" / "street.jpg")
    written = write_corrupted_files(photos, tmp_path / "out", **CELLS)
    assert written.pictures == len(tree(tmp_path / "out")) - 1 == 24
    shutil.rmtree(tmp_path / "out" / "contrast" / "2" / "deep" / "dog.jpg")
    (tmp_path / "out" / "contrast" / "2" / "street.jpg").unlink()
    (tmp_path / "out" / "contrast" / "2" / "street.jpg").mkdir()
    with pytest.raises(DataError, match="Cannot write"):
        write_corrupted_files(photos, tmp_path / "out", **CELLS)


def test_the_same_folder_by_another_name_goes_on(photos, tmp_path, monkeypatch):
    write_corrupted_files(photos, tmp_path / "out", **CELLS)
    (tmp_path / "link").symlink_to(photos)
    monkeypatch.chdir(photos)
    for source in (".", tmp_path / "link"):
        assert write_corrupted_files(source, tmp_path / "out", **CELLS).pictures == 20


def test_what_is_too_long_for_the_format_or_for_a_name_is_known_before(photos, tmp_path, monkeypatch):
    monkeypatch.setitem(encode.LONGEST_SIDE, "jpeg", 63)
    with pytest.raises(DataError, match=r"street\.jpg: too long to be written \(64 x 48 pixels; at most 63\)"):
        write_corrupted_files(photos, tmp_path / "out", **CELLS)
    with pytest.raises(DataError, match="too long"):  # The corruption stores it as JPEG, too.
        write_corrupted_files(photos, tmp_path / "out", corruptions=["jpeg_compression"], file_format="png")
    (photos / f"{'n' * 251}.png").write_bytes((photos / "deep" / "dog.png").read_bytes())
    (photos / f"{'n' * 251}.bmp").write_bytes((photos / "deep" / "dog.bmp").read_bytes())
    with pytest.raises(DataError, match="which no file can be called"):
        write_corrupted_files(photos, tmp_path / "out", **CELLS, file_format="png")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("can't allocate memory: 8 GB"), cv2.error("Insufficient memory")]
)
def test_want_of_memory_is_said_of_the_picture(photos, tmp_path, monkeypatch, error):
    def corrupt(*_, **__):
        raise error

    monkeypatch.setattr("rugged.corruptions.corruptor.corrupt", corrupt)
    with pytest.raises(CorruptionError, match=r"dog\.bmp: gaussian_noise needs more memory than there is"):
        write_corrupted_files(photos, tmp_path / "out", **CELLS)


def test_other_errors_are_not_taken_for_want_of_memory(photos, tmp_path, monkeypatch):
    def corrupt(*_, **__):
        raise RuntimeError("another one")

    monkeypatch.setattr("rugged.corruptions.corruptor.corrupt", corrupt)
    with pytest.raises(RuntimeError, match="another one"):
        write_corrupted_files(photos, tmp_path / "out", **CELLS)


def test_want_of_memory_makes_no_picture_a_bad_one(photos, tmp_path, monkeypatch):
    def load(_):
        raise MemoryError

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", load)
    with pytest.raises(DataError, match="needs more memory than there is"):
        write_corrupted_files(photos, tmp_path / "out", **CELLS, bad_images="skip")


def test_small_pictures_are_given_out_some_hundred_at_a_time(tmp_path):
    ids, sizes = tuple(map(str, range(1000))), ((1, 1),) * 1000
    pictures = FilePictures(tmp_path, ids, sizes, ids)
    job = Job(tmp_path / "out", pictures, choose_corruptor((1, 1), ["fog"], None, 0, None), ("fog",), (1,), Shard())
    items = SingleFiles(job, "png", ids).items(Shard())
    assert sum(map(len, items)) == 1000
    assert max(map(len, items)) == 250


def test_a_strangers_folder_is_left_alone(photos, tmp_path, tree):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.txt").write_text("mine")
    with pytest.raises(DataError, match="not a folder of corrupted pictures"):
        write_corrupted_files(photos, tmp_path / "out", **CELLS)
    assert tree(tmp_path / "out") == {"mine.txt": b"mine"}


def test_what_cannot_be_done_is_one_message_and_nothing_written(photos, tmp_path):
    for source, message in ((tmp_path / "none", "no picture or folder"), (photos / ".hidden.png", "can be used")):
        with pytest.raises(DataError, match=message):
            write_corrupted_files(source, tmp_path / "out", **CELLS)
    with pytest.raises(DataError, match="would be read as part of the data"):
        write_corrupted_files(photos, photos / "out", **CELLS)
    with pytest.raises(ConfigError, match="no format 'npy' here; expected one of jpeg, png"):
        write_corrupted_files(photos, tmp_path / "out", **CELLS, file_format="npy")
    Image.new("RGB", (1, 1)).save(photos / "deep" / "dot.png")
    with pytest.raises(CorruptionError, match=r"dot\.png: .*needs pictures of at least"):
        write_corrupted_files(photos, tmp_path / "out", corruptions=["elastic_transform"])
    assert not (tmp_path / "out").exists()
