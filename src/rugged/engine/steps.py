"""Steps of a training that are under way, whatever learns: their figures are read while the device goes on."""

import math
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from rugged.core.errors import RunError
from rugged.engine.async_copy import async_copy
from rugged.engine.devices import Fabric
from rugged.engine.loop import Indices, Loop, Position

Diverged = Callable[[Position, Indices, str, float], str]
"""What to say of a step with a figure that is not finite: given its position, its images, the figure's name and it."""


@dataclass
class Steps:
    """Steps that the device may still be at work on: it goes on with one while the figures of the last are read.

    Attributes:
        loop: Its totals take the figures, and it learns of signals to other processes.
        names: Of a step's figures, which are sums over its images.
    """

    loop: Loop
    names: Sequence[str]
    _under_way: list[tuple[Position, Indices, Callable[[], list[float]]]] = field(default_factory=list)

    def push(self, position: Position, indices: Indices, figures: Tensor, diverged: Diverged) -> str:
        """Take in a step that the device was told of; a note for the progress bar.

        Args:
            position: The step's.
            indices: The batch, of all processes.
            figures: As many as there are names, and the sum of the signals that ask to stop, of all processes.
            diverged: As for ``settle``.
        """
        self._under_way.append((position, indices, async_copy(figures)))
        self.settle(diverged, all_but=0 if figures.device.type == "cpu" else 1)
        return self.loop.note(position)

    def settle(self, diverged: Diverged, all_but: int = 0) -> None:
        """Wait for all steps but the last few, and add up their figures.

        Raises:
            RunError: A figure is not finite.
        """
        while len(self._under_way) > all_but:
            position, indices, read = self._under_way.pop(0)
            *figures, signals = read()
            for name, value in zip(self.names, figures, strict=True):
                if not math.isfinite(value):
                    raise RunError(diverged(position, indices, name, value))
                self.loop.count(**{name: value})
            self.loop.count(images=len(indices))
            if signals:
                self.loop.agreed = self.loop.stop.signal_number or signal.SIGTERM

    def row(self, epoch: int, **figures: float) -> dict[str, Any]:
        """What ``metrics.csv`` says of a finished epoch, counted from 0: these figures, and how fast it went."""
        totals = self.loop.totals
        return {
            "epoch": epoch + 1,
            "step": (epoch + 1) * self.loop.steps_per_epoch,
            "split": "train",
            **figures,
            "images_per_second": totals["images"] / totals["seconds"],
            "seconds": totals["seconds"],
            "waiting": totals["waiting"] / totals["seconds"],
        }


def own_share(fabric: Fabric, indices: Indices) -> Indices:
    """What this process does of a batch that several share."""
    return indices[fabric.global_rank :: fabric.world_size]
