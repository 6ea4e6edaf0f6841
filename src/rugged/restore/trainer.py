"""What happens in a restorer's training: a step, the end of an epoch, the end of the run."""

import math
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rugged.core.configuration import dump
from rugged.core.environment import versions
from rugged.core.errors import RunError
from rugged.core.files import atomic_path
from rugged.core.progress import say
from rugged.engine import Indices, Loop, Position, Restorer, beside, describe, hand_over, later
from rugged.engine.claiming import claim, complete, require_finite
from rugged.engine.log import Log
from rugged.engine.manifest import Manifest, Session
from rugged.engine.optimize import learning_rate
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
        manifest: Of the run.
        command: The command line, for the manifest.
        log: Where each epoch's figures go.
    """

    recipe: RestoreRecipe
    spec: RestorerSpec
    run: RunFolder
    learner: Learner
    loop: Loop
    pairs: Pairs
    manifest: Manifest
    command: str
    log: Log
    noted: bool = False
    _under_way: list[tuple[Position, int, Callable[[], list[float]]]] = field(default_factory=list)

    @property
    def _speaks(self) -> bool:
        return bool(self.learner.fabric.is_global_zero)

    def fetch(self, indices: Indices) -> Any:
        """Bring this process's share of a batch to the device."""
        fabric = self.learner.fabric
        with beside(fabric.device):
            return self.pairs.fetch(indices[fabric.global_rank :: fabric.world_size])

    def step(self, indices: Indices, batch: Any, position: Position) -> str:
        """Learn from one batch."""
        if not self.noted:
            self._note_session(position.step)
        with beside(self.learner.fabric.device):
            clean, damaged = self.pairs.make(batch)
        hand_over((clean, damaged))
        figures = self.learner.learn(
            clean, damaged, total=len(indices), rates=self._rates(position.step), step=position.step,
            adversarial=position.step >= self.recipe.adversary.after_epochs * self.loop.steps_per_epoch,
            signal_number=self.loop.stop.signal_number or 0,
        )  # fmt: skip
        self._under_way.append((position, len(indices), later(figures)))
        # A GPU goes on with this step while the figures of the last one are read.
        self._settle(all_but=0 if figures.device.type == "cpu" else 1)
        return self.loop.note(position)

    def settle(self) -> None:
        """Wait for the steps that are under way, and add up their figures.

        Raises:
            RunError: The last step left weights that are not finite.
        """
        self._settle(all_but=0)
        for name, module in self.loop.modules.items():
            require_finite(module, f"The {name} in {self.run.path}", _AGAINST_DIVERGENCE)

    def _settle(self, all_but: int) -> None:
        while len(self._under_way) > all_but:
            position, images, read = self._under_way.pop(0)
            *figures, signals = read()
            sums = dict(zip(FIGURES, figures, strict=True))
            broken = [name for name, value in sums.items() if not math.isfinite(value)]
            if broken:
                raise RunError(
                    f"The loss became {sums[broken[0]]} ({broken[0]}) at step {position.step + 1} "
                    f"(epoch {position.epoch + 1}). {_AGAINST_DIVERGENCE}"
                )
            self.loop.count(images=images, **sums)
            if signals:
                self.loop.agreed = self.loop.stop.signal_number or signal.SIGTERM

    def _rates(self, step: int) -> dict[str, float]:
        recipes = {"generator": self.recipe.optimizer, "discriminator": self.recipe.adversary.optimizer}
        return {
            name: learning_rate(recipe, step, self.loop.steps, self.loop.steps_per_epoch)
            for name, recipe in recipes.items()
        }

    def _note_session(self, first_step: int) -> None:
        """Claim the folder and enter this session in its manifest, once the checkpoint has said where it begins."""
        self.noted = True
        if self._speaks:
            session = Session(self.command, first_step, versions(), describe(self.learner.fabric))
            self.manifest = claim(self.run, dump(self.recipe), self.manifest, session)

    def end_epoch(self, epoch: int) -> None:
        """Note the epoch's figures, look at the held-out pairs, and draw some of them."""
        totals = self.loop.totals
        step = (epoch + 1) * self.loop.steps_per_epoch
        trained = {
            "epoch": epoch + 1,
            "step": step,
            "split": "train",
            **{name: totals[name] / totals["images"] for name in FIGURES},
            "learning_rate": self._rates(step - 1)["generator"],
            "images_per_second": totals["images"] / totals["seconds"],
            "seconds": totals["seconds"],
            "waiting": totals["waiting"] / totals["seconds"],
        }
        restorer = Restorer(self.learner.judged, self.spec, "", self.learner.fabric)
        figures, shown = look(restorer, self.pairs.held_out(), self.learner.content)
        self.loop.rows += [trained, {"epoch": epoch + 1, "step": step, "split": "dev", **figures}]
        if self._speaks:
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
        complete(self.run, self.run.restorer, restorer, self.manifest, seconds, self.loop.epochs_done, final)


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
