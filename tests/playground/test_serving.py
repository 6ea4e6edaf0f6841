"""How the command begins and ends, without a browser; what the page does with a file."""

import itertools
import os
import signal
import socket
import sys
import tracemalloc
from contextlib import contextmanager
from pathlib import Path

import pytest

from rugged.core.errors import ConfigError, Interrupted, ModelError
from rugged.playground.pictures import samples
from rugged.playground.players import side_for_drops
from rugged.playground.serving import _free_port, _is_local, play, require_gradio


def test_without_gradio_the_way_out_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "gradio", None)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"pip install '\.\[playground\]'"):
        require_gradio()
    with pytest.raises(ConfigError, match="gradio is not installed"):
        play(["nothing"], None)


def test_a_busy_port_is_refused_when_named_and_passed_over_when_not(dataset, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        with pytest.raises(ConfigError, match=rf"Cannot listen on 127\.0\.0\.1, port {port}: Address already in use\."):
            play(["nothing"], dataset, port=port)
        monkeypatch.setattr("rugged.playground.serving._PORTS", range(port, port + 50))
        assert port < _free_port("127.0.0.1", None) < port + 50


def test_an_address_that_is_not_here_is_refused(dataset):
    for host in ("192.0.2.1", "no host of this name", "..", "x" * 64):  # The first is set apart for documentation.
        with pytest.raises(ConfigError, match="Cannot listen on"):
            play(["nothing"], dataset, host=host)


def test_only_loopback_is_local():
    assert [_is_local(host) for host in ("127.0.0.1", "::1", "localhost")] == [True] * 3
    assert [_is_local(host) for host in ("0.0.0.0", "::", "192.168.0.7", "example.org")] == [False] * 4


@pytest.fixture
def stage(dataset, make_run, open_models, ice):
    from rugged.playground.page import Stage

    players = open_models(make_run())
    return Stage(players, samples(dataset, 3), side_for_drops(players, dataset), ice)


def test_what_is_dropped_is_read_and_removed(stage, folder, tmp_path):
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    good.write_bytes((folder / "val" / "ant" / "0.png").read_bytes())
    bad.write_bytes(b"no picture")
    picture, problem = stage.take(str(good))
    assert (picture.pixels.shape, picture.id, problem) == ((32, 32, 3), "good", "")
    picture, problem = stage.take(str(bad))
    assert picture is None
    assert problem.startswith("bad.png cannot be shown: not a picture")
    assert not good.exists()
    assert not bad.exists()


def test_of_a_large_file_no_more_is_read_than_shows_that_it_is(stage, tmp_path):
    with (tmp_path / "large.png").open("wb") as stream:  # It takes no room on the disk.
        stream.truncate(2**28)
    tracemalloc.start()
    try:
        picture, problem = stage.take(str(tmp_path / "large.png"))
        assert tracemalloc.get_traced_memory()[1] < 64 * 2**20
    finally:
        tracemalloc.stop()
    assert picture is None
    assert problem == "large.png has more than 20,971,520 bytes, which is the most. Drop a smaller one."


def test_uploads_that_nobody_takes_are_deleted_in_time(dataset, monkeypatch):
    beats, kept = itertools.count(1), []

    @contextmanager
    def served(*_):
        folder = Path(os.environ["GRADIO_TEMP_DIR"])
        (folder / "by_content").mkdir()
        for path in (folder / "by_content" / "left.png", folder / "fresh"):
            path.write_bytes(b"broken off")
        os.utime(folder / "by_content" / "left.png", (0, 0))
        yield "http://127.0.0.1:7860/"
        kept.extend(path.name for path in folder.rglob("*") if path.is_file())

    monkeypatch.setenv("GRADIO_TEMP_DIR", "")  # And so as it was, afterwards.
    monkeypatch.setattr("rugged.playground.serving._served", served)
    monkeypatch.setattr("rugged.playground.serving._make_stage", lambda *_: None)
    monkeypatch.setattr("rugged.playground.serving._SWEEP", 0)
    monkeypatch.setattr("time.sleep", lambda _: next(beats) > 2 and os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(Interrupted):
        play([], dataset)
    assert kept == ["fresh"]


def test_what_another_window_has_removed_is_said(stage, tmp_path):
    """Gradio stores an upload by its content: two windows with the same file share it, and the first removes it."""
    picture, problem = stage.take(str(tmp_path / "photo.png"))
    assert picture is None
    assert problem == "photo.png was dropped in two windows at once. Drop it here again."


def test_what_cannot_be_looked_at_is_said_in_its_place(stage):
    assert 'role="alert"' in stage.show(stage.samples[0], "rain", 3, 0)
    shown = stage.show(stage.samples[0], "fog", 3, None)
    assert shown == stage.show(stage.samples[0], "fog", 3, 0)
    assert "Fog, severity 3" in shown


@pytest.mark.parametrize(("also_at_the_end", "ends"), [(False, Interrupted), (True, KeyboardInterrupt)])
def test_ctrl_c_ends_it_and_a_second_one_at_once(dataset, monkeypatch, also_at_the_end, ends):
    @contextmanager
    def served(*_):
        os.kill(os.getpid(), signal.SIGINT)
        yield "http://127.0.0.1:7860/"
        if also_at_the_end:  # A page that somebody still looks at may take long to close.
            os.kill(os.getpid(), signal.SIGINT)

    monkeypatch.setattr("rugged.playground.serving._served", served)
    monkeypatch.setattr("rugged.playground.serving._make_stage", lambda *_: None)
    with pytest.raises(ends) as caught:
        play([], dataset)
    if ends is Interrupted:
        assert str(caught.value) == "The playground has ended."
        assert caught.value.signal_number == signal.SIGINT


def test_a_model_that_is_not_there_is_refused_before_anything_is_served(dataset, tmp_path):
    with pytest.raises(ModelError, match="no run folder"):
        play([str(tmp_path / "nothing")], dataset, device="cpu")
