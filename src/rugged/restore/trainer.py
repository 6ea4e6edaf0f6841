"""What happens in a restorer's training: a step, the end of an epoch, the end of the run."""

from dataclasses import dataclass, field
from typing import Any

from rugged.core.files import atomic_path
from rugged.core.progress import say
from rugged.engine import Indices, Loop, Position, Restorer, record_streams, side_stream
from rugged.engine.claiming import Claim, complete, require_finite
from rugged.engine.log import Log
from rugged.engine.optimize import learning_rate
from rugged.engine.steps import Steps, own_share
from rugged.models import RestorerSpec, save_restorer
from rugged.restore.learner import FIGURES, Learner
from rugged.restore.looking import draw_sheet, look
from rugged.restore.pairs import Pairs
from rugged.restore.recipe import RestoreRecipe
from rugged.results import RunFolder

_DEVELOPMENT = ("psnr", "psnr_before", "clean_psnr", "kept", "kept_before", "clean_kept")

COLUMNS = (
    "epoch", "step", "split", *FIGURES, *_DEVELOPMENT, "learning_rate", "images_per_second", "seconds", "waiting",
)  # fmt: skip
"""Of ``metrics.csv``."""

_AGAINST_DIVERGENCE = (
    'Lower optimizer.lr or adversary.optimizer.lr, set optimizer.clip_norm = 1.0, or use precision = "fp32"; then '
    "train into another folder, or delete this one."
)


@dataclass
class Trainer:
    """A training under way: what a step needs at hand, and where its figures go.

    Of several processes that share the work, the first one writes and speaks.

    Attributes:
        recipe: What to do.
        spec: What the restorer's file will say.
        run: The run folder.
        learner: Takes the steps.
        loop: Decides their order.
        pairs: Where pairs come from.
        claim: On the run folder.
        log: Where each epoch's figures go.
    """

    recipe: RestoreRecipe
    spec: RestorerSpec
    run: RunFolder
    learner: Learner
    loop: Loop
    pairs: Pairs
    claim: Claim
    log: Log
    steps: Steps = field(init=False)

    def __post_init__(self) -> None:
        self.steps = Steps(self.loop, FIGURES)

    def fetch(self, indices: Indices) -> Any:
        """Bring this process's share of a batch to the device."""
        with side_stream(self.loop.fabric.device):
            return self.pairs.fetch(own_share(self.loop.fabric, indices))

    def step(self, indices: Indices, batch: Any, position: Position) -> str:
        """Learn from one batch."""
        self.claim.make_once(self.loop.fabric, position.step)
        with side_stream(self.loop.fabric.device):
            clean, damaged = self.pairs.make(batch)
        record_streams((clean, damaged))
        figures = self.learner.learn(
            clean, damaged, total=len(indices), rates=self._rates(position.step), step=position.step,
            adversarial=position.step >= self.recipe.adversary.after_epochs * self.loop.steps_per_epoch,
            signal_number=self.loop.stop.signal_number or 0,
        )  # fmt: skip
        return self.steps.push(position, indices, figures, self._diverged)

    def settle(self) -> None:
        """Wait for the steps that are under way, and add up their figures.

        Raises:
            RunError: The last step left weights that are not finite.
        """
        self.steps.settle(self._diverged)
        for name, module in self.loop.modules.items():
            require_finite(module, f"The {name} in {self.run.path}", _AGAINST_DIVERGENCE)

    def _rates(self, step: int) -> dict[str, float]:
        recipes = {"generator": self.recipe.optimizer, "discriminator": self.recipe.adversary.optimizer}
        return {
            name: learning_rate(recipe, step, self.loop.steps, self.loop.steps_per_epoch)
            for name, recipe in recipes.items()
        }

    def _diverged(self, position: Position, _: Indices, name: str, value: float) -> str:
        where = f"step {position.step + 1} (epoch {position.epoch + 1})"
        return f"The loss became {value} ({name}) at {where}. {_AGAINST_DIVERGENCE}"

    def end_epoch(self, epoch: int) -> None:
        """Note the epoch's figures, look at the held-out pairs, and draw some of them."""
        totals = self.loop.totals
        step = (epoch + 1) * self.loop.steps_per_epoch
        means = {name: totals[name] / totals["images"] for name in FIGURES}
        trained = self.steps.row(epoch, learning_rate=self._rates(step - 1)["generator"], **means)
        restorer = Restorer(self.learner.judged, self.spec, "", self.learner.fabric)
        figures, shown = look(restorer, self.pairs.held_out(), self.learner.content)
        self.loop.rows += [trained, {"epoch": epoch + 1, "step": step, "split": "dev", **figures}]
        if self.loop.fabric.is_global_zero:
            line = f"epoch {epoch + 1}/{self.recipe.epochs}: loss {trained['loss']:.4f}; development {_spoken(figures)}"
            with atomic_path(self.run.sheets / f"epoch-{epoch + 1:04}.png") as path:
                draw_sheet(shown, f"{self.run.name}, {line}").save(path, format="PNG")
            self.log.write(self.loop.rows)
            say(f"{line}  ({trained['images_per_second']:,.0f} images/s)")

    def is_enough(self) -> bool:
        """The recipe's epochs are."""
        return False

    def finish(self) -> None:
        """Save the restorer and complete the manifest."""
        last = {row["split"]: row for row in self.loop.rows}
        final = {
            "train": {name: last["train"][name] for name in FIGURES},
            "dev": {name: last["dev"][name] for name in _DEVELOPMENT if name in last["dev"]},
        }
        restorer = self.learner.judged
        save_restorer(self.run.restorer, restorer, self.spec)
        seconds = sum(row.get("seconds", 0.0) for row in self.loop.rows)
        complete(self.run, self.run.restorer, restorer, self.claim.manifest, seconds, self.loop.epochs_done, final)


def _spoken(figures: dict[str, float]) -> str:
    """The held-out pairs' figures in words."""
    parts = []
    if "psnr" in figures:
        parts.append(f"PSNR {figures['psnr']:.2f} dB (before {figures['psnr_before']:.2f})")
    if "clean_psnr" in figures:
        parts.append(f"clean {figures['clean_psnr']:.1f} dB")
    if "kept" in figures:
        parts.append(f"answers kept {figures['kept']:.1%} (before {figures['kept_before']:.1%})")
    if "clean_kept" in figures:
        parts.append(f"of clean {figures['clean_kept']:.1%}")
    return ", ".join(parts)
