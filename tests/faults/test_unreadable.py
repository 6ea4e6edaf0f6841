"""Every command that reads, given what the user may not read: one message, also where the tests run as root."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest
from tests.faults.small import prepare, refused
from tests.faults.test_hostile_input import COMMANDS

NOBODY = 65534


@pytest.fixture(scope="module")
def locked():
    """A place that everybody can reach, unlike pytest's own, with files and folders that nobody may read."""
    folder = Path(tempfile.mkdtemp(prefix="rugged-unreadable-"))
    prepare(folder)
    for name in ("file.safetensors", "file.toml", "file.csv", "folder/1.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(folder / "good.safetensors", folder / name)
        (folder / name).chmod(0)
    (folder / "folder").chmod(0)
    (folder / "cache").mkdir()
    folder.chmod(0o755)
    if os.geteuid() == 0:
        os.chown(folder / "cache", NOBODY, NOBODY)
    yield folder
    (folder / "folder").chmod(0o700)
    shutil.rmtree(folder)


@pytest.fixture
def as_nobody(locked, monkeypatch):
    monkeypatch.setenv("RUGGED_CACHE", str(locked / "cache"))
    root = os.geteuid() == 0
    if root:
        os.seteuid(NOBODY)
    yield
    if root:
        os.seteuid(0)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="rights as POSIX has them")
@pytest.mark.parametrize("given", ["file.safetensors", "file.toml", "file.csv", "folder"])
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.usefixtures("as_nobody")
def test_what_may_not_be_read_is_one_message(command, given, locked, monkeypatch, capfd):
    arguments = [word.replace("INPUT", given) for word in COMMANDS[command].split()]
    refused(arguments, locked, monkeypatch, capfd)
