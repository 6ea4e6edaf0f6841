"""Long commands on a disk that fills up: one message, nothing half-written, and with room they go on."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from tests.faults.jobs import JOBS, finish, start

ROOMY = "256m"
SMALL = {
    "data pack": "200k", "corrupt": "100k", "corrupt --format npy": "200k", "corrupt --one-per-image": "50k",
    "corrupt --own-size": "50k",
    "perturb": "200k", "train": "300k", "benchmark": "100k", "explain": "50k", "restore train": "100k",
    "restore apply": "100k", "restore benchmark": "20k", "predict": "0k", "export": "300k", "study": "300k",
    "demo": "300k", "report": "40k",
}  # fmt: skip
"""What each command is left to write on: less than it needs."""


@pytest.fixture
def disk(tmp_path):
    """A file system of its own, that is unmounted in the end."""
    place = tmp_path / "disk"
    place.mkdir()
    made = os.geteuid() == 0 and shutil.which("mount")
    if not made or subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={ROOMY}", "tmpfs", place]).returncode:
        pytest.skip("a file system can be mounted by root alone")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def used(place: Path) -> int:
    status = os.statvfs(place)
    return (status.f_blocks - status.f_bfree) * status.f_frsize


def resize(place: Path, size: int | str) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", place], check=True)


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("name", SMALL)
def test_a_full_disk_is_one_message_and_with_room_it_goes_on(name, prepared, disk):
    job = JOBS[name]
    work = disk / "work"
    shutil.copytree(prepared, work)
    resize(disk, used(disk) + int(SMALL[name].removesuffix("k")) * 1024)
    process = start(work, job)
    told = process.communicate(timeout=300)
    assert process.returncode == 1, told
    assert sum(line.startswith("Error: ") for line in told.splitlines()) == 1, told
    assert "Traceback" not in told, told
    resize(disk, ROOMY)
    finish(work, job)
    assert job.result(work)
