"""The route in memory: frames are made as they are measured, the same every time, and nothing is written."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from rugged.benchmark.choice import choose_images
from rugged.benchmark.route import Images
from rugged.benchmark.sequence_route import notes_of, with_sequences
from rugged.corruptions import STREAM_VERSION
from rugged.data import Dataset, Split, content_hash
from rugged.engine import as_batch
from rugged.perturbations import perturb
from rugged.perturbations.request import choose_preset
from rugged.results import SequenceConditions


@dataclass
class SequencesInMemory:
    """Perturbs. See ``rugged.benchmark.sequence_route.SequenceRoute`` for the methods.

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
        return with_sequences(self.conditions, (*self.conditions.sequences, *saved.sequences))

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
    """Make ready to perturb validation pictures.

    Args:
        dataset: Where they come from, and their classes.
        chosen: Which sequences.
        difficulty: 1 to 3.
        limit: Take only so many images, evenly over the classes.
        preset: Which published set of sequences; chosen by the images' size unless named.
        seed: Of the keyed random streams.
        device: Where.

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
        sequences=(),
        averaged=(),
        complete=False,
        limit=len(split) if len(split) < len(dataset.val) else None,
    )
    return SequencesInMemory(with_sequences(conditions, chosen), split, device)
