"""Where perturbed pictures come from: what the benchmark of sequences asks of each route."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

from torch import Tensor

from rugged.benchmark.route import Images
from rugged.perturbations import ALL_SEQUENCES, PRESETS, SEQUENCES
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


def with_sequences(conditions: SequenceConditions, names: Sequence[str]) -> SequenceConditions:
    """Conditions of these sequences; means are over those of the ten, as published ones are, or else over all."""
    chosen = tuple(name for name in ALL_SEQUENCES if name in names)
    averaged = tuple(name for name in SEQUENCES if name in chosen) or chosen
    return replace(conditions, sequences=chosen, averaged=averaged, complete=averaged == SEQUENCES)


def notes_of(conditions: SequenceConditions, origin: str = "") -> list[str]:
    """What sets figures apart from published ones; ``origin`` tells how the frames came about."""
    found, measured = [], len(conditions.averaged)
    if not conditions.complete:
        found.append(
            f"Means are over {measured} sequence{'' if measured == 1 else 's'} ({', '.join(conditions.averaged)}), "
            "not over the ten of the mean flip rate: they are not comparable with published ones."
        )
    if conditions.difficulty != 1:
        found.append(f"Difficulty {conditions.difficulty}: published figures are at difficulty 1.")
    if conditions.limit is not None:
        found.append(f"Quick run: limited to {conditions.images:,} images, taken evenly over the classes.")
    if origin:
        found.append(origin)
    side = PRESETS[conditions.preset].side
    if min(conditions.size) != side:
        found.append(f"The pictures are {conditions.size[1]} × {conditions.size[0]} pixels, the frames {side}.")
    return found
