"""``rugged perturb`` as a person calls it."""

import json
import shutil
import signal
import sys
import time

import numpy as np
import pytest
import torch
import typer
from PIL import Image
from tests.forked import Forked
from typer.testing import CliRunner

from rugged.cli import app
from rugged.cli.perturb import perturb as command
from rugged.core.errors import CorruptionError, DataError, RuggedError, RunError
from rugged.perturbations import perturb, storage
from rugged.perturbations.video import read_video


@pytest.fixture
def run(picture_folder, tmp_path, monkeypatch):
    """Call the command on a small folder of pictures; an error is raised as it is."""
    monkeypatch.chdir(tmp_path)
    alone = typer.Typer()  # The whole command line turns errors into exits; here they are to be seen.
    alone.command()(command)

    def call(*arguments):
        result = CliRunner().invoke(alone, ["pictures", *map(str, arguments)], catch_exceptions=True)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == 0, result.output
        return result.output

    return call


def pixels(tmp_path, name):
    with Image.open(tmp_path / "pictures" / "val" / f"{name}.png") as picture:
        return np.asarray(picture)


def in_memory(tmp_path, name, sequence, **arguments):
    images = torch.from_numpy(pixels(tmp_path, name).transpose(2, 0, 1)[None].copy())
    return perturb(images, sequence, ids=[name], **arguments)[0].permute(0, 2, 3, 1).numpy()


def test_frames_are_those_of_the_library(run, tmp_path):
    output = run("out", "--sequences", "gaussian_noise,rotate,motion_blur", "--seed", 4, "--difficulty", 2)
    assert "gaussian_noise_2  18 sequences" in output
    for sequence, frames in (("gaussian_noise", 31), ("rotate", 31), ("motion_blur", 21)):
        exact = in_memory(tmp_path, "above/val03", sequence, seed=4, difficulty=2)
        folder = tmp_path / "out" / storage.folder_name(sequence, 2) / "above" / "val03"
        files = sorted(folder.iterdir())
        assert [file.name for file in files] == [f"{number:02}.png" for number in range(frames)]
        for file, frame in zip(files, exact, strict=True):
            with Image.open(file) as picture:
                np.testing.assert_array_equal(np.asarray(picture), frame)


def test_videos_are_near_them(run, tmp_path):
    run("out", "--sequences", "shear", "--format", "mp4", "--preset", "tiny64", "--limit", 4)
    written = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.mp4"))
    assert [path.rsplit("/", 1)[0] for path in written] == ["shear/above"] * 2 + ["shear/below"] * 2
    name = written[0].removeprefix("shear/").removesuffix(".mp4")
    exact = in_memory(tmp_path, name, "shear", preset="tiny64")
    ours = read_video(tmp_path / "out" / written[0])
    assert ours.shape == exact.shape == (31, 64, 64, 3)
    assert np.mean((ours.astype(float) - exact) ** 2) < 255**2 / 1000  # a PSNR above 30 dB


def test_the_manifest_says_how_they_were_made(run, tmp_path):
    run("out", "--sequences", "rotate", "--limit", 2)
    run("out", "--sequences", "shot_noise,rotate", "--limit", 6)
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    conditions = manifest["conditions"]
    assert (conditions["preset"], conditions["seed"], conditions["format"]) == ("cifar32", 0, "frames")
    assert conditions["source"]["name"] == "pictures"
    counts = {folder: (entry["count"], entry["frames"]) for folder, entry in manifest["sequences"].items()}
    assert counts == {"rotate": (6, 31), "shot_noise": (6, 31)}
    assert manifest["sequences"]["rotate"]["compared_with"] == "the frame before"
    assert {"rugged", "torch", "numpy", "opencv-python-headless", "pillow"} == conditions["versions"].keys()


def test_what_is_there_is_kept_and_what_is_missing_made(run, tmp_path):
    run("out", "--sequences", "translate", "--limit", 4)
    places = sorted((tmp_path / "out" / "translate").glob("*/*"))
    kept, damaged = places[0], places[1]
    mark = kept / "00.png"
    mark.write_bytes(mark.read_bytes() + b"mark")
    (damaged / "05.png").unlink()
    run("out", "--sequences", "translate")
    assert mark.read_bytes().endswith(b"mark")
    assert (damaged / "05.png").is_file()
    assert storage.count(tmp_path / "out" / "translate", "frames") == 18


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--seed", "1"), "seed is 0 there and 1 here"),
        (("--preset", "tiny64"), "preset"),
        (("--format", "mp4"), "format"),
    ],
)
def test_other_conditions_are_refused(run, arguments, words):
    run("out", "--sequences", "translate", "--limit", 1)
    with pytest.raises(RunError, match=words):
        run("out", "--sequences", "translate", *arguments)


def test_other_pictures_are_refused(run, tmp_path):
    run("out", "--sequences", "translate", "--limit", 1)
    Image.new("RGB", (32, 32)).save(tmp_path / "pictures" / "val" / "above" / "new.png")
    with pytest.raises(RunError, match="source"):
        run("out", "--sequences", "translate")


def test_what_a_killed_start_leaves_is_in_nobodys_way(run, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / ".manifest.json.0123abcd.partial").touch()
    run("out", "--sequences", "translate", "--limit", 1)
    assert not list((tmp_path / "out").glob("*.partial"))


