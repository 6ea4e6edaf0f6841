"""Batch norm adaptation: the statistics of the pictures at hand instead of those of training."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from rugged.benchmark.routes.route import Images
from rugged.benchmark.variants.base import Answer, Setting, TakePictures
from rugged.core.errors import ConfigError, ModelError
from rugged.core.stopping import StopRequest
from rugged.engine import CHUNK, Network, chunks, in_turn, told_by_the_first
from rugged.models import modes_kept

SOURCE_WEIGHT = 16
"""N of the paper: the pictures that the training statistics count as. It matters where few pictures are measured."""


@dataclass(frozen=True)
class Adaptation:
    """A network whose batch norms are adapted to each cell.

    The cell's n pictures go through the network in batches of up to 250, taken evenly from the whole cell, since
    neighbours are of one class and would have its statistics; each batch norm works with the batch's own. The means of
    the batches' means and (unbiased) variances, weighted by their pictures, are the cell's statistics. Those that
    answer are ``N / (N + n)`` of training's and ``n / (N + n)`` of the cell's. The batches do not depend on the number
    of processes, nor does the order of sums.

    Source: Schneider et al. 2020 (arXiv:2006.16971), equation 2. There n is a batch of test pictures; here all of them.
    """

    setting: Setting
    network: Network
    norms: tuple[_BatchNorm, ...]
    name: str = "batchnorm"
    clean_only: bool = False

    @property
    def how(self) -> str:
        """What was done."""
        return (
            "Batch norms take the statistics of each cell's own pictures, measured in "
            f"batches of up to {CHUNK} spread evenly over the cell, mixed with those of training, which count as "
            f"{SOURCE_WEIGHT} pictures (Schneider et al. 2020). All pictures of a cell are seen, without labels, "
            "before the first is answered."
        )

    @property
    def facts(self) -> Mapping[str, Any]:
        """What answers depend on."""
        return {"source_weight": SOURCE_WEIGHT, "batch": CHUNK}

    @contextmanager
    def answering(self, pictures: TakePictures, images: Images, stop: StopRequest) -> Iterator[Answer]:
        """Adapt to one cell, and go back to the training statistics at the end."""
        kept = [(buffer, buffer.clone()) for norm in self.norms for buffer in norm.buffers(recurse=False)]
        trained = _statistics(self.norms)
        try:
            measured = self._measure(pictures, len(images.ids), stop)
            share = SOURCE_WEIGHT / (SOURCE_WEIGHT + len(images.ids))
            _set_statistics(self.norms, share * trained + (1 - share) * measured)
            yield lambda shown, _: self.setting.subject.answer(shown)
        finally:
            with torch.no_grad():
                for buffer, values in kept:
                    buffer.copy_(values)

    def _measure(self, pictures: TakePictures, count: int, stop: StopRequest) -> Tensor:
        """The cell's statistics, ``(D,)`` float64 on the CPU, in all processes."""
        fabric = self.setting.fabric
        number = len(list(chunks(count)))
        batches = [slice(first, count, number) for first in range(number)]

        def statistics(batch: slice) -> Tensor:
            images = pictures(batch).to(fabric.device)
            with torch.inference_mode(), fabric.autocast():  # Not the subject's answer, which may take them in parts.
                self.network.logits(images)
            return _statistics(self.norms) * len(images)

        with _measuring(self.network.module, self.norms):
            found = in_turn(fabric, batches, statistics, stop)
        return told_by_the_first(fabric, lambda: torch.stack(found).sum(0) / count)


def make_adaptation(setting: Setting, stop: StopRequest) -> Adaptation:  # noqa: ARG001 - nothing is measured yet.
    """Batch norm adaptation of a classifier.

    Raises:
        ModelError: It has no batch norm with statistics, or nobody can look into it.
        ConfigError: There are too few pictures to have a variance.
    """
    network = setting.network("batchnorm", "the network's batch norms")
    norms = tuple(
        module for module in network.module.modules() if isinstance(module, _BatchNorm) and module.track_running_stats
    )
    if not norms:
        raise ModelError(
            f"The variant batchnorm needs batch norms, and {setting.subject.facts.architecture} has none. Measure it "
            "without batchnorm."
        )
    if setting.images < 2:
        raise ConfigError("The variant batchnorm needs at least 2 pictures for a variance; 1 is measured.")
    return Adaptation(setting, network, norms)


@contextmanager
def _measuring(module: nn.Module, norms: tuple[_BatchNorm, ...]) -> Iterator[None]:
    """Have batch norms work with a batch's own statistics and note them, those of the last batch alone."""
    momenta = [norm.momentum for norm in norms]
    with modes_kept(module):
        for norm in norms:
            norm.training = True  # Not `train()`, which would reach the dropout inside timm's batch norms.
            norm.momentum = 1.0
        try:
            yield
        finally:
            for norm, momentum in zip(norms, momenta, strict=True):
                norm.momentum = momentum


def _statistics(norms: tuple[_BatchNorm, ...]) -> Tensor:
    """All running means and variances, in one row of float64 on the CPU."""
    found = [values for norm in norms for values in (norm.running_mean, norm.running_var) if values is not None]
    return torch.cat(found).cpu().double()  # In one piece to the CPU: a device waits for every copy.


@torch.no_grad()
def _set_statistics(norms: tuple[_BatchNorm, ...], row: Tensor) -> None:
    places = [values for norm in norms for values in (norm.running_mean, norm.running_var) if values is not None]
    for place, values in zip(places, torch.split(row, [len(place) for place in places]), strict=True):
        place.copy_(values.float())
