"""Files are whole or not there."""

import errno
import hashlib
import multiprocessing
import os
import signal
import stat
from pathlib import Path

import pytest
from filelock import FileLock

from rugged.core.errors import ConfigError, DataError, RuggedError, RunError
from rugged.core.files import (
    atomic_path,
    exclusive,
    is_file_name,
    read_json,
    read_text,
    require_outside,
    sha256_file,
    write_json,
    write_text,
)


def test_a_failed_write_leaves_the_old_file_and_no_litter(tmp_path):
    target = tmp_path / "file.txt"
    write_text(target, "old")

    def fail_half_way():
        with atomic_path(target) as temporary:
            temporary.write_text("new, but not to the end")
            raise KeyError

    with pytest.raises(KeyError):
        fail_half_way()
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_folders_are_made_and_text_is_utf8(tmp_path):
    target = tmp_path / "ä" / "deep" / "file.txt"
    write_text(target, "naïve ✓\n")
    assert target.read_bytes() == "naïve ✓\n".encode()


def test_json_round_trip_and_refusal_of_nan(tmp_path):
    write_json(tmp_path / "a.json", {"x": [1, 2.5, "é"]})
    assert read_json(tmp_path / "a.json") == {"x": [1, 2.5, "é"]}
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "b.json", float("nan"))
    assert not (tmp_path / "b.json").exists()


@pytest.mark.parametrize("content", ["", "{", '{"a": 1', "\0"])
def test_half_json_is_named(tmp_path, content):
    path = tmp_path / "a.json"
    path.write_text(content)
    with pytest.raises(RuggedError, match="not valid JSON"):
        read_json(path)


def test_missing_json_is_named(tmp_path):
    with pytest.raises(RuggedError, match="does not exist"):
        read_json(tmp_path / "none.json")


@pytest.mark.parametrize("below", ["below", "further/below"])
def test_a_file_where_a_folder_should_be_is_named(tmp_path, below):
    blocker = tmp_path / "file"
    blocker.write_text("")
    with pytest.raises(ConfigError) as refused:
        write_text(blocker / below, "text")
    assert str(refused.value) == (
        f"Cannot write {blocker / below}: {blocker} is a file, not a folder. Choose another folder."
    )


@pytest.mark.parametrize("below", ["", "below", "further/below"])
def test_a_file_where_a_folder_is_to_be_locked_is_named(tmp_path, below):
    blocker = tmp_path / "file"
    blocker.write_text("kept")
    folder = blocker / below
    with pytest.raises(RunError) as refused, exclusive(folder / ".lock", f"train into {folder}"):
        raise AssertionError("the block must not begin")
    assert str(refused.value) == (
        f"Cannot train into {folder}: {blocker} is a file, not a folder. Choose another folder."
    )
    assert blocker.read_text() == "kept"


