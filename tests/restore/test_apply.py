"""Picture files of every kind come out restored, and nothing of the user's is touched."""

import os
import signal

import numpy as np
import pytest
import torch
from PIL import Image

import rugged.restore.apply
from rugged.core.errors import DataError, Interrupted, RunError
from rugged.models import RestorerSpec, make_restorer, save_restorer
from rugged.restore.apply import apply_restorer

SPEC = RestorerSpec(width=4, blocks=(1, 1), blocks_up=(1,))


@pytest.fixture
def restorer(tmp_path):
    """Takes half of a tenth from every picture: 12.75 levels, and so 13 from whole numbers of them."""
    module = make_restorer(SPEC)
    torch.nn.init.zeros_(module.damage.weight)
    torch.nn.init.zeros_(module.damage.bias)
    torch.nn.init.constant_(module.head[-1].bias, -0.1)
    save_restorer(tmp_path / "run" / "restorer.safetensors", module, SPEC)
    return tmp_path / "run"


@pytest.fixture
def pictures(tmp_path):
    rng = np.random.default_rng(0)
    folder = tmp_path / "pictures"
    (folder / "inner").mkdir(parents=True)
    Image.fromarray(rng.integers(0, 256, (61, 37, 3), dtype=np.uint8)).save(folder / "odd.png")
    Image.fromarray(rng.integers(0, 256, (5, 9), dtype=np.uint8)).save(folder / "inner" / "grey.png")
    Image.fromarray(rng.integers(0, 256, (1, 1, 3), dtype=np.uint8)).save(folder / "inner" / "dot.bmp")
    Image.fromarray(np.full((8, 8, 4), (200, 100, 50, 0), np.uint8)).save(folder / "glass.png")
    Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(folder / "photo.jpg")
    (folder / "notes.txt").write_text("no picture")
    return folder


def read(path):
    with Image.open(path) as image:
        return image.format, image.mode, np.asarray(image)


def test_a_folder_is_restored_as_it_stands(restorer, pictures, tmp_path):
    assert apply_restorer(restorer, pictures, tmp_path / "out", device="cpu") == tmp_path / "out"
    made = {path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.png")}
    assert made == {"odd.png", "inner/grey.png", "inner/dot.png", "glass.png", "photo.png"}
    for name in ("odd.png", "inner/grey.png"):
        darker = np.maximum(read(pictures / name)[2].astype(int) - 13, 0)
        assert np.array_equal(read(tmp_path / "out" / name)[2], darker)
    assert read(tmp_path / "out" / "inner" / "grey.png")[1] == "L"
    # What was transparent was seen on white.
    assert (read(tmp_path / "out" / "glass.png")[2] == 255 - 13).all()


def test_formats_are_kept_if_asked_for(restorer, pictures, tmp_path):
    apply_restorer(restorer, pictures, tmp_path / "out", keep_format=True, device="cpu")
    assert read(tmp_path / "out" / "photo.jpg")[0] == "JPEG"
    assert read(tmp_path / "out" / "inner" / "dot.bmp")[0] == "BMP"


def test_two_pictures_of_one_name_are_both_written(restorer, pictures, tmp_path):
    (pictures / "photo.png").write_bytes((pictures / "odd.png").read_bytes())
    apply_restorer(restorer, pictures, tmp_path / "out", device="cpu")
    assert read(tmp_path / "out" / "photo.jpg.png")[2].shape == (16, 16, 3)
    assert read(tmp_path / "out" / "photo.png")[2].shape == (61, 37, 3)


def test_a_name_made_longer_takes_no_other_pictures_place(restorer, pictures, tmp_path):
    for name in ("photo.png", "photo.jpg.png"):
        (pictures / name).write_bytes((pictures / "odd.png").read_bytes())
    apply_restorer(restorer, pictures, tmp_path / "out", device="cpu")
    made = {path.name: read(path)[2].shape[:2] for path in (tmp_path / "out").glob("photo*")}
    assert made == {"photo.jpg.png.png": (16, 16), "photo.png": (61, 37), "photo.jpg.png": (61, 37)}


def test_bad_pictures_are_named_and_the_others_done(restorer, pictures, tmp_path):
    (pictures / "bad.png").write_bytes(b"nonsense")
    (pictures / "cut.jpg").write_bytes((pictures / "photo.jpg").read_bytes()[:200])
    with pytest.raises(
        DataError, match=r"2 could not be restored; the others, 5 pictures, (.|\n)*bad.png: not a picture(.|\n)*cut"
    ):
        apply_restorer(restorer, pictures, tmp_path / "out", device="cpu")
    assert len(list((tmp_path / "out").rglob("*.png"))) == 5


def test_what_cannot_be_reached_is_named_and_the_others_done(restorer, pictures, tmp_path):
    (pictures / "lost.png").symlink_to(tmp_path / "gone.png")
    (pictures / "ring").symlink_to(pictures)
    (pictures / "two\nlines.png").write_bytes((pictures / "odd.png").read_bytes())
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "lost").symlink_to(tmp_path / "gone")
    with pytest.raises(DataError, match="3 could not be restored; the others, 5 pictures, are in") as raised:
        apply_restorer(restorer, pictures, tmp_path / "out", device="cpu")
    for named in ("lost.png: broken link", "ring: endless link", r"two\nlines.png': unusable name"):
        assert named in str(raised.value)
    assert len(list((tmp_path / "out").rglob("*.png"))) == 5
    with pytest.raises(DataError, match=r"holds no pictures(.|\n)*lost: broken link"):
        apply_restorer(restorer, tmp_path / "links", tmp_path / "none", device="cpu")
    assert not (tmp_path / "none").exists()


