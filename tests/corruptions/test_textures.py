"""Where the pictures for frost come from: a folder, the environment, the cache, the network, or code."""

import hashlib
import io
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import cv2
import numpy as np
import pytest
import torch
from numpy.random import RandomState
from PIL import Image

from rugged import Corrupt, CorruptedDataset, corrupt
from rugged.core.catalogue import PROCEDURAL_NOTE
from rugged.core.errors import CorruptionError
from rugged.corruptions import replay, textures
from rugged.corruptions.augmentation import corrupt_randomly
from rugged.corruptions.textures import (
    ProceduralFrostWarning,
    Textures,
    choose_textures,
    fetch_textures,
    find_textures,
    photograph_states,
)

PICTURES = {
    f"frost{number}.png": np.random.default_rng(number).integers(0, 256, (8, 9, 3), dtype=np.uint8)
    for number in range(1, 7)
}


def encoded(picture):
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "PNG")
    return stream.getvalue()


FILES = {name: encoded(picture) for name, picture in PICTURES.items()}


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """Give an empty cache, made photographs as the published ones, ice that is quickly drawn, and no network."""
    published = {name: (len(data), hashlib.sha256(data).hexdigest()) for name, data in FILES.items()}
    monkeypatch.setattr(textures, "PHOTOGRAPHS", published)
    monkeypatch.setattr(textures, "draw_ice", lambda: (np.zeros((5, 5, 3), np.uint8),) * 6)
    monkeypatch.setattr(textures, "_SOURCE", "http://127.0.0.1:9/")
    monkeypatch.setenv("RUGGED_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.delenv("RUGGED_TEXTURES", raising=False)
    return tmp_path / "cache" / "textures"


def write(folder, files=FILES):
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


@pytest.fixture
def folder(tmp_path):
    return write(tmp_path / "photographs")


@pytest.fixture
def server(tmp_path, monkeypatch):
    """Serve a folder of the photographs as the published place."""
    root = write(tmp_path / "served")
    requests = []

    class Handler(SimpleHTTPRequestHandler):
        def log_message(self, *_):
            requests.append(self.path)

    http = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(root)))
    thread = threading.Thread(target=http.serve_forever, args=(0.01,))
    thread.start()
    monkeypatch.setattr(textures, "_SOURCE", f"http://127.0.0.1:{http.server_port}/")
    yield root, requests
    http.shutdown()
    thread.join()
    http.server_close()


def check_photographs(found):
    assert found.label == "photographs"
    assert len(found.pictures) == 6
    for ours, expected in zip(found.pictures, PICTURES.values(), strict=True):
        np.testing.assert_array_equal(ours, expected)
        assert not ours.flags.writeable


def test_a_folder(folder):
    check_photographs(find_textures(folder))
    check_photographs(find_textures(str(folder)))
    check_photographs(choose_textures(str(folder)))


def test_the_environment_names_a_folder(folder, cache, monkeypatch):
    write(cache, {})
    monkeypatch.setenv("RUGGED_TEXTURES", str(folder))
    check_photographs(find_textures())
    assert find_textures() is find_textures(folder)
    check_photographs(fetch_textures())
    check_photographs(choose_textures(None))


def test_the_cache(cache):
    write(cache)
    check_photographs(find_textures())


def test_textures_are_given_back():
    ice = Textures("procedural", ())
    assert find_textures(ice) is ice


def test_ice_that_was_asked_for_needs_no_warning(folder, monkeypatch):
    monkeypatch.setenv("RUGGED_TEXTURES", str(folder))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert find_textures("procedural").label == "procedural"
        assert choose_textures("procedural") is find_textures("procedural")
        monkeypatch.setenv("RUGGED_TEXTURES", "procedural")
        assert find_textures() is choose_textures(None) is find_textures("procedural")


@pytest.mark.parametrize("broken", [False, True])
def test_ice_that_was_not_asked_for_is_never_silent(broken, cache):
    if broken:
        write(cache, {**FILES, "frost3.png": b"something else"})
    with pytest.warns(ProceduralFrostWarning, match=PROCEDURAL_NOTE) as caught:
        assert find_textures().label == "procedural"
    assert "RUGGED_TEXTURES" in str(caught[0].message)
    assert str(cache) in str(caught[0].message)


SAMPLE = torch.zeros(2, 3, 16, 16, dtype=torch.uint8)


@pytest.mark.parametrize(
    "use",
    [
        lambda: find_textures(),
        lambda: corrupt(SAMPLE, "frost", 3),
        lambda: replay(np.zeros((16, 16, 3), np.uint8), "frost", 3, preset="tiny64", random_state=RandomState(0)),
        lambda: corrupt_randomly(SAMPLE, ["frost"], [3]),
        lambda: Corrupt(["fog", "frost"], [3, 5])(SAMPLE),
        lambda: CorruptedDataset([(SAMPLE[0], 0)], "frost", 3)[0],
    ],
    ids=["find_textures", "corrupt", "replay", "corrupt_randomly", "Corrupt", "CorruptedDataset"],
)
def test_the_warning_points_at_who_called_rugged_and_comes_once(use):
    with pytest.warns(ProceduralFrostWarning) as caught:
        use()
    assert [warning.filename for warning in caught] == [__file__]


