"""Commands that take long, and what they must end in, however often they were interrupted."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.forked import Forked

TRAIN = (
    "train", "plain64", "--data", "pack", "--out", "run", "--set", "model.architecture=timm/test_resnet",
    "--set", "epochs=4", "--set", "batch_size=8", "--set", "development_per_class=2",
)  # fmt: skip
BENCHMARK = ("benchmark", "trained", "--data", "pack", "--corruptions", "fog,contrast,glass_blur")
RESTORER = (
    "restore", "train", "deblur64", "--data", "pack", "--set", "epochs=3", "--set", "batch_size=8",
    "--set", "development_per_class=2", "--set", "generator.width=4", "--set", "generator.blocks=[1]",
    "--set", "generator.blocks_up=[]", "--set", "adversary.after_epochs=2", "--out",
)  # fmt: skip
STUDY = """
corruptions = ["contrast"]
[one_per_image]
corruptions = ["brightness"]
[[recipes]]
name = "b"
recipe = "plain64"
set = ["epochs=1", "batch_size=8", "development_per_class=2"]
[[recipes]]
name = "c"
recipe = "plain64"
data = "one_per_image"
set = ["epochs=1", "batch_size=8", "development_per_class=2"]
[[models]]
name = "small"
set = ["model.architecture=timm/test_resnet"]
"""


DEMO = """
from functools import partial
import rugged.pipelines.demo as demo
from rugged.cli import main
from rugged.data import open_dataset
from rugged.train import load_recipe

SMALL = ["epochs=1", "batch_size=8", "development_per_class=2", "model.architecture=timm/test_resnet"]
demo.open_dataset = lambda name: open_dataset("pack")
demo.load_recipe = lambda name: load_recipe(name, SMALL)
demo.benchmark = partial(demo.benchmark, corruptions=("fog", "contrast"))
main()
"""
"""The demo on a small data set, with small networks and few corruptions: a program to be started as a module."""


@dataclass(frozen=True)
class Job:
    """A long command.

    Attributes:
        arguments: Of the program.
        result: What must be the same however often it was interrupted, from the folder it ran in.
        module: The program.
    """

    arguments: tuple[str, ...]
    result: Callable[[Path], object]
    module: str = "rugged"


def files(*names: str) -> Callable[[Path], object]:
    """The bytes of files and of all files in folders, hidden ones too, as hashes."""

    def read(work: Path) -> object:
        found = [path for name in names for path in [work / name, *(work / name).rglob("*")] if path.is_file()]
        assert found
        return {str(path.relative_to(work)): hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(found)}

    return read


def without_notes(folder: str) -> Callable[[Path], object]:
    """A folder's files but for the JSON that says where their source lay and when."""

    def read(work: Path) -> object:
        kept = (path for path in (work / folder).rglob("*") if path.is_file() and path.suffix != ".json")
        return files(*(str(path.relative_to(work)) for path in kept))(work)

    return read


def figures(folder: str) -> Callable[[Path], object]:
    """A run folder's summary of a benchmark but for how long it took."""

    def read(work: Path) -> object:
        summary = json.loads((work / folder / "benchmark" / "summary.json").read_text())
        del summary["made"]
        return summary

    return read


def study(work: Path) -> object:
    """The models and figures of a study's rows."""
    runs = [path.parent.relative_to(work) for path in sorted(work.glob("studied/**/model.safetensors"))]
    assert len(runs) == 2
    return [(files(str(run / "model.safetensors"))(work), figures(str(run))(work)) for run in runs]


def demo(work: Path) -> object:
    """The models and figures of both runs; the page stands."""
    assert (work / "demo" / "report" / "index.html").is_file()
    runs = [f"demo/{name}" for name in ("resnet", "baseline-alexnet")]
    return [(files(f"{run}/model.safetensors")(work), figures(run)(work)) for run in runs]


JOBS = {
    "data pack": Job(("data", "pack", "pictures", "--out", "packed"), without_notes("packed")),
    "corrupt": Job(("corrupt", "pack", "corrupted", "--corruptions", "fog,glass_blur"), files("corrupted")),
    "corrupt --format npy": Job(
        ("corrupt", "pack", "arrays", "--corruptions", "fog,glass_blur", "--format", "npy"), files("arrays")
    ),
    "corrupt --one-per-image": Job(
        ("corrupt", "pack", "mixed", "--one-per-image", "--corruptions", "benchmark", "--textures", "procedural"),
        without_notes("mixed"),
    ),
    "corrupt --own-size": Job(
        ("corrupt", "pictures", "copies", "--own-size", "--corruptions", "fog,glass_blur"), files("copies")
    ),
    "perturb": Job(("perturb", "pack", "sequences", "--sequences", "rotate,snow"), files("sequences")),
    "train": Job(TRAIN, files("run/model.safetensors")),
    "benchmark": Job(BENCHMARK, figures("trained")),
    "explain": Job(
        ("explain", "trained", "--data", "pack", "--corruptions", "fog,contrast", "--limit", "8", "--out", "explained"),
        files("explained"),
    ),
    "restore train": Job((*RESTORER, "run"), files("run/restorer.safetensors")),
    "restore apply": Job(("restore", "apply", "restorer", "pictures", "restored"), without_notes("restored")),
    "restore benchmark": Job(
        ("restore", "benchmark", "restorer", "--data", "pack", "--corruptions", "defocus_blur,glass_blur"),
        files("restorer/benchmark/restoration.csv"),
    ),
    "predict": Job(("predict", "trained", "pictures", "--out", "answers.csv"), files("answers.csv")),
    "export": Job(("export", "trained", "model.onnx", "--data", "pack"), files("model.onnx")),
    "study": Job(("study", "study.toml", "--data", "pack", "--out", "studied"), study),
    "demo": Job(("demo", "--out", "demo"), demo, "small_demo"),
    "report": Job(("report", "measured", "--out", "page.html"), files("page.html")),
}


def start(work: Path, job: Job) -> Forked:
    return Forked(job.module, job.arguments, work, {"RUGGED_CACHE": str(work / "cache")})


def finish(work: Path, job: Job) -> None:
    process = start(work, job)
    told = process.communicate(timeout=600)
    assert process.returncode == 0, told
    assert not list(work.rglob("*.partial")), "something half-written is left"
