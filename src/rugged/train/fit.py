"""One training run: from a recipe and a data set to a run folder with a finished model."""

import csv
import io
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import clip_grad_norm_
from torch.optim import Optimizer

from rugged.core.configuration import dump
from rugged.core.environment import versions
from rugged.core.errors import RunError
from rugged.core.files import exclusive, read_json, sha256_file, write_json, write_text
from rugged.core.progress import format_seconds, say
from rugged.data import Dataset, Split, development_split
from rugged.engine import (
    Device,
    Fabric,
    Loop,
    Position,
    as_batch,
    chunks,
    describe,
    infer,
    make_fabric,
    seed_step,
    stop_on_signal,
)
from rugged.models import ModelSpec, build, default_normalisation, preprocess, resolve, save_model
from rugged.results import RunFolder
from rugged.train.augment import augment, operations
from rugged.train.optimize import learning_rate, make_optimizer
from rugged.train.recipe import Recipe

_COLUMNS = ("epoch", "step", "split", "loss", "top1", "learning_rate", "images_per_second", "seconds")


def train(recipe: Recipe, dataset: Dataset, folder: Path, *, device: Device = "auto", command: str = "") -> RunFolder:
    """Train a model, or go on with a training that was interrupted.

    Args:
        recipe: What to do.
        dataset: On which pictures.
        folder: The run folder. A finished run of the same recipe on the same data is left as it is.
        device: Where.
        command: The command line, for the manifest.

    Returns:
        The run folder, with a finished model in it.

    Raises:
        RunError: The folder holds another run or is in use, or the loss is no longer a number.
        Interrupted: A signal came; the next call goes on where this one stopped.
    """
    fabric = make_fabric(device, recipe.precision)
    recipe = replace(recipe, precision=describe(fabric)["precision"])
    run = RunFolder(folder)
    with exclusive(run.lock, f"train into {folder}"):
        _claim(run, recipe, dataset)
        if run.manifest.exists() and read_json(run.manifest)["status"] == "finished" and run.model.exists():
            say(f"{folder} is already trained: {run.model}")
            return run
        manifest = _manifest(fabric, recipe, dataset, command)
        write_json(run.manifest, {"status": "training", **manifest})
        trainer = _Trainer.prepare(fabric, recipe, dataset, run)
        with stop_on_signal() as stop:
            trainer.loop.run(trainer.step, trainer.end_epoch, stop)
        save_model(run.model, trainer.model, trainer.spec)
        write_json(run.manifest, {"status": "finished", **manifest, **trainer.outcome(run.model)})
    return run


def _claim(run: RunFolder, recipe: Recipe, dataset: Dataset) -> None:
    """Make the folder this run's own, or see that it already is."""
    text = dump(recipe)
    if run.recipe.exists() and run.manifest.exists():
        if run.recipe.read_text(encoding="utf-8") != text:
            raise RunError(
                f"{run.path} holds a run of another recipe (see {run.recipe}). Choose another folder with --out."
            )
        if (found := read_json(run.manifest)["dataset"]["content_hash"]) != dataset.content_hash:
            raise RunError(
                f"{run.path} holds a run on other data (content {found[:12]}…, here {dataset.content_hash[:12]}…). "
                "Choose another folder with --out."
            )
    elif run.model.exists() or run.checkpoints.exists():
        raise RunError(f"{run.path} holds a model but no recipe and manifest. Choose another folder with --out.")
    else:
        write_text(run.recipe, text)


def _manifest(fabric: Fabric, recipe: Recipe, dataset: Dataset, command: str) -> dict[str, Any]:
    return {
        "command": command,
        "architecture": resolve(recipe.model.architecture),
        "dataset": {"name": dataset.name, "content_hash": dataset.content_hash, "notes": list(dataset.notes)},
        "versions": versions(),
        "hardware": describe(fabric),
    }


