"""Commands that take long, and what they must end in, however often they were interrupted."""

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

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


def pack(folder: str) -> Callable[[Path], object]:
    """A pack but for where its source lay and when."""

    def read(work: Path) -> object:
        arrays = sorted(path.name for path in (work / folder).iterdir() if path.suffix in (".npy", ".txt"))
        return files(*(f"{folder}/{name}" for name in arrays))(work)

    return read


def figures(work: Path) -> object:
    """A summary but for how long it took."""
    summary = json.loads((work / "trained" / "benchmark" / "summary.json").read_text())
    del summary["made"]
    return summary


JOBS = {
    "data pack": Job(("data", "pack", "pictures", "--out", "packed"), pack("packed")),
    "corrupt": Job(("corrupt", "pack", "corrupted", "--corruptions", "fog,glass_blur"), files("corrupted")),
    "corrupt --format npy": Job(
        ("corrupt", "pack", "arrays", "--corruptions", "fog,glass_blur", "--format", "npy"), files("arrays")
    ),
    "corrupt --one-per-image": Job(
        ("corrupt", "pack", "mixed", "--one-per-image", "--corruptions", "benchmark", "--textures", "procedural"),
        pack("mixed"),
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
