"""Time training: images a second, beside a plain loop over a DataLoader with torchvision's transforms.

    python benchmarks/training.py                  torchvision/resnet18 at 64×64, batches of 128, on the CPU
    python benchmarks/training.py --device cuda    rugged/resnet18_64, batches of 512, 99,840 pictures on the GPU
    python benchmarks/training.py --names corrupted rugged64 pixmix    only these rows and augmentations
    python benchmarks/training.py --no-plain-loop  without the plain loop's turns

Rugged's side is what `rugged train` runs: its loop, its trainer, and a pack of the built-in pictures. The other side is
the loop that tutorials teach: torchvision's ImageFolder over the same pictures as JPEG files, which Pillow decodes at
each access (they stay in the system's cache), transforms in as many worker processes as there are cores, pinned memory
on a GPU; forward, backward, step, in the default memory layout. Network, batch size, optimizer and precision are the
same on both sides. Against one corruption an image, out of 19 in five severities, the plain loop has Gaussian noise
alone; heavier recipes have no counterpart.

The two sides take turns, each in a process of its own: what rugged tells the C library about memory must not serve the
other side. A turn is an epoch; each side has one to warm up and three that count, of which the table has the median.
Waiting is the share of time in which the loop waits for pictures. The share of augmentation is what it takes alone, by
the time that a step takes. In the second table, an augmentation treats every picture of a batch, and has all cores.
"""

import argparse
import os
import signal
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, RandomSampler
from torchvision import transforms
from torchvision.datasets import ImageFolder

from rugged.core.environment import available_cores, versions
from rugged.core.stopping import stop_on_signal
from rugged.data import ClassInfo, Dataset, builtin
from rugged.data.packed import Origin
from rugged.data.packing import pack_arrays
from rugged.engine import Fabric, Indices, Position, describe, make_fabric
from rugged.engine.log import Log
from rugged.engine.optimize import OptimizerRecipe
from rugged.models import ModelSpec, build
from rugged.results import RunFolder
from rugged.train import Recipe, load_recipe
from rugged.train.augment import gather, settle_textures
from rugged.train.augmentations.recipe import (
    NORMS,
    SMOOTH,
    AugmentRecipe,
    AugMixRecipe,
    CorruptRecipe,
    FourierRecipe,
    MixRecipe,
    NoiseRecipe,
    PixMixRecipe,
    SmoothRecipe,
    TrivialRecipe,
)
from rugged.train.fit import prepare
from rugged.train.learner import Learner
from rugged.train.recipe import ModelRecipe
from rugged.train.trainer import COLUMNS, Batch, Trainer

FILES = 2000
TURNS = 3  # that count; one more before them warms up
RUNS = 7  # of an augmentation alone
DEFAULTS = {"cpu": ("torchvision/resnet18", 128, 12), "cuda": ("rugged/resnet18_64", 512, 195)}
GOAL = "Goal on one H200: 12,000 images/s or more with flip, crop and one corruption an image, waiting under 5%."
EVERY = CorruptRecipe(names=("all",), probability=1.0, textures="procedural")
NOTHING = AugmentRecipe(crop=0, flip=False)

ROWS: dict[str, AugmentRecipe] = {
    "plain": AugmentRecipe(),
    "corrupted": AugmentRecipe(corrupt=EVERY),
    **{name: load_recipe(name).augment for name in ("scratch64", "rugged64", "rugged64_open")},
}
LABELS = {"plain": "flip, crop", "corrupted": "flip, crop, one corruption an image (plain loop: noise)"}
ALONE: dict[str, AugmentRecipe] = {
    "none": NOTHING,
    "flip": replace(NOTHING, flip=True),
    "crop": replace(NOTHING, crop=4),
    "resized_crop": replace(NOTHING, resized_crop=0.25),
    "rotate": replace(NOTHING, rotate=15),
    "trivial": replace(NOTHING, trivial=TrivialRecipe(probability=1)),
    "augmix": replace(NOTHING, augmix=AugMixRecipe(probability=1)),
    "pixmix": replace(NOTHING, pixmix=PixMixRecipe(probability=1)),
    "smooth": replace(NOTHING, smooth=SmoothRecipe(probability=1, names=SMOOTH)),
    "fourier": replace(NOTHING, fourier=FourierRecipe(probability=1)),
    "noise": replace(NOTHING, noise=NoiseRecipe(probability=1, norms=NORMS)),
    "corrupt": replace(NOTHING, corrupt=EVERY),
    "erase": replace(NOTHING, erase=1.0),
    "mix": replace(NOTHING, mix=MixRecipe(probability=1)),
}