@dataclass
class _Trainer:
    """What a step needs at hand."""

    fabric: Fabric
    recipe: Recipe
    run: RunFolder
    train_split: Split
    train_indices: npt.NDArray[np.int64]
    development: Split
    spec: ModelSpec
    model: nn.Module
    module: nn.Module
    optimizer: Optimizer
    loop: Loop

    @classmethod
    def prepare(cls, fabric: Fabric, recipe: Recipe, dataset: Dataset, run: RunFolder) -> "_Trainer":
        train_indices, dev_indices = development_split(dataset.train, recipe.development_per_class)
        spec = _specify(recipe, dataset)
        seed_step(recipe.seed, -1)
        model = build(spec.architecture, len(spec.classes), pretrained=recipe.model.pretrained)
        model = model.to(fabric.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        optimizer = make_optimizer(model, recipe.optimizer)
        module, wrapped_optimizer = fabric.setup(model, optimizer)
        loop = Loop(
            epochs=recipe.epochs,
            batch_size=min(recipe.batch_size, len(train_indices)),
            images=len(train_indices),
            seed=recipe.seed,
            modules={"model": model},
            optimizers={"model": optimizer},
            checkpoint=run.checkpoints / "latest.safetensors",
        )
        development = dataset.train.take(dev_indices)
        return cls(
            fabric, recipe, run, dataset.train, train_indices, development, spec, model, module, wrapped_optimizer, loop
        )

    def step(self, indices: npt.NDArray[np.int64], position: Position) -> str:
        """Learn from one batch."""
        started = time.monotonic()
        rate = learning_rate(self.recipe.optimizer, position.step, self.loop.steps, self.loop.steps_per_epoch)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        rows = self.train_indices[indices]
        images, labels = self._to_device(self.train_split, rows)
        logits = self.module(preprocess(augment(images, self.recipe.augment), self.spec))
        loss = functional.cross_entropy(logits.float(), labels, label_smoothing=self.recipe.label_smoothing)
        value = loss.item()
        if not np.isfinite(value):
            raise RunError(self._diverged(value, position, rows))
        self.fabric.backward(loss)
        if self.recipe.optimizer.clip_norm is not None:
            clip_grad_norm_(self.model.parameters(), self.recipe.optimizer.clip_norm)
        self.optimizer.step()
        self.optimizer.zero_grad()
        correct = int((logits.detach().argmax(1) == labels).sum())
        self._count(loss=value * len(rows), correct=correct, images=len(rows), seconds=time.monotonic() - started)
        mean_loss = self.loop.totals["loss"] / self.loop.totals["images"]
        return f"epoch {position.epoch + 1}/{self.recipe.epochs}  loss {mean_loss:.3f}"

    def _to_device(self, split: Split, rows: npt.NDArray[np.int64] | slice) -> tuple[Tensor, Tensor]:
        labels = torch.from_numpy(split.labels[rows]).to(self.fabric.device, non_blocking=True)
        return as_batch(split.images[rows], self.fabric.device), labels

    def _count(self, **amounts: float) -> None:
        for name, amount in amounts.items():
            self.loop.totals[name] = self.loop.totals.get(name, 0.0) + amount

    def _diverged(self, loss: float, position: Position, rows: npt.NDArray[np.int64]) -> str:
        ids = ", ".join(self.train_split.ids[row] for row in rows[:5])
        return (
            f"The loss became {loss} at step {position.step + 1} (epoch {position.epoch + 1}; batch: {ids} …). "
            "Lower optimizer.lr, lengthen optimizer.warmup_epochs, set optimizer.clip_norm = 1.0, or use "
            'precision = "fp32".'
        )

    def end_epoch(self, epoch: int) -> None:
        """Note the epoch's figures and look at the development split."""
        totals = self.loop.totals
        step = (epoch + 1) * self.loop.steps_per_epoch
        rate = learning_rate(self.recipe.optimizer, step - 1, self.loop.steps, self.loop.steps_per_epoch)
        trained = {
            "epoch": epoch + 1,
            "step": step,
            "split": "train",
            "loss": totals["loss"] / totals["images"],
            "top1": totals["correct"] / totals["images"],
            "learning_rate": rate,
            "images_per_second": totals["images"] / totals["seconds"],
            "seconds": totals["seconds"],
        }
        self.loop.rows.append(trained)
        line = f"epoch {epoch + 1}/{self.recipe.epochs}: train loss {trained['loss']:.3f}, top-1 {trained['top1']:.1%}"
        if len(self.development):
            judged = self._judge()
            self.loop.rows.append({"epoch": epoch + 1, "step": step, "split": "dev", **judged})
            line += f"; development loss {judged['loss']:.3f}, top-1 {judged['top1']:.1%}"
        write_text(self.run.metrics, _as_csv(self.loop.rows))
        say(f"{line}  ({trained['images_per_second']:,.0f} images/s)")

    def _judge(self) -> dict[str, float]:
        """Loss and top-1 on the development split, with the network as it will be used."""
        started = time.monotonic()
        loss, correct = 0.0, 0
        self.model.eval()
        for chunk in chunks(len(self.development)):
            images, labels = self._to_device(self.development, chunk)
            logits, labels = infer(self.fabric, self.model, self.spec, images), labels.cpu()
            loss += float(functional.cross_entropy(logits, labels, reduction="sum"))
            correct += int((logits.argmax(1) == labels).sum())
        self.model.train()
        count = len(self.development)
        return {"loss": loss / count, "top1": correct / count, "seconds": time.monotonic() - started}

    def outcome(self, model_file: Path) -> dict[str, Any]:
        """What the manifest says of the finished model."""
        last = {row["split"]: {"loss": row["loss"], "top1": row["top1"]} for row in self.loop.rows}
        seconds = sum(row["seconds"] for row in self.loop.rows)
        say(f"Trained in {format_seconds(seconds)}: {model_file}")
        return {
            "seconds": round(seconds, 1),
            "parameters": sum(parameter.numel() for parameter in self.model.parameters()),
            "sha256": sha256_file(model_file),
            "final": last,
        }


def _specify(recipe: Recipe, dataset: Dataset) -> ModelSpec:
    mean, std = default_normalisation(recipe.model.architecture)
    return ModelSpec(
        architecture=resolve(recipe.model.architecture),
        classes=tuple(info.id for info in dataset.classes),
        class_names=tuple(info.name for info in dataset.classes),
        input_size=recipe.model.input_size or min(dataset.size),
        mean=mean,
        std=std,
        training_operations=operations(recipe.augment),
    )


def _as_csv(rows: list[dict[str, Any]]) -> str:
    stream = io.StringIO()
    writer = csv.DictWriter(stream, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_rounded(row) for row in rows)
    return stream.getvalue()


def _rounded(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: f"{value:.6g}" if isinstance(value, float) else value for name, value in row.items()}
