"""Long commands, killed at random moments: run again, they end where an undisturbed run ends, and nothing is left over.

``RUGGED_FAULT_TRIES`` says how often each is killed by each signal (once otherwise).
"""

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

TRIES = int(os.environ.get("RUGGED_FAULT_TRIES", "1"))
TRAIN = (
    "train", "plain64", "--data", "pack", "--out", "run", "--set", "model.architecture=timm/test_resnet",
    "--set", "epochs=4", "--set", "batch_size=8", "--set", "development_per_class=2",
)  # fmt: skip
BENCHMARK = ("benchmark", "trained", "--data", "pack", "--corruptions", "fog,contrast,glass_blur")


@dataclass(frozen=True)
class Job:
    """A long command.

    Attributes:
        arguments: Of ``rugged``.
        result: What must be the same however often it was interrupted, from the folder it ran in.
    """

    arguments: tuple[str, ...]
    result: Callable[[Path], object]


def files(*names: str) -> Callable[[Path], object]:
    """The bytes of files and of all files in folders, hidden ones too, as hashes."""

    def read(work: Path) -> object:
        found = [path for name in names for path in [work / name, *(work / name).rglob("*")] if path.is_file()]
        assert found
        return {str(path.relative_to(work)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(found)}

    return read


def figures(work: Path) -> object:
    """A summary but for how long it took."""
    summary = json.loads((work / "trained" / "benchmark" / "summary.json").read_text())
    del summary["made"]
    return summary


JOBS = {
    "data pack": Job(("data", "pack", "pictures", "--out", "packed"), files("packed")),
    "corrupt": Job(("corrupt", "pack", "corrupted", "--corruptions", "fog,glass_blur"), files("corrupted")),
    "corrupt --format npy": Job(
        ("corrupt", "pack", "arrays", "--corruptions", "fog,glass_blur", "--format", "npy"), files("arrays")
    ),
    "corrupt --one-per-image": Job(
        ("corrupt", "pack", "mixed", "--one-per-image", "--corruptions", "benchmark", "--textures", "procedural"),
        files("mixed"),
    ),
    "perturb": Job(("perturb", "pack", "sequences", "--sequences", "rotate,snow"), files("sequences")),
    "train": Job(TRAIN, files("run/model.safetensors")),
    "benchmark": Job(BENCHMARK, figures),
    "report": Job(("report", "measured", "--out", "page.html"), files("page.html")),
}


def start(work: Path, arguments: tuple[str, ...]) -> subprocess.Popen[str]:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "RUGGED_CACHE": str(work / "cache")}
    return subprocess.Popen(
        [sys.executable, "-m", "rugged", *arguments],
        cwd=work, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip


def finish(work: Path, arguments: tuple[str, ...]) -> None:
    process = start(work, arguments)
    told, _ = process.communicate(timeout=600)
    assert process.returncode == 0, told
    assert not list(work.rglob("*.partial")), "something half-written is left"


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """A folder with pictures, a pack, a trained model and a measured one."""
    work = tmp_path_factory.mktemp("prepared")
    generator = np.random.default_rng(0)
    for split, count in (("train", 16), ("val", 12)):
        for name in ("cat", "dog"):
            folder = work / "pictures" / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                Image.fromarray(generator.integers(0, 256, (64, 64, 3), np.uint8)).save(folder / f"{number}.png")
    finish(work, JOBS["data pack"].arguments)
    (work / "packed").rename(work / "pack")
    finish(work, TRAIN)
    (work / "run").rename(work / "trained")
    shutil.copytree(work / "trained", work / "untouched")
    finish(work, BENCHMARK)
    (work / "trained").rename(work / "measured")
    (work / "untouched").rename(work / "trained")
    return work


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", JOBS)
def test_a_killed_command_ends_where_an_undisturbed_one_does(name, prepared, tmp_path):
    job = JOBS[name]
    shutil.copytree(prepared, tmp_path / "undisturbed")
    began = time.monotonic()
    finish(tmp_path / "undisturbed", job.arguments)
    took = time.monotonic() - began
    expected = job.result(tmp_path / "undisturbed")
    chance = random.Random(name)
    for attempt in range(TRIES):
        for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
            work = tmp_path / f"{number.name}-{attempt}"
            shutil.copytree(prepared, work)
            process = start(work, job.arguments)
            time.sleep(chance.uniform(0.05, 1) * took)
            process.send_signal(number)
            told, _ = process.communicate(timeout=120)
            assert process.returncode in (0, -number, 128 + number), told
            assert "Traceback" not in told, told
            finish(work, job.arguments)
            assert job.result(work) == expected
            shutil.rmtree(work)
