"""How a batch becomes a step: augmented, passed through the network, judged, and its gradient followed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from rugged.engine import Fabric, record_streams, share_statistics, side_stream
from rugged.engine.averaging import update_average
from rugged.models import ModelSpec, preprocess
from rugged.models.split_norm import auxiliary
from rugged.train.adversarial import attack, under_attack
from rugged.train.augment import Sources, plain, views
from rugged.train.losses import cross_entropy, jensen_shannon
from rugged.train.mixing import mix
from rugged.train.recipe import Recipe, portions

FIGURES = ("loss", "correct")
"""What a step tells of: the loss, and right answers."""


@dataclass(frozen=True)
class Learner:
    """A network and what moves its weights.

    Attributes:
        fabric: Precision, and the processes that share a step.
        recipe: What to do.
        spec: What the network expects.
        model: The network itself.
        module: The network as the fabric runs it.
        optimizer: As the fabric runs it.
        average: The moving average of the weights, if one is kept.
        sources: Of the augmentations.
    """

    fabric: Fabric
    recipe: Recipe
    spec: ModelSpec
    model: nn.Module
    module: nn.Module
    optimizer: Optimizer
    average: nn.Module | None
    sources: Sources

    @property
    def judged(self) -> nn.Module:
        """The network that is judged and saved."""
        return self.model if self.average is None else self.average

    @property
    def modules(self) -> dict[str, nn.Module]:
        """What learns and what follows, by name, for the checkpoint."""
        return {"model": self.model} if self.average is None else {"model": self.model, "average": self.average}

    def learn(
        self,
        images: Tensor,
        labels: Tensor,
        *,
        total: int,
        rate: float,
        step: int,
        side: int,
        plainly: bool = False,
        signal_number: int = 0,
    ) -> Tensor:
        """Take one step.

        Args:
            images: ``(N, 3, H, W)`` uint8: this process's share of the batch.
            labels: ``(N,)``.
            total: Images in the batch, in all processes.
            rate: Learning rate.
            step: Of the run, from 0.
            side: In pixels, of the pictures that the network sees.
            plainly: Whether it is one of the recipe's plain epochs.
            signal_number: Of the signal that has asked this process to stop.

        Returns:
            ``(len(FIGURES) + 1,)`` float32 on the device, of all processes: the figures' sums over the batch's
            pictures, and the sum of signals.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        with side_stream(labels.device):
            pictures, targets = self.augmented(images, labels, plainly=plainly)
        record_streams((*pictures, targets))
        spec = replace(self.spec, input_size=side)
        figures = torch.zeros(3, device=labels.device)
        figures[2] = signal_number
        shares, several = list(self._shares(pictures, targets)), self.fabric.world_size > 1
        for number, (some, answers) in enumerate(shares, 1):
            with self.fabric.no_backward_sync(self.module, enabled=several and number < len(shares)):  # type: ignore[arg-type]
                loss, right = self._loss(some, answers, spec)
                # The mean of the processes' gradients is taken, whatever their shares: so each weighs its own.
                self.fabric.backward(loss * (len(answers) * self.fabric.world_size / total))
            figures[:2] += torch.stack((loss.detach() * len(answers), right))
        self._move_weights()
        if self.recipe.adversarial.steps:
            share_statistics(self.fabric, self.model)  # The next attack looks at them.
        if self.average is not None:
            update_average(self.average, self.model, self.recipe.average.decay, step)
        if several:
            torch.distributed.all_reduce(figures)
        return figures

    def augmented(self, images: Tensor, labels: Tensor, *, plainly: bool = False) -> tuple[tuple[Tensor, ...], Tensor]:
        """Augment a batch: views ``(N, 3, H, W)`` in levels, and targets, ``(N,)`` or ``(N, classes)``."""
        recipe = plain(self.recipe.augment) if plainly else self.recipe.augment
        seen = views(images, recipe, self.sources, self.spec.input_size)
        if not recipe.mix.probability:
            return seen, labels
        mixed, targets = mix(
            torch.cat(seen, 1).float(), labels, classes=len(self.spec.classes), mixup_alpha=recipe.mix.mixup,
            cutmix_alpha=recipe.mix.cutmix, probability=recipe.mix.probability,
        )  # fmt: skip
        return tuple(torch.split(mixed, 3, 1)), targets

    def _shares(self, pictures: Sequence[Tensor], targets: Tensor) -> Iterator[tuple[tuple[Tensor, ...], Tensor]]:
        count = portions(self.recipe, len(targets))
        yield from zip(
            zip(*(view.tensor_split(count) for view in pictures), strict=True), targets.tensor_split(count), strict=True
        )

    def _loss(self, pictures: Sequence[Tensor], targets: Tensor, spec: ModelSpec) -> tuple[Tensor, Tensor]:
        """The mean loss over pictures, and how many are answered right, float32."""
        recipe = self.recipe
        together = torch.cat(tuple(pictures)) if len(pictures) > 1 else pictures[0]
        answers = self._answer(together, spec).chunk(len(pictures))
        loss = cross_entropy(answers[0], targets, label_smoothing=recipe.label_smoothing)
        if len(answers) > 1:
            loss = loss + recipe.augment.augmix.consistency * jensen_shannon(answers)
        if recipe.adversarial.steps:
            loss = (loss + self._adversarial_loss(pictures[0].float(), targets, spec)) / 2
        true = targets if targets.ndim == 1 else targets.argmax(1)
        return loss, (answers[0].argmax(1) == true).sum().float()

    def _adversarial_loss(self, pictures: Tensor, targets: Tensor, spec: ModelSpec) -> Tensor:
        chosen = self.recipe.adversarial
        with under_attack(self.model), self.fabric.autocast():
            worst = attack(
                lambda values: self.model(preprocess(values, spec)), pictures, targets,
                steps=chosen.steps, step_size=chosen.step_size, radius=chosen.radius,
            )  # fmt: skip
        with auxiliary(self.model):
            answers = self._answer(worst, spec)
        return cross_entropy(answers, targets, label_smoothing=self.recipe.label_smoothing)

    def _answer(self, pictures: Tensor, spec: ModelSpec) -> Tensor:
        logits: Tensor = self.module(preprocess(pictures, spec))
        return logits

    def _move_weights(self) -> None:
        clip = self.recipe.optimizer.clip_norm
        if clip is not None:
            # What is not finite is for the loss to say; in fp16 it is no more than a step to be skipped.
            self.fabric.clip_gradients(self.module, self.optimizer, max_norm=clip, error_if_nonfinite=False)
        self.optimizer.step()
        self.optimizer.zero_grad()