def test_it_goes_on_where_it_stopped(restorer, pictures, tmp_path, monkeypatch):
    original, done = rugged.restore.apply._restored, []

    def restore_then_stop(opened, task):
        done.append(task.target)
        if len(done) == 2:
            signal.raise_signal(signal.SIGINT)
        return original(opened, task)

    monkeypatch.setattr(rugged.restore.apply, "_restored", restore_then_stop)
    with pytest.raises(Interrupted):
        apply_restorer(restorer, pictures, tmp_path / "out", device="cpu")
    assert len(list((tmp_path / "out").rglob("*.png"))) == 2
    apply_restorer(restorer, pictures, tmp_path / "out", device="cpu")
    assert len(done) == len(set(done)) == 5


def test_a_picture_that_has_changed_is_restored_anew(restorer, pictures, tmp_path, capfd):
    apply_restorer(restorer, pictures, tmp_path / "out", device="cpu")
    assert "Restored 5 pictures.\n" in capfd.readouterr().err
    apply_restorer(restorer, pictures, tmp_path / "out", device="cpu")
    assert "Restored 0 pictures (5 were done before).\n" in capfd.readouterr().err
    Image.fromarray(np.full((4, 4, 3), 100, np.uint8)).save(pictures / "odd.png")
    Image.fromarray(np.full((4, 4, 3), 50, np.uint8)).save(tmp_path / "old.png")
    os.utime(tmp_path / "old.png", (0, 0))
    (tmp_path / "old.png").replace(pictures / "glass.png")  # Its date is older than that of what was restored.
    apply_restorer(restorer, pictures, tmp_path / "out", device="cpu")
    assert "Restored 2 pictures (3 were done before).\n" in capfd.readouterr().err
    assert (read(tmp_path / "out" / "odd.png")[2] == 100 - 13).all()
    assert (read(tmp_path / "out" / "glass.png")[2] == 50 - 13).all()


def test_another_restorers_pictures_are_not_mixed_in(restorer, pictures, tmp_path):
    apply_restorer(restorer, pictures, tmp_path / "out", device="cpu")
    save_restorer(tmp_path / "other.safetensors", make_restorer(SPEC), SPEC)
    with pytest.raises(RunError, match="another restorer"):
        apply_restorer(tmp_path / "other.safetensors", pictures, tmp_path / "out", device="cpu")
    with pytest.raises(RunError, match="from another folder"):  # Its pictures, named alike, are not those made.
        apply_restorer(restorer, pictures / "inner", tmp_path / "out", device="cpu")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(RunError, match="is not empty"):
        apply_restorer(restorer, pictures, tmp_path / "mine", device="cpu")


def test_a_single_picture(restorer, pictures, tmp_path):
    apply_restorer(restorer, pictures / "odd.png", tmp_path / "one.jpg", device="cpu")
    assert read(tmp_path / "one.jpg")[0] == "JPEG"
    with pytest.raises(DataError, match="no ending that says what to write"):
        apply_restorer(restorer, pictures / "odd.png", tmp_path / "one.gif", device="cpu")
    before = (pictures / "odd.png").read_bytes()
    with pytest.raises(DataError, match="is the picture itself"):
        apply_restorer(restorer, pictures / "odd.png", pictures / "odd.png", device="cpu")
    assert (pictures / "odd.png").read_bytes() == before
    with pytest.raises(DataError, match=r"notes.txt cannot be restored: not a picture"):
        apply_restorer(restorer, pictures / "notes.txt", tmp_path / "two.png", device="cpu")
    assert not (tmp_path / "two.png").exists()


def test_what_is_not_there_and_what_lies_inside_is_refused(restorer, pictures, tmp_path):
    with pytest.raises(DataError, match="There is no picture or folder"):
        apply_restorer(restorer, tmp_path / "gone", tmp_path / "out", device="cpu")
    with pytest.raises(DataError, match="lies in"):
        apply_restorer(restorer, pictures, pictures / "out", device="cpu")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="holds no pictures"):
        apply_restorer(restorer, tmp_path / "empty", tmp_path / "out", device="cpu")
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(DataError, match=r"pipe\.png is neither a picture's file nor a folder"):
        apply_restorer(restorer, tmp_path / "pipe.png", tmp_path / "out.png", device="cpu")


def test_a_picture_that_its_format_does_not_take_is_named(restorer, tmp_path):
    """A side of a WebP has 14 bits: at most 16,383 pixels."""
    Image.new("RGB", (16_384, 1)).save(tmp_path / "strip.png")
    with pytest.raises(DataError, match=r"strip.png cannot be restored: cannot be written as WEBP \(16384 x 1 pixels"):
        apply_restorer(restorer, tmp_path / "strip.png", tmp_path / "one.webp", device="cpu")
    assert not (tmp_path / "one.webp").exists()


def test_a_folder_is_not_restored_into_a_file(restorer, pictures, tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(DataError, match=r"letter.txt is a file; expected a folder"):
        apply_restorer(restorer, pictures, tmp_path / "letter.txt", device="cpu")
    assert (tmp_path / "letter.txt").read_text() == "dear"
