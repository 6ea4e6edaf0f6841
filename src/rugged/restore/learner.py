"""How a batch of pairs becomes a step: of the generator first, then of the discriminator on the same pictures."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from rugged.engine import Fabric
from rugged.engine.averaging import update_average
from rugged.engine.optimize import OptimizerRecipe
from rugged.restore.content import Content
from rugged.restore.losses import (
    Game,
    discriminator_loss,
    gate_loss,
    generator_loss,
    gradient_penalty,
    pixel_loss,
)
from rugged.restore.recipe import RestoreRecipe

FIGURES = ("loss", "pixel", "features", "logits", "gate", "adversarial", "discriminator")
"""What a step tells of: the generator's loss, its parts before they are weighed, and the discriminator's loss."""


@dataclass(frozen=True)
class Learner:
    """The two networks and what moves their weights.

    Attributes:
        fabric: Precision, and the processes that share a step.
        recipe: What to do.
        generator: The restorer.
        discriminator: Its adversary; None for none.
        content: The classifier that looks on; None for none.
        optimizers: By network: ``generator``, and ``discriminator`` where there is one.
        average: The moving average of the generator's weights, if one is kept.
    """

    fabric: Fabric
    recipe: RestoreRecipe
    generator: nn.Module
    discriminator: nn.Module | None
    content: Content | None
    optimizers: Mapping[str, Optimizer]
    average: nn.Module | None

    @property
    def judged(self) -> nn.Module:
        """The restorer that is judged and saved."""
        return self.generator if self.average is None else self.average

    @property
    def modules(self) -> dict[str, nn.Module]:
        """Everything that learns or follows, by name, for the checkpoint."""
        named = {"generator": self.generator, "discriminator": self.discriminator, "average": self.average}
        return {name: network for name, network in named.items() if network is not None}

    def learn(
        self,
        clean: Tensor,
        damaged: Tensor,
        *,
        total: int,
        rates: Mapping[str, float],
        step: int,
        adversarial: bool,
        signal_number: int = 0,
    ) -> Tensor:
        """Take one step.

        Args:
            clean: ``(N, 3, H, W)`` uint8: this process's share of the batch.
            damaged: The same pictures, as they are to be restored.
            total: Pictures in the batch, in all processes.
            rates: Learning rates by network.
            step: Of the run, from 0.
            adversarial: Whether the discriminator takes part by now.
            signal_number: Of the signal that has asked this process to stop.

        Returns:
            ``(len(FIGURES) + 1,)`` float32 on the device, of all processes: the figures' sums over the batch's
            pictures, and the sum of signals.
        """
        adversary = self.discriminator if adversarial else None
        real = clean.to(torch.float32, memory_format=torch.channels_last)
        with self.fabric.autocast():
            restored, damage = self.generator(damaged)
        parts = self._parts(restored, real, damage, (clean != damaged).flatten(1).any(1), adversary)
        weights = self._weights()
        loss = torch.stack([weights[name] * part for name, part in parts.items() if weights[name]]).sum()
        share = len(clean) / total
        (loss * share).backward()  # type: ignore[no-untyped-call]
        self._move("generator", self.generator, self.recipe.optimizer, rates)
        if self.average is not None:
            update_average(self.average, self.generator, self.recipe.average, step)
        figures = {"loss": loss, **parts}
        if adversary is not None:
            figures["discriminator"] = self._teach(adversary, real, restored.detach(), share, rates)
        nothing = torch.zeros((), device=loss.device)
        sums = [figures.get(name, nothing).detach().float() * len(clean) for name in FIGURES]
        told = torch.stack([*sums, nothing + signal_number])
        if self.fabric.world_size > 1:
            torch.distributed.all_reduce(told)
        return told

    def _weights(self) -> dict[str, float]:
        recipe = self.recipe
        return {
            "pixel": recipe.pixel.weight, "features": recipe.content.features, "logits": recipe.content.logits,
            "gate": recipe.gate, "adversarial": recipe.adversary.weight,
        }  # fmt: skip

    def _parts(
        self, restored: Tensor, real: Tensor, damage: Tensor, damaged: Tensor, adversary: nn.Module | None
    ) -> dict[str, Tensor]:
        """The parts of the generator's loss by name, not yet weighed."""
        parts = {
            "pixel": pixel_loss(restored / 255, real / 255, self.recipe.pixel.loss),
            "gate": gate_loss(damage, damaged),
        }
        if self.content is not None:
            seen = _shifted(self.recipe.content.shift, restored, real)
            parts["features"], parts["logits"] = self.content.compare(*seen)
        if adversary is not None:
            adversary.requires_grad_(False)
            verdicts = self._verdicts(adversary, real, restored)
            parts["adversarial"] = generator_loss(self._game, *verdicts)
        return parts

    @property
    def _game(self) -> Game:
        assert self.recipe.adversary.loss != "none"  # Nothing else comes here: then there is no discriminator.
        return self.recipe.adversary.loss

    def _verdicts(self, adversary: nn.Module, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
        with self.fabric.autocast():
            verdicts = adversary(torch.cat((real, fake)) / 127.5 - 1)
        one, other = verdicts.float().chunk(2)
        return one, other

    def _teach(
        self, adversary: nn.Module, real: Tensor, fake: Tensor, share: float, rates: Mapping[str, float]
    ) -> Tensor:
        """A step of the discriminator's; its loss."""
        adversary.requires_grad_(True)
        loss = discriminator_loss(self._game, *self._verdicts(adversary, real, fake))
        if self._game == "wgan-gp":
            mix = torch.rand(len(real), 1, 1, 1, device=real.device)
            with self.fabric.autocast():
                slope = gradient_penalty(adversary, real / 127.5 - 1, fake / 127.5 - 1, mix)
            loss = loss + self.recipe.adversary.penalty * slope
        (loss * share).backward()  # type: ignore[no-untyped-call]
        self._move("discriminator", adversary, self.recipe.adversary.optimizer, rates)
        return loss

    def _move(self, name: str, network: nn.Module, recipe: OptimizerRecipe, rates: Mapping[str, float]) -> None:
        optimizer = self.optimizers[name]
        for group in optimizer.param_groups:
            group["lr"] = rates[name]
        self._share_gradients(network)
        if recipe.clip_norm is not None:
            torch.nn.utils.clip_grad_norm_(network.parameters(), recipe.clip_norm)
        optimizer.step()
        optimizer.zero_grad()

    def _share_gradients(self, network: nn.Module) -> None:
        """Give all processes the sum of their gradients, each of which weighs as much as its share of the batch.

        Not by DistributedDataParallel, which has no second derivatives: a gradient penalty is made of them.
        """
        if self.fabric.world_size > 1:
            gradients = [parameter.grad for parameter in network.parameters() if parameter.grad is not None]
            together = torch.cat([gradient.flatten() for gradient in gradients])  # One message for all.
            torch.distributed.all_reduce(together)
            parts = torch.split(together, [gradient.numel() for gradient in gradients])
            for gradient, shared in zip(gradients, parts, strict=True):
                gradient.copy_(shared.view_as(gradient))


def _shifted(limit: int | None, *several: Tensor) -> tuple[Tensor, ...]:
    """Batches of pictures, all shifted alike; what leaves on one side comes in on the other."""
    if limit is None:
        return several
    down, across = torch.randint(limit, (2,)).tolist()
    return tuple(pictures.roll((down, across), (-2, -1)) for pictures in several)
