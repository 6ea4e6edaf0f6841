"""Every command that reads, given what the user may not read: one message, also where the tests run as root."""

import ctypes
import os
import shutil
import sys
from contextlib import contextmanager

import pytest
from tests.faults.small import contents, prepare, refused
from tests.faults.test_hostile_input import COMMANDS

from rugged.cli import main

LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None
VERSION, READ_AND_WRITE_ALL = 0x20080522, 0b110
"""Of Linux's capabilities: the current form, and the two by which root passes over the rights of files."""


@contextmanager
def without_roots_rights():
    """Where the tests run as root, its rights over files that others lack are laid down for the block."""
    if not hasattr(os, "geteuid") or (os.geteuid() == 0 and LIBC is None):
        pytest.skip("rights as Linux has them")
    if os.geteuid():
        yield
        return
    head, kept = (ctypes.c_uint32 * 2)(VERSION, 0), (ctypes.c_uint32 * 6)()  # Effective, permitted, inheritable; twice.
    assert LIBC.capget(head, kept) == 0
    fewer = (ctypes.c_uint32 * 6)(kept[0] & ~READ_AND_WRITE_ALL, *kept[1:])
    assert LIBC.capset(head, fewer) == 0
    try:
        yield
    finally:
        assert LIBC.capset(head, kept) == 0


@pytest.fixture(scope="module")
def locked(tmp_path_factory):
    """A folder with files and a folder that nobody may read."""
    folder = tmp_path_factory.mktemp("locked")
    prepare(folder)
    for name in ("file.safetensors", "file.toml", "file.csv", "folder/1.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(folder / "good.safetensors", folder / name)
        (folder / name).chmod(0)
    (folder / "folder").chmod(0)
    yield folder
    (folder / "folder").chmod(0o700)


@pytest.mark.parametrize("given", ["file.safetensors", "file.toml", "file.csv", "folder"])
@pytest.mark.parametrize("command", COMMANDS)
def test_what_may_not_be_read_is_one_message(command, given, locked, monkeypatch, capfd):
    arguments = [word.replace("INPUT", given) for word in COMMANDS[command].split()]
    with without_roots_rights():
        refused(arguments, locked, monkeypatch, capfd)


def answer(arguments, folder, monkeypatch, capfd):
    monkeypatch.chdir(folder)
    monkeypatch.setattr("rugged.core.progress._console", None)
    monkeypatch.setattr(sys, "argv", ["rugged", *arguments.split()])
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code or 0, capfd.readouterr()


def test_a_cache_that_can_only_be_read_serves_what_is_in_it(locked, monkeypatch, capfd):
    """As a shared one on a cluster."""
    monkeypatch.setenv("RUGGED_CACHE", str(locked / "shared"))
    assert answer("data info pictures", locked, monkeypatch, capfd)[0] == 0
    for place in ((locked / "shared"), *(locked / "shared").rglob("*")):
        place.chmod(0o555 if place.is_dir() else 0o444)
    shutil.copytree(locked / "pictures", locked / "others")
    before = contents(locked / "shared")
    with without_roots_rights():
        known, unknown = (answer(f"data info {name}", locked, monkeypatch, capfd) for name in ("pictures", "others"))
    assert contents(locked / "shared") == before
    for place in ((locked / "shared"), *(locked / "shared").rglob("*")):
        place.chmod(0o755)
    assert known[0] == 0, known
    assert unknown[0] == 1
    assert unknown[1].err.count("Error: ") == 1
    assert "Set RUGGED_CACHE" in unknown[1].err