def test_the_same_files_are_read_once_and_changed_ones_again(folder):
    first = find_textures(folder)
    assert find_textures(folder) is first
    assert find_textures(folder.parent / "x" / ".." / folder.name) is first
    (folder / "frost4.png").write_bytes(FILES["frost4.png"] + b"\0")
    with pytest.raises(CorruptionError, match=r"frost4\.png is different"):
        find_textures(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda folder: (folder / "frost2.png").unlink(), r"frost2.png is missing"),
        (lambda folder: (folder / "frost5.png").write_bytes(FILES["frost4.png"]), r"frost5.png is different"),
        (lambda folder: folder.rename(folder.parent / "elsewhere"), r"there is no folder"),
    ],
)
@pytest.mark.parametrize("by_environment", [False, True])
def test_a_folder_that_was_asked_for_must_hold_the_photographs(change, message, by_environment, folder, monkeypatch):
    change(folder)
    if by_environment:
        monkeypatch.setenv("RUGGED_TEXTURES", str(folder))
    where = None if by_environment else folder
    for find in (find_textures, choose_textures):
        with pytest.raises(CorruptionError, match=rf"{message}.*hendrycks/robustness.*procedural") as caught:
            find(where)
        assert str(folder) in str(caught.value)
        assert ("RUGGED_TEXTURES: " in str(caught.value)) == by_environment


def test_states_of_files(folder):
    (folder / "frost2.png").unlink()
    (folder / "frost5.png").write_bytes(b"")
    assert photograph_states(folder) == {
        "frost1.png": "ok", "frost2.png": "missing", "frost3.png": "ok",
        "frost4.png": "ok", "frost5.png": "different", "frost6.png": "ok",
    }  # fmt: skip


def test_finding_downloads_nothing(server):
    with pytest.warns(ProceduralFrostWarning):
        find_textures()
    assert server[1] == []


def test_photographs_are_fetched_once(server, cache, capsys):
    check_photographs(fetch_textures())
    assert len(server[1]) == 6
    check_photographs(fetch_textures())
    check_photographs(choose_textures(None))
    check_photographs(find_textures())
    assert len(server[1]) == 6
    assert set(photograph_states(cache).values()) == {"ok"}
    assert PROCEDURAL_NOTE not in capsys.readouterr().err


def test_processes_that_fetch_at_once_do_not_disturb_each_other(server):
    with ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda _: fetch_textures(), range(4)):
            check_photographs(found)
    assert len(server[1]) == 6


def test_only_what_is_wrong_is_fetched(server, cache):
    same_size = bytes(len(FILES["frost3.png"]))
    write(cache, {**FILES, "frost3.png": same_size})
    check_photographs(fetch_textures())
    assert len(server[1]) == 1


def test_other_pictures_are_refused(server, cache, capsys):
    root, _ = server
    (root / "frost2.png").write_bytes(FILES["frost1.png"])
    assert fetch_textures().label == "procedural"
    told = capsys.readouterr().err
    assert "not the published file" in told
    assert PROCEDURAL_NOTE in told
    assert photograph_states(cache)["frost2.png"] == "missing"


def test_without_a_network_one_line_says_so(capsys):
    assert fetch_textures().label == "procedural"
    told = capsys.readouterr().err
    assert len(told.splitlines()) == 1
    assert "Cannot download from 127.0.0.1" in told
    assert PROCEDURAL_NOTE in told
    assert "RUGGED_TEXTURES" in told


def test_a_cache_that_cannot_be_written_is_told(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("RUGGED_CACHE", str(tmp_path / "file"))
    assert fetch_textures().label == "procedural"
    told = capsys.readouterr().err
    assert f"Cannot write to {tmp_path / 'file' / 'textures'}" in told
    assert PROCEDURAL_NOTE in told


def test_published_photographs(shared, monkeypatch):
    """The sizes and hashes are the published ones, and the pixels those that the reference's reader gives."""
    monkeypatch.undo()
    folder = shared / "data" / "frost"
    text = (shared / "golden" / "README.md").read_text(encoding="utf-8")
    for name, (size, sha256) in textures.PHOTOGRAPHS.items():
        assert f"{sha256} {name}" in text
        assert (folder / name).stat().st_size == size
    found = find_textures(folder)
    for name, picture in zip(textures.PHOTOGRAPHS, found.pictures, strict=True):
        np.testing.assert_array_equal(picture, cv2.imread(str(folder / name))[..., ::-1])


@pytest.mark.network
def test_photographs_are_where_they_were_published(cache, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setenv("RUGGED_CACHE", str(cache))
    assert fetch_textures().label == "photographs"
