"""Sequences on disk: whole or not there, frames exact, videos near."""

import math
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rugged.core.errors import DataError, RuggedError
from rugged.perturbations import perturb, storage
from rugged.perturbations.video import read_video, require_av, write_video


def frames_of_scene(scenes, preset, name):
    return perturb(scenes[preset][:1], name, preset=preset)[0].permute(0, 2, 3, 1).contiguous().numpy()


def psnr(ours, exact):
    return 10 * math.log10(255**2 / np.mean((ours.astype(float) - exact) ** 2))


@pytest.mark.parametrize("preset", ["cifar32", "tiny64", "imagenet224"])
@pytest.mark.parametrize("name", ["gaussian_noise", "rotate", "translate", "zoom_blur"])
def test_a_video_is_near_the_frames(scenes, preset, name, tmp_path):
    exact = frames_of_scene(scenes, preset, name)
    write_video(tmp_path / "a.mp4", exact)
    ours = read_video(tmp_path / "a.mp4")
    assert ours.shape == exact.shape
    assert min(psnr(*pair) for pair in zip(ours, exact, strict=True)) > 38
    assert (tmp_path / "a.mp4").stat().st_size < exact.size / 2


def test_a_video_keeps_the_noise(scenes, tmp_path):
    """At the reference's quality half of it would be smoothed away."""
    exact = frames_of_scene(scenes, "tiny64", "gaussian_noise").astype(float)
    write_video(tmp_path / "a.mp4", exact.astype(np.uint8))
    ours = read_video(tmp_path / "a.mp4").astype(float)
    spreads = [(frames[1:] - frames[:1]).std() for frames in (ours, exact)]
    assert spreads[0] == pytest.approx(spreads[1], rel=0.05)


def test_a_damaged_video_is_named(tmp_path):
    (tmp_path / "bad.mp4").write_bytes(b"no video at all")
    for name in ("bad.mp4", "none.mp4"):
        with pytest.raises(DataError, match=name):
            read_video(tmp_path / name)


def test_without_av_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(RuggedError, match=r"PyAV.*\[video\].*--format frames"):
        require_av()


def interrupt(*_):
    raise KeyboardInterrupt


def test_frames_are_exact_and_whole_or_not_there(scenes, tmp_path, monkeypatch):
    exact = frames_of_scene(scenes, "tiny64", "rotate")
    path = storage.place(tmp_path, "cat/one", "frames")
    assert not storage.is_whole(path, 31, "frames")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", interrupt)
        with pytest.raises(KeyboardInterrupt):
            storage.write(path, exact, "frames")
    (leftover,) = path.parent.iterdir()
    (leftover / "99.png").write_bytes(b"of a process that was killed")
    storage.write(path, exact, "frames")
    assert not leftover.exists()
    assert storage.is_whole(path, 31, "frames")
    assert not storage.is_whole(path, 41, "frames")
    names = sorted(file.name for file in path.iterdir())
    assert names == [f"{number:02}.png" for number in range(31)]
    for name, frame in zip(names, exact, strict=True):
        with Image.open(path / name) as picture:
            np.testing.assert_array_equal(np.asarray(picture), frame)
    (path / "07.png").unlink()
    assert not storage.is_whole(path, 31, "frames")
    storage.write(path, exact, "frames")
    assert storage.is_whole(path, 31, "frames")
    assert storage.count(tmp_path, "frames") == 1


@pytest.mark.parametrize(
    "identifier", ["../outside", "cat/../../outside", "/outside", "cat//one", "cat/./one", "cat/", "cat/" + 252 * "x"]
)
def test_ids_lead_neither_out_of_the_folder_nor_to_the_place_of_another(identifier, tmp_path):
    with pytest.raises(DataError, match="cannot be written under this name"):
        storage.place(tmp_path, identifier, "mp4")


def test_frames_take_the_longest_name_that_a_system_does(scenes, tmp_path):
    exact = frames_of_scene(scenes, "tiny64", "rotate")
    for end in "ab":
        path = storage.place(tmp_path, f"cat/{254 * 'x'}{end}", "frames")
        storage.write(path, exact, "frames")
        assert storage.is_whole(path, 31, "frames")


def test_folders_are_named_as_the_official_ones():
    assert storage.folder_name("shot_noise", 1) == "shot_noise"
    assert storage.folder_name("shot_noise", 3) == "shot_noise_3"
    assert storage.folder_name("rotate", 3) == "rotate"


def test_pictures_whose_ids_go_on_where_another_ends_stay(tmp_path):
    """``cat/a`` and ``cat/a/z``: the folder of one holds the folder of the other, whichever is written first."""
    frames = np.random.default_rng(0).integers(0, 256, (3, 8, 8, 3), dtype=np.uint8)
    inner, outer = storage.place(tmp_path, "cat/a/z", "frames"), storage.place(tmp_path, "cat/a", "frames")
    for path in (inner, outer, outer):
        storage.write(path, frames, "frames")
        assert storage.is_whole(path, len(frames), "frames")
    assert storage.is_whole(inner, len(frames), "frames")
    (outer / "01.png").unlink()
    assert not storage.is_whole(outer, len(frames), "frames")
    storage.write(outer, frames, "frames")
    assert storage.is_whole(outer, len(frames), "frames")
    assert storage.is_whole(inner, len(frames), "frames")
    assert storage.count(tmp_path, "frames") == 2
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith(".")]
