"""Long commands, killed at random moments: run again, they end where an undisturbed run ends, and nothing is left over.

``RUGGED_FAULT_TRIES`` says how often each is killed, and as often asked to stop by SIGTERM or Ctrl-C (once otherwise).
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest
from tests.faults.jobs import JOBS, finish, start

TRIES = int(os.environ.get("RUGGED_FAULT_TRIES", "1"))


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", JOBS)
def test_a_killed_command_ends_where_an_undisturbed_one_does(name, prepared, tmp_path):
    job = JOBS[name]
    shutil.copytree(prepared, tmp_path / "undisturbed")
    began = time.monotonic()
    finish(tmp_path / "undisturbed", job)
    took = time.monotonic() - began
    expected = job.result(tmp_path / "undisturbed")
    chance = random.Random(name)
    for attempt in range(TRIES):
        for number in (signal.SIGKILL, chance.choice((signal.SIGTERM, signal.SIGINT))):
            work = tmp_path / f"{number.name}-{attempt}"
            shutil.copytree(prepared, work)
            process = start(work, job)
            time.sleep(chance.uniform(0, took))
            process.send_signal(number)
            told = process.communicate(timeout=120)
            assert process.returncode in (0, -number, 128 + number), told
            assert "Traceback" not in told, told
            finish(work, job)
            assert job.result(work) == expected
            shutil.rmtree(work)


def test_ctrl_c_while_the_command_line_is_loaded_is_silent(tmp_path):
    (tmp_path / "typer.py").write_text(
        "import pathlib, time\npathlib.Path('loading').touch()\nfor _ in range(600): time.sleep(0.1)\n"
    )
    command = [sys.executable, "-m", "rugged", "doctor"]
    process = subprocess.Popen(command, cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    while not (tmp_path / "loading").exists():
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    told, _ = process.communicate(timeout=60)
    assert (process.returncode, told) == (-signal.SIGINT, "")