def draw_pictures(folder: Path, count: int) -> tuple[Dataset, Path]:
    """Make a pack of ``count`` pictures, some of them shifted copies, and a folder of JPEG files."""
    files, classes = folder / "files", tuple(ClassInfo(*each) for each in builtin.CLASSES)
    drawn = []
    for index in range(FILES):
        label = index % len(classes)
        drawn.append(builtin.draw("train", classes[label].id, index // len(classes))[0])
        path = files / classes[label].id / f"{index:07d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(drawn[-1]).save(path)
    pictures = np.stack([np.roll(drawn[index % FILES], index // FILES, 1) for index in range(count)])
    labels = np.arange(count) % len(classes)
    ids = [f"{classes[label].id}/{index:07d}" for index, label in enumerate(labels)]
    split, few = (pictures, labels, ids), (pictures[:1], labels[:1], ids[:1])
    origin = Origin("drawn", "", automatic=True)
    return pack_arrays("drawn", classes, {"train": split, "val": few}, folder / "pack", origin), files


@dataclass
class Turns:
    """Rugged's trainer as the loop runs it, and after each of its epochs the other side's."""

    trainer: Trainer
    other: Callable[[], float] | None
    mine: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)
    waiting: list[float] = field(default_factory=list)
    augmenting: list[float] = field(default_factory=list)

    def fetch(self, indices: Indices) -> Batch:
        """Bring a batch to the device."""
        return self.trainer.fetch(indices)

    def step(self, indices: Indices, batch: Batch, position: Position) -> str:
        """Take a step."""
        return self.trainer.step(indices, batch, position)

    def settle(self) -> None:
        """Wait for the device."""
        start = time.perf_counter()
        self.trainer.settle()
        self.trainer.loop.count(seconds=time.perf_counter() - start)  # The last step on a GPU ends here.

    def end_epoch(self, epoch: int) -> None:
        """Note this side's figures, and have the other side's turn."""
        totals = self.trainer.loop.totals
        theirs = self.other() if self.other else float("nan")
        if epoch:
            self.mine.append(totals["images"] / totals["seconds"])
            self.waiting.append(totals["waiting"] / totals["seconds"])
            self.theirs.append(theirs)
            batch = self.fetch(np.arange(self.trainer.recipe.batch_size))
            self.augmenting.append(milliseconds(self.trainer.learner, batch) / 1000 * self.mine[-1])

    def is_enough(self) -> bool:
        """Never."""
        return False


def add_noise(values: Tensor) -> Tensor:
    return (values + 0.1 * torch.randn_like(values)).clamp(0, 1)


@dataclass(frozen=True)
class PlainTask:
    """What the plain loop trains, on what."""

    files: Path
    spec: ModelSpec
    optimizer: OptimizerRecipe
    batch_size: int
    crop: int
    images: int
    device: str
    bf16: bool
    noisy: bool


class PlainLoop:
    """Training as people write it, in a process of its own that waits for its turns."""

    def __init__(self, trainer: Trainer, files: Path, *, noisy: bool) -> None:
        """Start the process, with the same network, batches and optimizer as a trainer's."""
        recipe, fabric = trainer.recipe, trainer.learner.fabric
        context = get_context("spawn")  # A forked one would begin with what the C library has been told.
        self.mine, theirs = context.Pipe()
        task = PlainTask(
            files,
            trainer.learner.spec,
            recipe.optimizer,
            recipe.batch_size,
            recipe.augment.crop,
            trainer.loop.images,
            fabric.device.type,
            describe(fabric)["precision"] == "bf16",
            noisy,
        )
        self.process = context.Process(target=take_turns, args=(task, theirs))
        self.process.start()
        theirs.close()

    def epoch(self) -> float:
        """Train for a turn; return images a second."""
        try:
            self.mine.send(True)
            return float(self.mine.recv())
        except (EOFError, BrokenPipeError):
            raise SystemExit("The plain loop's process has ended; its error stands above.") from None

    def close(self) -> None:
        """End the process, which finds nobody at the other end."""
        self.mine.close()
        self.process.join()


def take_turns(task: PlainTask, turns: Connection) -> None:
    """Train for a turn each time one is due; answer with images a second. Ends when the other end is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that began this one.
    # PyTorch's switches are those that rugged sets.
    torch.backends.cudnn.benchmark = True
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = task.bf16
    loader, chosen = plain_loader(task), task.optimizer
    model = build(task.spec.architecture, len(task.spec.classes)).to(task.device).train()
    optimizer = torch.optim.SGD(
        model.parameters(), chosen.lr, momentum=chosen.momentum, weight_decay=chosen.weight_decay, nesterov=True
    )
    with suppress(EOFError, BrokenPipeError):
        while turns.recv():
            turns.send(train_plainly(task, loader, model, optimizer))


def train_plainly(
    task: PlainTask, loader: DataLoader[Any], model: nn.Module, optimizer: torch.optim.Optimizer
) -> float:
    """Train for an epoch; return images a second."""
    criterion, losses, images = nn.CrossEntropyLoss(), torch.zeros((), device=task.device), 0
    start = time.perf_counter()
    for pictures, labels in loader:
        pictures, labels = pictures.to(task.device, non_blocking=True), labels.to(task.device, non_blocking=True)
        optimizer.zero_grad()
        with torch.autocast(task.device, torch.bfloat16, enabled=task.bf16):
            loss = criterion(model(pictures), labels)
        loss.backward()
        optimizer.step()
        losses += loss.detach()
        images += len(labels)
    losses.item()  # Waits for the device.
    return images / (time.perf_counter() - start)


def plain_loader(task: PlainTask) -> DataLoader[Any]:
    """The pictures from their files, transformed by worker processes."""
    crop = transforms.RandomCrop(task.spec.input_size, padding=task.crop)
    noise = [transforms.Lambda(add_noise)] if task.noisy else []
    last = [transforms.ToTensor(), *noise, transforms.Normalize(task.spec.mean, task.spec.std)]
    data = ImageFolder(str(task.files), transforms.Compose([crop, transforms.RandomHorizontalFlip(), *last]))
    return DataLoader(
        data,
        batch_size=task.batch_size,
        sampler=RandomSampler(data, replacement=True, num_samples=task.images),
        num_workers=available_cores(),
        persistent_workers=True,
        pin_memory=task.device == "cuda",
        drop_last=True,
    )


def make_trainer(fabric: Fabric, recipe: Recipe, dataset: Dataset, folder: Path) -> Trainer:
    """Make ready what `rugged train` would."""
    augment, textures = settle_textures(recipe.augment)
    run = RunFolder(folder)
    log = Log(run.metrics, COLUMNS)
    return prepare(fabric, replace(recipe, augment=augment), dataset, run, None, textures, log, "")


def milliseconds(learner: Learner, batch: Batch) -> float:
    """What it takes to augment an image, once under way."""
    times = []
    for _ in range(RUNS + 1):
        start = time.perf_counter()
        learner.augmented(*batch)
        if learner.fabric.device.type == "cuda":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times[1:]) / len(batch[1])


def measure_row(name: str, trainer: Trainer, files: Path, *, beside: bool) -> str:
    """Train, in turns with the plain loop if it is to run beside, and return a row of the first table."""
    other = PlainLoop(trainer, files, noisy=name == "corrupted") if beside and name in LABELS else None
    turns = Turns(trainer, other.epoch if other else None)
    try:
        with stop_on_signal() as stop:
            trainer.loop.run(turns, stop)
    finally:
        if other:
            other.close()
    mine, theirs = statistics.median(turns.mine), statistics.median(turns.theirs)
    waiting, share = statistics.median(turns.waiting), statistics.median(turns.augmenting)
    theirs_and_ratio = f"{theirs:,.0f} | {mine / theirs:.2f}" if other else "– | –"
    label = LABELS.get(name, f"{name}'s")
    return f"| {label} | {mine:,.0f} | {theirs_and_ratio} | {waiting:.1%} | {share:.1%} |"


def measure_alone(names: list[str], trainer: Trainer) -> Iterator[tuple[str, float]]:
    """Time augmentations on one batch."""
    learner, batch = trainer.learner, trainer.fetch(np.arange(trainer.recipe.batch_size))
    for name in names:
        augment, textures = settle_textures(ALONE[name])
        sources = gather(augment, textures, learner.spec.input_size, learner.fabric)
        recipe = replace(learner.recipe, augment=augment)
        yield name, milliseconds(replace(learner, recipe=recipe, sources=sources), batch)


def load() -> str:
    return ", ".join(f"{value:.2f}" for value in os.getloadavg())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", choices=list(DEFAULTS), default="cpu")
    parser.add_argument("--steps", type=int, help="of a turn; each side has four turns a row")
    parser.add_argument("--batch-size", type=int)
    parser.add_argument("--architecture")
    parser.add_argument("--no-plain-loop", action="store_true", help="leave the plain loop's turns out")
    parser.add_argument("--names", nargs="+", choices=[*ROWS, *ALONE], help="only these rows and augmentations")
    arguments = parser.parse_args()
    architecture, batch_size, steps = DEFAULTS[arguments.device]
    architecture, batch_size = arguments.architecture or architecture, arguments.batch_size or batch_size
    steps, names = arguments.steps or steps, arguments.names or [*ROWS, *ALONE]
    recipe = Recipe(
        ModelRecipe(architecture, input_size=64), epochs=TURNS + 1, batch_size=batch_size, development_per_class=0
    )
    before, fabric = load(), make_fabric(arguments.device, keep_memory=True)
    facts, used = describe(fabric), versions(("python", "torch", "torchvision"))
    print(", ".join(f"{name} {value}" for name, value in used.items()))
    print(f"{facts['cpu']}, {facts['cores']} cores, accelerator: {facts['accelerator']}, {facts['precision']}")
    print(f"{architecture}, batches of {batch_size}, {steps} steps a turn")
    with tempfile.TemporaryDirectory() as folder:
        dataset, files = draw_pictures(Path(folder), steps * batch_size)
        start = partial(make_trainer, fabric, dataset=dataset)
        print("\n| 64 × 64 | rugged, images/s | plain loop, images/s | ratio | rugged waits | augmentation |")
        print("|---|---|---|---|---|---|")
        for name in (name for name in ROWS if name in names):
            trainer = start(replace(recipe, augment=ROWS[name]), folder=Path(folder) / name)
            print(measure_row(name, trainer, files, beside=not arguments.no_plain_loop), flush=True)
        if arguments.device == "cuda":
            print(f"\n{GOAL}")
        print("\n| augmentation alone | ms an image |\n|---|---|")
        trainer = start(recipe, folder=Path(folder) / "alone")
        for name, figure in measure_alone([name for name in ALONE if name in names], trainer):
            print(f"| {name} | {figure:.4f} |", flush=True)
    print(f"\nLoad of the machine (1, 5, 15 minutes): {before} before, {load()} after")


if __name__ == "__main__":
    main()
