"""What happens in a training: a step, the end of an epoch, the end of the run."""

import copy
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils import clip_grad_norm_
from torch.optim import Optimizer

from rugged.core.configuration import dump
from rugged.core.environment import versions
from rugged.core.errors import ModelError, RunError
from rugged.core.files import sha256_file, write_text
from rugged.core.progress import format_seconds, say
from rugged.corruptions import Textures
from rugged.data import Dataset, Split, development_split
from rugged.engine import Fabric, Loop, Position, as_batch, chunks, describe, infer, seed_step
from rugged.models import ModelSpec, build, default_normalisation, preprocess, resolve, save_model
from rugged.results import RunFolder
from rugged.train.augment import augment, operations
from rugged.train.log import as_csv
from rugged.train.manifest import Manifest, Session, TrainedOn, write_manifest
from rugged.train.optimize import learning_rate, make_optimizer
from rugged.train.recipe import Recipe

_AGAINST_DIVERGENCE = (
    'Lower optimizer.lr, lengthen optimizer.warmup_epochs, set optimizer.clip_norm = 1.0, or use precision = "fp32".'
)


def checkpoint_file(run: RunFolder) -> Path:
    """What an interrupted run goes on from."""
    return run.checkpoints / "latest.safetensors"


@dataclass
class Trainer:
    """What a step needs at hand, and the manifest it is noted in."""

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
    manifest: Manifest
    textures: Textures | None
    command: str
    noted: bool = False

    @classmethod
    def prepare(
        cls,
        fabric: Fabric,
        recipe: Recipe,
        dataset: Dataset,
        run: RunFolder,
        earlier: Manifest | None,
        textures: Textures | None,
        command: str,
    ) -> "Trainer":
        """Make everything ready to learn, and write nothing: what cannot be trained must not claim the folder.

        Raises:
            ModelError: The network does not take such batches.
        """
        train_indices, dev_indices = development_split(dataset.train, recipe.development_per_class)
        spec = _specify(recipe, dataset)
        seed_step(recipe.seed, -1)
        model = build(spec.architecture, len(spec.classes), pretrained=recipe.model.pretrained)
        model = model.to(fabric.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        batch_size = min(recipe.batch_size, len(train_indices))
        _rehearse(fabric, model, spec, batch_size)
        optimizer = make_optimizer(model, recipe.optimizer)
        module, wrapped_optimizer = fabric.setup(model, optimizer)
        loop = Loop(
            epochs=recipe.epochs,
            batch_size=batch_size,
            images=len(train_indices),
            seed=recipe.seed,
            modules={"model": model},
            optimizers={"model": optimizer},
            checkpoint=checkpoint_file(run),
        )
        development = dataset.train.take(dev_indices)
        trained_on = TrainedOn(dataset.name, dataset.content_hash, dataset.notes)
        manifest = earlier or Manifest("training", spec.architecture, trained_on)
        return cls(
            fabric, recipe, run, dataset.train, train_indices, development, spec, model, module, wrapped_optimizer,
            loop, manifest, textures, command,
        )  # fmt: skip

    def note_session(self, first_step: int) -> None:
        """Claim the folder and enter this session in its manifest, once the checkpoint has said where it begins."""
        session = Session(self.command, first_step, versions(), describe(self.fabric))
        self.manifest = replace(self.manifest, status="training", sessions=(*self.manifest.sessions, session))
        write_text(self.run.recipe, dump(self.recipe))
        write_manifest(self.run.manifest, self.manifest)
        self.noted = True

    def step(self, indices: npt.NDArray[np.int64], position: Position) -> str:
        """Learn from one batch."""
        if not self.noted:
            self.note_session(position.step)
        started = time.monotonic()
        rate = learning_rate(self.recipe.optimizer, position.step, self.loop.steps, self.loop.steps_per_epoch)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        rows = self.train_indices[indices]
        images, labels = self._to_device(self.train_split, rows)
        logits = self.module(preprocess(augment(images, self.recipe.augment, self.textures), self.spec))
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
            f"{_AGAINST_DIVERGENCE}"
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
        write_text(self.run.metrics, as_csv(self.loop.rows))
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

    def finish(self) -> None:
        """Save the model and complete the manifest.

        Raises:
            RunError: The last step, which no further loss judges, left weights or figures that are not finite.
        """
        final = {row["split"]: {"loss": row["loss"], "top1": row["top1"]} for row in self.loop.rows}
        losses = {f"{split} loss": torch.tensor(figures["loss"]) for split, figures in final.items()}
        broken = [name for name, value in {**losses, **self.model.state_dict()}.items() if not value.isfinite().all()]
        if broken:
            raise RunError(
                f"The training in {self.run.path} ended with values that are not finite ({', '.join(broken[:3])}). "
                f"{_AGAINST_DIVERGENCE} Then train into another folder, or delete this one."
            )
        save_model(self.run.model, self.model, self.spec)
        seconds = sum(row["seconds"] for row in self.loop.rows)
        finished = replace(
            self.manifest,
            status="finished",
            seconds=round(seconds, 1),
            parameters=sum(parameter.numel() for parameter in self.model.parameters()),
            sha256=sha256_file(self.run.model),
            final=final,
        )
        write_manifest(self.run.manifest, finished)
        say(f"Trained in {format_seconds(seconds)}: {self.run.model}")


def _specify(recipe: Recipe, dataset: Dataset) -> ModelSpec:
    mean, std = default_normalisation(recipe.model.architecture)
    return ModelSpec(
        architecture=resolve(recipe.model.architecture),
        classes=tuple(info.id for info in dataset.classes),
        class_names=tuple(info.name for info in dataset.classes),
        input_size=recipe.model.input_size or min(dataset.size),
        mean=mean,
        std=std,
        training_operations=tuple(dict.fromkeys((*operations(recipe.augment), *dataset.corruptions))),
    )


def _rehearse(fabric: Fabric, model: nn.Module, spec: ModelSpec, batch_size: int) -> None:
    """Put a small batch through a copy of the network, as training will."""
    count, side = min(batch_size, 2), spec.input_size
    images = torch.zeros(count, 3, side, side, device=fabric.device)
    try:
        with torch.no_grad(), fabric.autocast():
            copy.deepcopy(model).train()(images)  # A copy, since batch norm learns from what passes through.
    except Exception as error:  # Every network has its own way to refuse.
        raise ModelError(
            f"{spec.architecture} cannot be trained on {side}×{side} pixels in batches of {batch_size} "
            f"({type(error).__name__}: {error}). Set model.input_size to a size that it takes (many networks are made "
            "for 224), or where batch_size is 1, raise it."
        ) from error
