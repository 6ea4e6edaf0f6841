"""Time the benchmark: the wall time of its 76 cells beside the bare forward passes of the same network.

    python benchmarks/benchmark.py                  torchvision/resnet18 on 1,000 pictures of 64×64, on the CPU
    python benchmarks/benchmark.py --device cuda    rugged/resnet18_64 on 10,000 pictures

One side is what `rugged benchmark` runs: clean pictures and the fifteen corruptions at five severities, corrupted in
memory, with predictions written and summed up. The other side passes as many pictures, of the same kind, in batches of
the same size, through the same network, and does nothing else; it is timed before and after, three times each, and the
median counts. Weights are random, frost is drawn by code.

Peak memory is that of a process of its own, which measures four corruptions on few pictures and on four times as many.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from rugged.benchmark import benchmark
from rugged.core.catalogue import BENCHMARK
from rugged.core.environment import versions
from rugged.data import ClassInfo, Dataset, builtin
from rugged.data.packed import Origin
from rugged.data.packing import pack_arrays
from rugged.engine import as_batch, chunks, describe, infer, make_fabric
from rugged.models import ModelSpec, build, load_model, save_model

DEFAULTS = {"cpu": ("torchvision/resnet18", 1000), "cuda": ("rugged/resnet18_64", 10_000)}
DRAWN = 500
TURNS = 3  # of bare passes, before and after
HEAVY = ("glass_blur", "elastic_transform", "fog", "jpeg_compression")  # of those that need most memory
GOALS = {"cpu": "Goal on two cores: at most 40%.", "cuda": "Goal: at most 25%."}


def draw_pictures(folder: Path, count: int) -> Dataset:
    """Make a pack with ``count`` validation pictures, most of them shifted copies."""
    classes = tuple(ClassInfo(*each) for each in builtin.CLASSES)
    labels = np.arange(count) % len(classes)
    few = [builtin.draw("val", classes[index % len(classes)].id, index // len(classes))[0] for index in range(DRAWN)]
    pictures = np.stack([np.roll(few[index % DRAWN], index // DRAWN, 1) for index in range(count)])
    ids = [f"{classes[label].id}/{index:07d}" for index, label in enumerate(labels)]
    splits = {"train": (pictures[:1], labels[:1], ids[:1]), "val": (pictures, labels, ids)}
    return pack_arrays("drawn", classes, splits, folder / "pack", Origin("drawn", "", automatic=True))


def make_model(folder: Path, architecture: str, dataset: Dataset) -> Path:
    """Save a network with random weights."""
    classes = tuple(info.id for info in dataset.classes)
    path = folder / "model.safetensors"
    save_model(path, build(architecture, len(classes)), ModelSpec(architecture, classes, classes, 64))
    return path


def forward_seconds(model: Path, dataset: Dataset, device: str) -> float:
    """Time one pass of all pictures through the network."""
    fabric = make_fabric(device, "fp32", tuned=False, keep_memory=True)
    network, spec = load_model(model)
    fabric.setup_module(network.eval())
    batches = [as_batch(dataset.val.images[chunk], fabric.device) for chunk in chunks(len(dataset.val))]
    infer(fabric, network, spec, batches[0])
    start = time.perf_counter()
    for batch in batches:
        infer(fabric, network, spec, batch)
    return time.perf_counter() - start


def compare(folder: Path, architecture: str, images: int, device: str) -> tuple[float, float]:
    """Seconds of the 76 cells, and of as many bare passes."""
    dataset = draw_pictures(folder, images)
    model = make_model(folder, architecture, dataset)
    options = {"out": folder / "run", "textures": "procedural", "device": device}
    benchmark(model, dataset, limit=len(dataset.classes), **options)  # Warms up what is made once.
    passes = [forward_seconds(model, dataset, device) for _ in range(TURNS)]
    start = time.perf_counter()
    benchmark(model, dataset, **options)
    cells = time.perf_counter() - start
    passes += [forward_seconds(model, dataset, device) for _ in range(TURNS)]
    return cells, statistics.median(passes) * (1 + 5 * len(BENCHMARK))


def peak_memory(images: int, architecture: str, device: str) -> float:
    """Most memory that a process needs to measure so many pictures, in MB."""
    command = [sys.executable, __file__, "--peak", "--images", str(images), "--architecture", architecture]
    answer = subprocess.run([*command, "--device", device], capture_output=True, text=True, check=True)
    return float(answer.stdout.split()[-1])


def print_peak(architecture: str, images: int, device: str) -> None:
    """Measure a few cells, and print what memory that took."""
    with tempfile.TemporaryDirectory() as folder:
        dataset = draw_pictures(Path(folder), images)
        model = make_model(Path(folder), architecture, dataset)
        chosen = {"corruptions": HEAVY, "severities": [5], "textures": "procedural"}
        benchmark(model, dataset, out=Path(folder) / "run", device=device, **chosen)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=list(DEFAULTS), default="cpu")
    parser.add_argument("--architecture")
    parser.add_argument("--images", type=int)
    parser.add_argument("--peak", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    architecture, images = DEFAULTS[arguments.device]
    architecture, images = arguments.architecture or architecture, arguments.images or images
    if arguments.peak:
        print_peak(architecture, images, arguments.device)
        return
    facts = describe(make_fabric(arguments.device))
    print(", ".join(f"{name} {value}" for name, value in versions(("python", "torch", "torchvision")).items()))
    print(f"{facts['cpu']}, {facts['cores']} cores, {torch.get_num_threads()} threads, {facts['accelerator']}, fp32")
    with tempfile.TemporaryDirectory() as folder:
        cells, bare = compare(Path(folder), architecture, images, arguments.device)
    print(f"\n| {architecture}, {images:,} pictures of 64 × 64, 76 cells | |\n|---|---|")
    print(f"| benchmark | {cells:.1f} s |")
    print(f"| bare forward passes | {bare:.1f} s |")
    print(f"| overhead | {cells / bare - 1:.0%} |", flush=True)
    few, many = (peak_memory(count, architecture, arguments.device) for count in (images, 4 * images))
    print(f"| peak memory with {images:,} pictures | {few:,.0f} MB |")
    print(f"| peak memory with {4 * images:,} pictures | {many:,.0f} MB |")
    print(f"\n{GOALS[arguments.device]} {4 * images:,} pictures are {4 * images * 64 * 64 * 3 / 2**20:,.0f} MB.")


if __name__ == "__main__":
    main()
