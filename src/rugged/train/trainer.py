"""What happens in a training: a step, the end of an epoch, the end of the run."""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rugged.core.errors import RunError
from rugged.core.files import write_text
from rugged.core.progress import say
from rugged.data import Split
from rugged.engine import Indices, Loop, PlacedSplit, Position, seed_step, share_statistics, side_stream
from rugged.engine.averaging import reestimate_batch_norms
from rugged.engine.claiming import Claim, complete, require_finite
from rugged.engine.log import Log
from rugged.engine.optimize import learning_rate
from rugged.engine.steps import Steps, own_share
from rugged.models import load_model, preprocess, save_model
from rugged.models.split_norm import merge_batch_norms
from rugged.results import RunFolder
from rugged.train.judging import judge
from rugged.train.learner import FIGURES, Learner
from rugged.train.progressive_resizing import picture_side
from rugged.train.recipe import Recipe

_FAR_OFF = 10
"""Times the loss of guessing, on the development split: no network that has learned is so sure of what is wrong."""

_AGAINST_DIVERGENCE = (
    'Lower optimizer.lr, lengthen optimizer.warmup_epochs, set optimizer.clip_norm = 1.0, or use precision = "fp32"; '
    "then train into another folder, or delete this one."
)

COLUMNS = (
    "epoch", "step", "split", "loss", "top1", "extra_top1", "learning_rate", "images_per_second", "seconds", "waiting",
)  # fmt: skip
"""Of ``metrics.csv``."""

Batch = tuple[Tensor, Tensor]