def test_a_folder_of_other_things_is_refused(run, tmp_path):
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "a.txt").touch()
    with pytest.raises(RunError, match="holds other things"):
        run("letters")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "manifest.json").write_text('{"kind": "training"}')
    with pytest.raises(RunError, match="holds other things"):
        run("run")
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="is a file"):
        run("file")


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (("--sequences", "rotat"), CorruptionError, "Did you mean 'rotate'"),
        (("--sequences", ","), CorruptionError, "No sequence was named"),
        (("--difficulty", "4"), CorruptionError, "difficulty must be 1, 2 or 3"),
        (("--preset", "tiny"), CorruptionError, "Did you mean 'tiny64'"),
    ],
)
def test_wrong_requests_are_explained_before_anything_is_written(run, tmp_path, arguments, error, words):
    with pytest.raises(error, match=words):
        run("out", *arguments)
    assert not (tmp_path / "out").exists()


def test_without_av_nothing_is_begun(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(RuggedError, match=r"pip install .\.\[video\]."):
        run("out", "--format", "mp4")
    assert not (tmp_path / "out").exists()


def test_a_picture_that_cannot_be_read_is_named(run, tmp_path):
    (tmp_path / "pictures" / "val" / "below" / "val05.png").write_bytes(b"\x89PNG\r\n\x1a\n of another kind")
    with pytest.raises(DataError, match=r"val05\.png cannot be used"):
        run("out", "--sequences", "translate")
    Image.new("RGB", (32, 32)).save(tmp_path / "pictures" / "val" / "below" / "val05.png")


def videos(out):
    return {path: path.stat().st_mtime_ns for path in out.rglob("[!.]*.mp4")}


def test_stopped_work_leaves_whole_files_and_goes_on(run, tmp_path):
    options = ["--sequences", "rotate,shear,tilt,scale", "--preset", "tiny64", "--format", "mp4"]
    out, before = tmp_path / "out", {}
    for how, status in ((signal.SIGINT, 128 + signal.SIGINT), (signal.SIGKILL, -signal.SIGKILL)):
        process = Forked("rugged", ["perturb", "pictures", "out", *options], tmp_path)
        while process.returncode is None and len(videos(out)) < len(before) + 3:
            time.sleep(0.002)
        process.send_signal(how)
        told = process.communicate(timeout=60)
        assert process.returncode == status, told
        written = videos(out)
        assert len(before) < len(written) < 72
        assert before.items() <= written.items()
        before = written
    for path in before:
        assert read_video(path).shape == (31, 64, 64, 3)
    run("out", *options)
    assert before.items() <= videos(out).items()
    assert len(videos(out)) == 72
    assert list(out.rglob("*.partial")) == []


def test_pictures_of_a_pack_are_taken_as_they_are(run, tmp_path, monkeypatch):
    from rugged.data import pack_source

    pack_source(tmp_path / "pictures", tmp_path / "packed", size=16)
    result = CliRunner().invoke(
        app, ["perturb", str(tmp_path / "packed"), str(tmp_path / "out"), "--sequences", "rotate", "--split", "train"]
    )
    assert result.exit_code == 0, result.output
    assert storage.count(tmp_path / "out" / "rotate", "frames") == 48


def test_a_source_is_divided_as_it_was_packed(run, tmp_path):
    """Of what was packed for training nothing is written as validation."""
    from rugged.data import open_dataset, pack_source

    source = tmp_path / "undivided"
    shutil.copytree(tmp_path / "pictures" / "train", source)
    pack_source(source, holdout=0.1)
    validation = open_dataset(source).val.ids
    result = CliRunner().invoke(app, ["perturb", str(source), str(tmp_path / "out"), "--sequences", "rotate"])
    assert result.exit_code == 0, result.output
    written = (path.relative_to(tmp_path / "out" / "rotate") for path in (tmp_path / "out" / "rotate").glob("*/*"))
    assert sorted(path.as_posix() for path in written) == list(validation)


def test_pictures_that_were_set_aside_stay_so(run, tmp_path):
    from rugged.data import open_dataset, pack_source

    bad = tmp_path / "pictures" / "val" / "below" / "val05.png"
    bad.write_bytes(b"\x89PNG\r\n\x1a\n of another kind")
    pack_source(tmp_path / "pictures", bad_images="skip")
    run("out", "--sequences", "rotate")
    written = (path.relative_to(tmp_path / "out" / "rotate") for path in (tmp_path / "out" / "rotate").glob("*/*"))
    assert sorted(path.as_posix() for path in written) == list(open_dataset(tmp_path / "pictures").val.ids)


def test_nothing_is_written_into_the_source(run, tmp_path):
    with pytest.raises(DataError, match="would be read as part of the data"):
        run("pictures/sequences", "--sequences", "rotate", "--limit", 1)
    assert not (tmp_path / "pictures" / "sequences").exists()


def test_emptied_frames_are_made_again(run, tmp_path):
    run("out", "--sequences", "translate", "--limit", 2)
    frame = sorted((tmp_path / "out" / "translate").rglob("05.png"))[0]
    content = frame.read_bytes()
    frame.write_bytes(b"")
    run("out", "--sequences", "translate", "--limit", 2)
    assert frame.read_bytes() == content
