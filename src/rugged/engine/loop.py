"""The resumable loop: steps and epochs, progress, checkpoints, and a stop where nothing is lost.

A run is a pure function of its seed and position: batches are drawn from (seed, epoch), randomness within a step from
(seed, step), the learning rate from the step. So a checkpoint is weights, optimizer state and a position, and a run
killed at any moment and resumed ends with the same weights, bit for bit on a CPU, as one that was not.
"""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt
from torch import nn
from torch.optim import Optimizer

from rugged.core.errors import Interrupted
from rugged.core.progress import Bar
from rugged.core.stopping import StopRequest
from rugged.engine.checkpoints import load_checkpoint, save_checkpoint
from rugged.engine.devices import Fabric, loss_scale, set_loss_scale
from rugged.engine.prefetch import ahead
from rugged.engine.randomness import seed_step
from rugged.engine.sharing import shown_by_the_first

_SECONDS_BETWEEN_CHECKPOINTS = 120.0

Indices = npt.NDArray[np.int64]
Batch = TypeVar("Batch")


@dataclass(frozen=True)
class Position:
    """Where a run stands: ``step`` counts from the run's start."""

    epoch: int
    step: int


class Work(Protocol[Batch]):
    """What a loop does."""

    def fetch(self, indices: Indices) -> Batch:
        """Bring a batch's pictures to the device. May be called ahead of time, from another thread."""

    def step(self, indices: Indices, batch: Batch, position: Position) -> str:
        """Learn from a batch; return a note for the progress bar. On a GPU it may return before the device is done."""

    def settle(self) -> None:
        """Wait for the steps that are under way, and add their figures to the loop's totals."""

    def end_epoch(self, epoch: int) -> None:
        """Note a finished epoch, counted from 0, in the loop's rows."""

    def is_enough(self) -> bool:
        """Whether the finished epochs, as the loop's rows tell of them, make further ones needless."""