@dataclass
class Trainer:
    """A training under way: what a step needs at hand, and where its figures go.

    Of several processes that share the work, the first one writes and speaks.

    Attributes:
        recipe: What to do.
        run: The run folder.
        learner: Takes the steps.
        loop: Decides their order.
        pictures: All training pictures.
        rows: Which of them are trained on.
        development: The others.
        claim: On the run folder.
        log: Where each epoch's figures go.
    """

    recipe: Recipe
    run: RunFolder
    learner: Learner
    loop: Loop
    pictures: PlacedSplit
    rows: Indices
    development: Split
    claim: Claim
    log: Log
    steps: Steps = field(init=False)

    def __post_init__(self) -> None:
        self.steps = Steps(self.loop, FIGURES)

    def fetch(self, indices: Indices) -> Batch:
        """Bring this process's share of a batch to the device."""
        with side_stream(self.loop.fabric.device):
            return self.pictures.take(self.rows[own_share(self.loop.fabric, indices)])

    def step(self, indices: Indices, batch: Batch, position: Position) -> str:
        """Learn from one batch."""
        self.claim.make_once(self.loop.fabric, position.step)
        figures = self.learner.learn(
            *batch, total=len(indices), rate=self._rate(position.step), step=position.step,
            side=picture_side(self.recipe, self.learner.spec.input_size, position.epoch),
            plainly=position.epoch >= self.recipe.epochs - self.recipe.augment.plain_epochs,
            signal_number=self.loop.stop.signal_number or 0,
        )  # fmt: skip
        return self.steps.push(position, indices, figures, self._diverged)

    def settle(self) -> None:
        """Wait for the steps that are under way, and add up their figures.

        Raises:
            RunError: The last step, which no further loss judges, left weights that are not finite. Saved, they would
                be where every later session begins.
        """
        self.steps.settle(self._diverged)
        self._require_finite(self.learner.judged)

    def _rate(self, step: int) -> float:
        return learning_rate(self.recipe.optimizer, step, self.loop.steps, self.loop.steps_per_epoch)

    def _diverged(self, position: Position, indices: Indices, _: str, loss: float) -> str:
        ids = [self.pictures.split.ids[row] for row in self.rows[indices]]
        if self.loop.fabric.is_global_zero:
            write_text(self.run.diverged, "".join(f"{each}\n" for each in ids))
        return (
            f"The loss became {loss} at step {position.step + 1} (epoch {position.epoch + 1}; batch: "
            f"{', '.join(ids[:5])} …, all in {self.run.diverged}). {_AGAINST_DIVERGENCE}"
        )

    def end_epoch(self, epoch: int) -> None:
        """Note the epoch's figures and look at the development split."""
        totals = self.loop.totals
        step = (epoch + 1) * self.loop.steps_per_epoch
        loss, top1 = (totals[name] / totals["images"] for name in FIGURES)
        trained = self.steps.row(epoch, loss=loss, top1=top1, learning_rate=self._rate(step - 1))
        self.loop.rows.append(trained)
        line = f"epoch {epoch + 1}/{self.recipe.epochs}: train loss {loss:.3f}, top-1 {top1:.1%}"
        if len(self.development):
            line += self._judge(epoch + 1, step)
        if self.loop.fabric.is_global_zero:
            self.log.write(self.loop.rows)
            say(f"{line}  ({trained['images_per_second']:,.0f} images/s)")

    def _judge(self, epoch: int, step: int) -> str:
        """Look at the development split, and keep the weights if they are the best so far."""
        learner, earlier = self.learner, self._development_rows()
        share_statistics(learner.fabric, learner.model)
        share_statistics(learner.fabric, learner.judged)
        extra = self.recipe.watch == "extra"
        judged = self._look_at(learner.judged, extra=extra)
        self.loop.rows.append({"epoch": epoch, "step": step, "split": "dev", **judged})
        if self.loop.fabric.is_global_zero and (not earlier or _score(judged) > _score(_best(earlier))):
            self._keep_best(epoch, earlier)
        corrupted = f", {judged['extra_top1']:.1%} under the extra corruptions" if extra else ""
        return f"; development loss {judged['loss']:.3f}, top-1 {judged['top1']:.1%}{corrupted}"

    def _look_at(self, model: nn.Module, **how: bool) -> dict[str, float]:
        """A network's figures on the development split, of pictures that pass through the recipe's restorer.

        Raises:
            RunError: The loss is not finite. Weights that are may overflow all the same.
        """
        learner = self.learner
        figures = judge(learner.fabric, model, learner.spec, self.development, restorer=learner.sources.restorer, **how)
        if not math.isfinite(figures["loss"]):
            raise RunError(
                f"The training in {self.run.path} came to a loss of {figures['loss']} on the development split, which "
                f"is not finite. {_AGAINST_DIVERGENCE}"
            )
        return figures

    def _keep_best(self, epoch: int, earlier: Sequence[dict[str, Any]]) -> None:
        """Save the best model so far; the one before stays until the checkpoint, too, knows of this one."""
        save_model(self.run.best(epoch), merge_batch_norms(self.learner.judged), self.learner.spec)
        kept = {self.run.best(epoch), *([self.run.best(_best(earlier)["epoch"])] if earlier else [])}
        for path in set(self.run.checkpoints.glob(self.run.best("*").name)) - kept:
            path.unlink()

    def is_enough(self) -> bool:
        """Whether the score on the development split has stood still for as long as the recipe waits.

        Epochs of smaller pictures do not count: the split is looked at in full size, where they change little.
        """
        full, patience = self.learner.spec.input_size, self.recipe.patience
        rows = [row for row in self._development_rows() if picture_side(self.recipe, full, row["epoch"] - 1) == full]
        return patience is not None and bool(rows) and rows[-1]["epoch"] - _best(rows)["epoch"] >= patience

    def finish(self) -> None:
        """Save the model and complete the manifest.

        Raises:
            RunError: It is not finite, or its loss on the development split is not.
        """
        final = {row["split"]: {"loss": row["loss"], "top1": row["top1"]} for row in self.loop.rows}
        model, epoch = self._final_model()
        self._require_finite(model)
        if model is not self.learner.model and len(self.development):
            figures = self._look_at(model, alone=True)
            final["dev"] = {"loss": figures["loss"], "top1": figures["top1"]}
            self._say_if_worse(epoch, figures["top1"])
        save_model(self.run.model, model, self.learner.spec)
        seconds = sum(row["seconds"] for row in self.loop.rows)
        complete(self.run, self.run.model, model, self.claim.manifest, seconds, epoch, final)
        if len(self.development):
            self._say_if_nothing_is_learned(**final["dev"])

    def _say_if_nothing_is_learned(self, loss: float, top1: float) -> None:
        classes = len(set(self.development.labels.tolist()))  # Of each there are as many pictures.
        if classes == 1:
            return
        chance, guessing = 1 / classes, math.log(classes)
        if top1 <= chance:
            found = f"right on {top1:.1%} of the development pictures, where one answer for all has {chance:.1%}"
        elif loss > _FAR_OFF * guessing:
            found = f"a loss of {loss:,.1f} on the development pictures, where guessing has {guessing:.1f}"
        else:
            return
        say(
            f"It has learned nothing yet: {found}. Train for more steps (more epochs, or a smaller batch_size), or "
            "with a lower optimizer.lr."
        )

    def _say_if_worse(self, epoch: int, top1: float) -> None:
        """Tell of statistics measured anew that leave the model below what its epoch was chosen, or known, for."""
        before = next(row["top1"] for row in self._development_rows() if row["epoch"] == epoch)
        if self._measures_anew and top1 < before:
            say(
                f"With batch norms' statistics measured anew the model has a development top-1 of {top1:.1%}; epoch "
                f"{epoch} had {before:.1%}. average.reestimate = 0 would leave it as it was."
            )

    def _require_finite(self, model: nn.Module) -> None:
        require_finite(model, f"The training in {self.run.path}", _AGAINST_DIVERGENCE)

    def _final_model(self) -> tuple[nn.Module, int]:
        """The network to save, and the epoch that it comes from."""
        learner, epoch = self.learner, self.loop.epochs_done
        model = learner.judged
        if self.recipe.adversarial.steps:
            model = merge_batch_norms(model)
        if self.recipe.keep == "best":
            epoch = _best(self._development_rows())["epoch"]
            model = load_model(self.run.best(epoch))[0].to(learner.fabric.device)
        if self._measures_anew:
            reestimate_batch_norms(model, self._batches_anew(), lambda images: self._forward(model, images))
        return model, epoch

    @property
    def _measures_anew(self) -> bool:
        """Whether batch norms' statistics are measured for the average; those of a frozen body stay what they were."""
        recipe = self.recipe
        return bool(recipe.average.decay and recipe.average.reestimate and not recipe.model.frozen)

    def _batches_anew(self) -> Iterator[Tensor]:
        """Augmented batches after the last one of the training, the next epoch's: in portions that a step takes.

        All views of a picture pass together, as they do in a step.
        """
        for position, indices in itertools.islice(self.loop.batches(self.loop.epochs), self.recipe.average.reestimate):
            seed_step(self.recipe.seed, position.step)
            size = self.recipe.micro_batch or -(-len(indices) // self.learner.fabric.world_size)
            for some in np.array_split(indices, -(-len(indices) // size)):
                batch = self.pictures.take(self.rows[some])
                pictures, _ = self.learner.augmented(*batch, plainly=self.recipe.augment.plain_epochs > 0)
                yield torch.cat(pictures)

    def _forward(self, model: nn.Module, images: Tensor) -> None:
        with self.learner.fabric.autocast():
            model(preprocess(images, self.learner.spec))

    def _development_rows(self) -> list[dict[str, Any]]:
        return [row for row in self.loop.rows if row["split"] == "dev"]


def _best(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The epoch with the highest score on the development split; the first of equals."""
    return max(rows, key=_score)


def _score(row: dict[str, Any]) -> float:
    """Top-1 on the development split; where that is looked at under the extra corruptions too, the mean of both."""
    return (float(row["top1"]) + float(row.get("extra_top1", row["top1"]))) / 2