def test_an_error_about_another_file_is_not_called_a_failed_write(tmp_path):
    with pytest.raises(FileNotFoundError, match="source"), atomic_path(tmp_path / "target") as temporary:
        temporary.write_bytes((tmp_path / "source").read_bytes())
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_named_and_the_old_file_stands(tmp_path):
    write_text(tmp_path / "file", "old")
    with pytest.raises(RuggedError, match=r"Cannot write .*file: No space left"), atomic_path(tmp_path / "file"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


def test_a_link_stays_and_what_it_names_is_written(tmp_path):
    target, link = tmp_path / "target.txt", tmp_path / "link.txt"
    target.write_text("old")
    link.symlink_to(target)
    write_text(link, "new")
    assert link.is_symlink()
    assert target.read_text() == "new"


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_ordinary_file_is_not_replaced(tmp_path, make):
    make(tmp_path / "there")
    before = (tmp_path / "there").stat().st_mode
    with pytest.raises(ConfigError, match="no ordinary file"):
        write_text(tmp_path / "there", "x")
    assert (tmp_path / "there").stat().st_mode == before


def test_sha256_agrees_with_hashlib(tmp_path):
    data = bytes(range(256)) * 5000
    (tmp_path / "data").write_bytes(data)
    assert sha256_file(tmp_path / "data") == hashlib.sha256(data).hexdigest()


def test_written_files_follow_the_umask_whatever_their_writer_does(tmp_path):
    before = os.umask(0o027)
    try:
        with atomic_path(tmp_path / "file") as temporary:
            temporary.write_text("x")
            temporary.chmod(0o600)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


def _hold(path, ready):
    with exclusive(path, "hold it"):
        ready.set()
        signal.pause()


def test_a_lock_keeps_others_out_and_falls_with_its_holder(tmp_path):
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    holder = context.Process(target=_hold, args=(tmp_path / "lock", ready))
    holder.start()
    assert ready.wait(30)
    with pytest.raises(RunError, match="another process"), exclusive(tmp_path / "lock", "train"):
        pytest.fail("the lock was given twice")
    holder.kill()
    holder.join()
    with exclusive(tmp_path / "lock", "train"):
        pass
    with exclusive(tmp_path / "lock", "train again"):
        pass


def test_a_lock_is_given_back_after_a_failure(tmp_path, monkeypatch):
    lock = FileLock(tmp_path / "lock", timeout=0)
    monkeypatch.setattr("rugged.core.files.FileLock", lambda *_, **__: lock)
    with pytest.raises(KeyError), exclusive(tmp_path / "lock", "train"):
        raise KeyError
    assert not lock.is_locked


def refuse(path, *others):
    """Fail under the lock ``path``, after having written ``others``."""
    with exclusive(path, "train"):
        for other in others:
            other.touch()
        raise KeyError


def test_a_failure_leaves_no_folder_that_was_made_for_the_lock_alone(tmp_path):
    with pytest.raises(KeyError):
        refuse(tmp_path / "run" / ".lock")
    assert not (tmp_path / "run").exists()
    with pytest.raises(KeyError):
        refuse(tmp_path / "run" / ".lock", tmp_path / "run" / "recipe.toml")
    assert (tmp_path / "run" / "recipe.toml").exists()
    (tmp_path / "own").mkdir()
    with pytest.raises(KeyError):
        refuse(tmp_path / "own" / ".lock")
    assert (tmp_path / "own").exists()


def test_nothing_is_written_into_data(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    require_outside(tmp_path / "data2", [data, Path("builtin")])
    for inside in (data, data / "sub" / "sheet.png", tmp_path / "data2" / ".." / "data" / "x"):
        with pytest.raises(DataError, match="would be read as part of the data"):
            require_outside(inside, [data])


def write_half(path, ready):
    with atomic_path(path) as temporary:
        temporary.write_text("half")
        ready.set()
        signal.pause()


@pytest.fixture
def writer(tmp_path):
    """A process that writes ``out.csv`` and does not come to the end."""
    context = multiprocessing.get_context("spawn")
    ready = context.Event()
    process = context.Process(target=write_half, args=(tmp_path / "out.csv", ready))
    process.start()
    assert ready.wait(60)
    yield process
    process.kill()
    process.join()


def halves(folder):
    return [path.read_text() for path in folder.glob(".out.csv.*.partial")]


def test_what_a_killed_writer_left_goes_with_the_next_writing(writer, tmp_path):
    writer.kill()
    writer.join()
    assert halves(tmp_path) == ["half"]
    write_text(tmp_path / "out.csv", "whole")
    assert halves(tmp_path) == []
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


def test_what_another_process_is_writing_is_left_alone(writer, tmp_path):
    write_text(tmp_path / "out.csv", "whole")
    assert halves(tmp_path) == ["half"]


def test_a_lock_leaves_alone_what_others_write_without_it(writer, tmp_path):
    """A report may be written into a run folder while a benchmark claims it."""
    with exclusive(tmp_path / ".lock", "benchmark"):
        assert halves(tmp_path) == ["half"]


@pytest.mark.parametrize("name", ["n" * 255, "é" * 127, "図" * 85])
def test_names_as_long_as_systems_take_are_written(name, tmp_path):
    write_text(tmp_path / name, "text")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_file_too_large_for_a_text_is_not_read(tmp_path):
    """It would take 30 GiB of memory; on the disk it takes none."""
    with (tmp_path / "huge.json").open("wb") as stream:
        stream.truncate(30 * 2**30)
    with pytest.raises(OSError, match="too large"):
        read_text(tmp_path / "huge.json")
    with pytest.raises(RuggedError, match=r"Cannot read .*huge\.json: File too large"):
        read_json(tmp_path / "huge.json")


def test_what_a_link_names_is_made_for_a_lock(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "large" / "disk")
    with exclusive(tmp_path / "link" / ".writing" / "lock", "train"):
        assert (tmp_path / "large" / "disk" / ".writing" / "lock").exists()


@pytest.mark.skipif(not hasattr(os, "fchmod"), reason="names that are no text")
def test_a_folder_whose_name_is_no_text_is_refused(tmp_path):
    folder = tmp_path / os.fsdecode(b"run\xff")
    with pytest.raises(RunError, match="is no text in UTF-8"), exclusive(folder / ".lock", "train"):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_name_that_is_no_text_is_written_as_escapes(tmp_path):
    write_json(tmp_path / "a.json", [os.fsdecode(b"\xff")])
    assert read_json(tmp_path / "a.json") == ["\udcff"]


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/", "a/", 256 * "x", 128 * "ä"])
def test_what_no_file_can_be_called(name):
    assert not is_file_name(name)


@pytest.mark.parametrize("name", ["a", ".a", "...", "a\nb", "-", 255 * "x", 127 * "ä"])
def test_what_a_file_can_be_called(name, tmp_path):
    assert is_file_name(name)
    (tmp_path / name).touch()
    assert [path.name for path in tmp_path.iterdir()] == [name]
