"""Every command that goes on in a folder while another process works there: refused, and nothing is touched."""

import pytest
from filelock import FileLock
from tests.faults.small import prepare, refused
from tests.faults.test_unwritable_output import COMMANDS

LOCKS = {
    "train": ".lock",
    "benchmark": ".lock",
    "explain": ".lock",
    "corrupt": ".writing/1-of-1.lock",
    "perturb": ".lock",
    "restore train": ".lock",
    "restore apply": ".lock",
    "restore benchmark": ".lock",
}
"""What the other process holds. A pack is waited for, and a study's runs are trained and measured as all others."""


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    folder = tmp_path_factory.mktemp("two")
    prepare(folder)
    return folder


@pytest.mark.parametrize("command", LOCKS)
def test_a_folder_in_use_is_refused(command, work, monkeypatch, capfd):
    lock = work / "held" / LOCKS[command]
    lock.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(lock):
        told = refused(COMMANDS[command].replace("OUT", "held").split(), work, monkeypatch, capfd)
    lock.unlink()
    assert "another process" in told
    assert "Wait for it" in told