@dataclass
class Loop:
    """A training run over a data set.

    Attributes:
        epochs: Passes over the data.
        batch_size: Images a step; the last, smaller batch of an epoch is dropped unless it is the only one.
        images: Images an epoch draws from.
        seed: Decides the order of batches and the randomness of every step.
        fabric: The processes that share the work, and its precision.
        modules: What learns, by name, for the checkpoint.
        optimizers: What makes them learn, by name, for the checkpoint.
        checkpoint: The checkpoint's file.
        fetched_ahead: Batches that are fetched while the device works; 0 fetches each when it is needed.
        longest_epoch: Images after which an epoch ends, having drawn others than the one before; None for all of them.
        totals: Sums over the running epoch, which ``settle`` adds to. The same in all processes.
        rows: Finished epochs' figures, which ``end_epoch`` adds to.
        epochs_done: Epochs that ``end_epoch`` has been called for.
        stop: Whether a signal has asked this process to stop.
        agreed: The signal that asked any of several processes to stop, once ``settle`` has learned of it; in all of
            them after the same step.
    """

    epochs: int
    batch_size: int
    images: int
    seed: int
    fabric: Fabric
    modules: Mapping[str, nn.Module]
    optimizers: Mapping[str, Optimizer]
    checkpoint: Path
    fetched_ahead: int = 0
    longest_epoch: int | None = None
    totals: dict[str, float] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    epochs_done: int = 0
    stop: StopRequest = field(default_factory=StopRequest)
    agreed: int | None = None

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch."""
        return max(1, min(self.images, self.longest_epoch or self.images) // self.batch_size)

    @property
    def steps(self) -> int:
        """Batches in the whole run."""
        return self.epochs * self.steps_per_epoch

    def run(self, work: Work[Any], stop: StopRequest) -> None:
        """Run from the checkpoint, or from the start where there is none, to the last epoch.

        Args:
            work: What to do.
            stop: Looked at after every step and every epoch.

        Raises:
            Interrupted: ``stop`` was requested, here or in another process; the checkpoint has been written.
        """
        self.stop = stop
        done = self._resume()
        with self._progress(done) as bar:
            while self.epochs_done < self.epochs and not (self.rows and work.is_enough()):
                epoch = self.epochs_done
                self._run_epoch(epoch, max(done - epoch * self.steps_per_epoch, 0), work, bar)
                work.settle()
                work.end_epoch(epoch)
                self.totals.clear()
                self.epochs_done = epoch + 1
                self._save((epoch + 1) * self.steps_per_epoch)
                self._leave((epoch + 1) * self.steps_per_epoch, self._signal())

    def _progress(self, done: int) -> Any:
        return shown_by_the_first(self.fabric, "Training", self.steps * self.batch_size, done=done * self.batch_size)

    def _run_epoch(self, epoch: int, first: int, work: Work[Any], bar: Bar) -> None:
        saved_at = mark = time.monotonic()
        batches = self.batches(epoch, first)
        with ahead(batches, lambda item: work.fetch(item[1]), self.fetched_ahead) as fetched:
            for (position, indices), batch in fetched:
                waited = time.monotonic() - mark
                seed_step(self.seed, position.step, self.fabric.global_rank)
                bar.advance(self.batch_size, work.step(indices, batch, position))
                self.count(waiting=waited, seconds=time.monotonic() - mark)
                signal_number = self._signal()
                if signal_number is not None or time.monotonic() - saved_at > _SECONDS_BETWEEN_CHECKPOINTS:
                    work.settle()
                    self._save(position.step + 1)
                    self._leave(position.step + 1, signal_number)
                    saved_at = time.monotonic()
                mark = time.monotonic()

    def count(self, **amounts: float) -> None:
        """Add to the running epoch's totals."""
        for name, amount in amounts.items():
            self.totals[name] = self.totals.get(name, 0.0) + amount

    def note(self, position: Position) -> str:
        """The epoch and its mean loss so far, for the progress bar; on a GPU the first step has none to tell yet."""
        epoch, images = f"epoch {position.epoch + 1}/{self.epochs}", self.totals.get("images")
        return f"{epoch}  loss {self.totals['loss'] / images:.4g}" if images else epoch

    def batches(self, epoch: int, first: int = 0) -> Iterator[tuple[Position, Indices]]:
        """The batches of an epoch, from its ``first`` on: a function of the seed and the epoch."""
        order = np.random.default_rng((self.seed, epoch)).permutation(self.images)
        for batch in range(first, self.steps_per_epoch):
            indices = order[batch * self.batch_size : (batch + 1) * self.batch_size]
            yield Position(epoch, epoch * self.steps_per_epoch + batch), indices

    def _signal(self) -> int | None:
        """The signal to stop for: of several processes, which must stop at the same step, the one all have seen."""
        return self.stop.signal_number if self.fabric.world_size == 1 else self.agreed

    def _leave(self, steps_done: int, signal_number: int | None) -> None:
        if signal_number is not None:
            raise Interrupted(
                f"Stopped at step {steps_done:,} of {self.steps:,}; everything is saved. "
                "Run the same command again to go on.",
                signal_number,
            )

    def _save(self, steps_done: int) -> None:
        """Write the checkpoint: one process does, for all have the same weights and the same totals."""
        if self.fabric.is_global_zero:
            state = {
                "steps_done": steps_done,
                "epochs_done": self.epochs_done,
                "totals": self.totals,
                "rows": self.rows,
                "loss_scale": loss_scale(self.fabric),
            }
            save_checkpoint(self.checkpoint, self.modules, self.optimizers, state)

    def _resume(self) -> int:
        if not self.checkpoint.exists():
            return 0
        state = load_checkpoint(self.checkpoint, self.modules, self.optimizers)
        self.totals.update(state["totals"])
        self.rows.extend(state["rows"])
        self.epochs_done = state["epochs_done"]
        set_loss_scale(self.fabric, state["loss_scale"])
        return int(state["steps_done"])
