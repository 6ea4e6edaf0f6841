"""The resumable loop: steps and epochs, progress, checkpoints, and a stop where nothing is lost.

A run is a pure function of its seed and position: batches are drawn from (seed, epoch), randomness within a step from
(seed, step), the learning rate from the step. So a checkpoint is weights, optimizer state and a position, and a run
killed at any moment and resumed ends with the same weights, bit for bit on a CPU, as one that was not.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import nn
from torch.optim import Optimizer

from rugged.core.errors import Interrupted
from rugged.core.progress import Bar, progress
from rugged.core.stopping import StopRequest
from rugged.engine.checkpoints import load_checkpoint, save_checkpoint
from rugged.engine.randomness import seed_step

_SECONDS_BETWEEN_CHECKPOINTS = 120.0


@dataclass(frozen=True)
class Position:
    """Where a run stands: ``step`` counts from the run's start, ``batch`` from the epoch's."""

    epoch: int
    batch: int
    step: int


@dataclass
class Loop:
    """A training run over a data set.

    Attributes:
        epochs: Passes over the data.
        batch_size: Images a step; the last, smaller batch of an epoch is dropped unless it is the only one.
        images: Images an epoch draws from.
        seed: Decides the order of batches and the randomness of every step.
        modules: What learns, by name, for the checkpoint.
        optimizers: Likewise.
        checkpoint: The checkpoint's file.
        totals: Sums over the running epoch, which ``step`` adds to.
        rows: Finished epochs' figures, which ``end_epoch`` adds to.
        epochs_done: Epochs that ``end_epoch`` has been called for.
    """

    epochs: int
    batch_size: int
    images: int
    seed: int
    modules: Mapping[str, nn.Module]
    optimizers: Mapping[str, Optimizer]
    checkpoint: Path
    totals: dict[str, float] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    epochs_done: int = 0

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch."""
        return max(1, self.images // self.batch_size)

    @property
    def steps(self) -> int:
        """Batches in the whole run."""
        return self.epochs * self.steps_per_epoch

    def run(
        self,
        step: Callable[[npt.NDArray[np.int64], Position], str],
        end_epoch: Callable[[int], None],
        stop: StopRequest,
    ) -> None:
        """Run from the checkpoint, or from the start where there is none, to the last epoch.

        Args:
            step: Called with a batch's indices and the position; returns a note for the progress bar.
            end_epoch: Called with each finished epoch's number, counted from 0.
            stop: Looked at after every step and every epoch.

        Raises:
            Interrupted: ``stop`` was requested; the checkpoint has been written.
        """
        done = self._resume()
        with progress("Training", self.steps * self.batch_size, "images", done * self.batch_size) as bar:
            for epoch in range(self.epochs_done, self.epochs):
                self._run_epoch(epoch, max(done - epoch * self.steps_per_epoch, 0), step, stop, bar)
                end_epoch(epoch)
                self.totals.clear()
                self.epochs_done = epoch + 1
                self._save((epoch + 1) * self.steps_per_epoch, stop)

    def _run_epoch(
        self,
        epoch: int,
        first: int,
        step: Callable[[npt.NDArray[np.int64], Position], str],
        stop: StopRequest,
        bar: Bar,
    ) -> None:
        saved_at = time.monotonic()
        for position, indices in self._batches(epoch, first):
            seed_step(self.seed, position.step)
            bar.advance(self.batch_size, step(indices, position))
            if stop.signal_number is not None or time.monotonic() - saved_at > _SECONDS_BETWEEN_CHECKPOINTS:
                self._save(position.step + 1, stop)
                saved_at = time.monotonic()

    def _batches(self, epoch: int, first: int) -> Iterator[tuple[Position, npt.NDArray[np.int64]]]:
        order = np.random.default_rng((self.seed, epoch)).permutation(self.images)
        for batch in range(first, self.steps_per_epoch):
            indices = order[batch * self.batch_size : (batch + 1) * self.batch_size]
            yield Position(epoch, batch, epoch * self.steps_per_epoch + batch), indices

    def _save(self, steps_done: int, stop: StopRequest) -> None:
        """Write the checkpoint; then is the moment to stop, if that was asked for."""
        state = {
            "steps_done": steps_done,
            "epochs_done": self.epochs_done,
            "totals": self.totals,
            "rows": self.rows,
        }
        save_checkpoint(self.checkpoint, self.modules, self.optimizers, state)
        if stop.signal_number is not None:
            raise Interrupted(
                f"Stopped at step {steps_done:,} of {self.steps:,}; everything is saved. "
                "Run the same command again to go on.",
                stop.signal_number,
            )

    def _resume(self) -> int:
        if not self.checkpoint.exists():
            return 0
        state = load_checkpoint(self.checkpoint, self.modules, self.optimizers)
        self.totals.update(state["totals"])
        self.rows.extend(state["rows"])
        self.epochs_done = state["epochs_done"]
        return int(state["steps_done"])
