"""Where perturbed pictures come from: what the benchmark of sequences asks of each route, and the one in memory."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import torch
from torch import Tensor

from rugged.benchmark.choice import choose_images
from rugged.benchmark.routes.route import Images
from rugged.core.wording import counted
from rugged.corruptions import STREAM_VERSION
from rugged.data import Dataset, Split, content_hash
from rugged.engine import as_batch
from rugged.perturbations import ALL_SEQUENCES, PRESETS, SEQUENCES, perturb
from rugged.perturbations.request import choose_preset
from rugged.results import SequenceConditions


class SequenceRoute(Protocol):
    """Gives the frames of each picture.

    Attributes:
        conditions: Under which they are measured.
    """

    conditions: SequenceConditions

    @property
    def images(self) -> Images:
        """The pictures that are perturbed."""

    def frames(self, name: str, piece: slice) -> Tensor:
        """The frames of some pictures under one kind of sequence, ``(n, F, 3, H, W)`` uint8 on any device."""

    def provenance(self, name: str) -> dict[str, Any]:
        """What the predictions on one kind depend on besides the conditions."""

    def joined_with(self, saved: SequenceConditions) -> SequenceConditions:
        """The conditions, with the sequences of an earlier measurement where those can be measured here, too."""

    def notes(self) -> list[str]:
        """What a reader of the figures must know, as sentences."""


def extent_of(names: Sequence[str]) -> dict[str, Any]:
    """The conditions' fields on what is measured; means are over the ten, as published ones are, or else over all."""
    chosen = tuple(name for name in ALL_SEQUENCES if name in names)
    averaged = tuple(name for name in SEQUENCES if name in chosen) or chosen
    return {"sequences": chosen, "averaged": averaged, "complete": averaged == SEQUENCES}


def notes_of(conditions: SequenceConditions, origin: str = "") -> list[str]:
    """What sets figures apart from published ones; ``origin`` tells how the frames came about."""
    found = []
    if not conditions.complete:
        found.append(
            f"Means are over {counted(len(conditions.averaged), 'sequence')} ({', '.join(conditions.averaged)}), "
            "not over the ten of the mean flip rate: they are not comparable with published ones."
        )
    if conditions.difficulty != 1:
        found.append(f"Difficulty {conditions.difficulty}: published figures are at difficulty 1.")
    if conditions.limit is not None:
        found.append(f"Quick run: limited to {counted(conditions.images, 'image')}, taken evenly over the classes.")
    if origin:
        found.append(origin)
    side = PRESETS[conditions.preset].side
    if min(conditions.size) != side:
        found.append(f"The pictures are {conditions.size[1]} × {conditions.size[0]} pixels, the frames {side}.")
    return found


@dataclass
class SequencesInMemory:
    """Perturbs as it is measured, the same every time, and writes nothing. See ``SequenceRoute`` for the methods.

    Attributes:
        conditions: Preset, difficulty and seed.
        split: The pictures.
        device: Where they are perturbed.
    """

    conditions: SequenceConditions
    split: Split
    device: torch.device

    @property
    def images(self) -> Images:
        """The split's."""
        return Images(self.split.ids, self.split.labels)

    def frames(self, name: str, piece: slice) -> Tensor:
        """Perturb pictures."""
        conditions = self.conditions
        return perturb(
            as_batch(self.split.images[piece], self.device),
            name,
            preset=conditions.preset,
            difficulty=conditions.difficulty,
            seed=conditions.seed,
            ids=self.split.ids[piece],
        )

    def provenance(self, name: str) -> dict[str, Any]:  # noqa: ARG002 (of files each kind has its own)
        """Nothing: the conditions say it all."""
        return {}

    def joined_with(self, saved: SequenceConditions) -> SequenceConditions:
        """All of both: a look at fewer sequences takes nothing away."""
        return replace(self.conditions, **extent_of((*self.conditions.sequences, *saved.sequences)))

    def notes(self) -> list[str]:
        """What a reader must know."""
        origin = "Frames made in memory, without the official files' video compression, which removes noise."
        return notes_of(self.conditions, origin)


def perturbed_in_memory(
    dataset: Dataset,
    chosen: tuple[str, ...],
    difficulty: int,
    limit: int | None,
    preset: str | None,
    seed: int,
    device: torch.device,
) -> SequencesInMemory:
    """Make ready to perturb validation pictures; see ``rugged.benchmark.benchmark_sequences`` for the arguments.

    Raises:
        ConfigError: The limit is below 1.
        CorruptionError: There is no such preset.
        DataError: There are no validation images.
    """
    split = choose_images(dataset.val, limit)
    conditions = SequenceConditions(
        dataset=dataset.name,
        content_hash=content_hash(dataset.classes, split),
        split=split.name,
        images=len(split),
        classes=len(dataset.classes),
        size=dataset.size,
        route="in memory",
        preset=choose_preset(preset, dataset.size),
        difficulty=difficulty,
        seed=seed,
        stream_version=STREAM_VERSION,
        limit=len(split) if len(split) < len(dataset.val) else None,
        **extent_of(chosen),
    )
    return SequencesInMemory(conditions, split, device)
