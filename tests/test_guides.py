"""The pages whose examples promise to run: as they are written, in an empty folder."""

import importlib.util
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.forked import served

from rugged.core.catalogue import BENCHMARK
from rugged.models import ModelSpec, build, save_model
from rugged.results import read_summary

ROOT = Path(__file__).parents[1]
DOWNLOADS = "# downloads"
"""How the first line of an example says that it needs the network, or what takes hours."""

ARCHIVES = {
    "blur": ("defocus_blur", "glass_blur", "motion_blur", "zoom_blur"),
    "digital": ("contrast", "elastic_transform", "jpeg_compression", "pixelate"),
    "noise": ("gaussian_noise", "impulse_noise", "shot_noise"),
    "weather": ("brightness", "fog", "frost", "snow"),
    "extra": ("gaussian_blur", "saturate", "spatter", "speckle_noise"),
}
"""As ImageNet-C is published."""


def run(page, languages=("python", "bash"), instead=()):
    """Run a page's examples one after the other: Python in one namespace, commands in the shell, ``rugged`` forked."""
    text = (ROOT / page).read_text(encoding="utf-8")
    for old, new in instead:
        assert old in text
        text = text.replace(old, new)
    examples = re.findall(r"^```(python|bash)\n(.*?)^```", text, re.M | re.S)
    assert examples
    names = {"__name__": "page"}
    with tempfile.TemporaryDirectory() as commands, served(Path(commands), timeout=600):
        path = os.pathsep.join((commands, str(Path(sys.executable).parent), os.environ["PATH"]))
        environment = os.environ | {"PATH": path, "OMP_NUM_THREADS": "1"}
        for language, example in examples:
            if example.startswith(DOWNLOADS) or language not in languages:
                continue
            if language == "python":
                exec(compile(example, page, "exec"), names)
            else:
                done = subprocess.run(["bash", "-eu", "-c", example], env=environment, capture_output=True, text=True)
                assert done.returncode == 0, f"{example}\n{done.stdout}\n{done.stderr}"


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("page", ["README.md", "docs/extending.md", "docs/corruptions.md"])
def test_python_examples_run(page):
    run(page, ["python"])


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("page", ["docs/guides/own-model.md", "docs/guides/own-pictures.md"])
def test_guides_run(page):
    """And what they train or measure knows something: figures of a model at chance would show nothing."""
    run(page)
    found = [read_summary(path) for path in Path("runs").glob("*/benchmark/summary.json")]
    assert found
    for summary in found:
        assert summary.clean.error < 0.7 * (1 - 1 / summary.conditions.classes)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_guide_to_cifar_runs_on_files_of_its_layout():
    generator = np.random.default_rng(0)
    classes = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
    for split, count in [("train", 270), ("val", 10)]:
        for number in range(count):
            folder = Path("cifar10", split, classes[number % 10])
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(generator.integers(0, 256, (32, 32, 3), np.uint8)).save(folder / f"{number:05}.png")
    Path("CIFAR-10-C").mkdir()
    for name in BENCHMARK:
        np.save(f"CIFAR-10-C/{name}.npy", generator.integers(0, 256, (5 * 10, 32, 32, 3), np.uint8))
    np.save("CIFAR-10-C/labels.npy", np.tile(np.arange(10), 5))
    with tarfile.open("CIFAR-10-C.tar", "w") as tar:
        tar.add("CIFAR-10-C")
    run("docs/guides/cifar10-c.md")
    for run_folder, route in (("runs/cifar", "official files"), ("runs/cifar-in-memory", "in memory")):
        conditions = read_summary(Path(run_folder, "benchmark", "summary.json")).conditions
        assert (conditions.route, conditions.images, len(conditions.corruptions)) == (route, 10, 15)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_guide_to_imagenet_runs_on_files_of_its_layout():
    classes = ("n01440764", "n01443537")
    generator = np.random.default_rng(0)
    names = [Path(classes[number % 2], f"ILSVRC2012_val_{number:08}.JPEG") for number in range(6)]

    def write(folder, height, width):
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(generator.integers(0, 256, (height, width, 3), np.uint8)).save(folder / name)

    write(Path("imagenet/val"), 260, 300)
    Path("imagenet-c").mkdir()
    for part, corruptions in ARCHIVES.items():
        with tarfile.open(f"imagenet-c/{part}.tar", "w") as tar:
            for corruption in corruptions:
                for severity in "12345":
                    write(Path(corruption, severity), 224, 224)
                tar.add(corruption)
    spec = ModelSpec("timm/test_resnet", classes, ("tench", "goldfish"), 224)
    save_model(Path("published/model.safetensors"), build(spec.architecture, 2), spec)
    run(
        "docs/guides/imagenet-c.md",
        instead=[
            (f"{DOWNLOADS}\n", ""),
            ("  curl ", "  true "),
            ("timm/resnet50.a1_in1k", "published"),
            ("--nproc-per-node 8", "--nproc-per-node 1"),  # Two are tested elsewhere, and each takes long to start.
            ("--limit 1000", "--limit 2"),
        ],
    )
    for run_folder, route in (("published", "official files"), ("runs/resnet50-in-memory", "in memory")):
        conditions = read_summary(Path(run_folder, "benchmark", "summary.json")).conditions
        assert (conditions.route, conditions.images, len(conditions.corruptions)) == (route, 6, 15)
    assert 'id="attention"' in Path("runs/resnet50-look/report/index.html").read_text(encoding="utf-8")


def test_notebooks_are_those_of_the_guides():
    spec = importlib.util.spec_from_file_location("notebooks", ROOT / "docs" / "hooks" / "notebooks.py")
    notebooks = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(notebooks)
    written = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "docs" / "notebooks").glob("*.ipynb")}
    assert written == {path.stem: notebooks.as_notebook(path) for path in (ROOT / "docs" / "guides").glob("*.md")}
