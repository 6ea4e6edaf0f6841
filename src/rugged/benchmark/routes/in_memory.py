"""The route in memory: pictures are corrupted as they are measured, the same every time, and nothing is written."""

from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rugged.benchmark.routes.route import Images
from rugged.core.errors import ConfigError
from rugged.corruptions import STREAM_VERSION, Corruptor, choose_textures
from rugged.corruptions.jpeg import jpeg_compression
from rugged.data import Dataset, Split, content_hash
from rugged.engine import as_batch
from rugged.results import CLEAN, Conditions

Stored = Literal["no", "jpeg85"]
"""Whether corrupted pictures go through a storage step before anything looks at them."""

_STORED_QUALITY = 85
"""At which the official data sets were saved. It costs accuracy by itself, under noise above all."""


@dataclass
class InMemory:
    """Corrupts. See ``rugged.benchmark.route.Route`` for the methods.

    Attributes:
        conditions: Preset, seed, and whether corrupted pictures go through the official storage step. Clean ones never
            did.
        split: The clean pictures.
        device: Where they are corrupted.
        corruptor: With their preset and seed. Where it has no textures, those that the conditions name are looked for
            when they are needed.
        ahead: None: a device that corrupts has nothing to wait for.
    """

    conditions: Conditions
    split: Split
    device: torch.device
    corruptor: Corruptor
    ahead: int = 0

    def images(self, corruption: str) -> Images:  # noqa: ARG002 (others have more than one set)
        """The split's, whatever the corruption."""
        return Images(self.split.ids, self.split.labels)

    def pictures(self, corruption: str, severity: int, rows: NDArray[np.int64]) -> Tensor:
        """Corrupt clean pictures.

        Raises:
            ConfigError: Frost is asked for with textures that are not here.
        """
        images = as_batch(self.split.images[rows], self.device)
        if corruption == CLEAN:
            return images
        made = self.corruptor_for(corruption)(images, corruption, severity, ids=[self.split.ids[row] for row in rows])
        return jpeg_compression(made, None, quality=_STORED_QUALITY) if self.conditions.stored == "jpeg85" else made

    def provenance(self, corruption: str, severity: int) -> dict[str, Any]:
        """Of a corruption of one's own, what it is now. Of the others the conditions say it all."""
        return self.corruptor.provenance(corruption, severity)

    def require_all(self) -> None:
        """Nothing to see: every cell is made of the same pictures."""

    def notes(self) -> list[str]:
        """Nothing besides what the conditions say."""
        return []

    def corruptor_for(self, corruption: str) -> Corruptor:
        """What makes a corruption, with textures for a frost that nobody asked for now, but that was measured before.

        Raises:
            ConfigError: It was measured with other textures than there are now.
        """
        if corruption == "frost":
            self._require_textures()
        return self.corruptor

    def _require_textures(self) -> None:
        if self.corruptor.textures is None:
            found = choose_textures("procedural" if self.conditions.textures == "procedural" else None)
            self.corruptor = replace(self.corruptor, textures=found)
        if self.corruptor.textures_label != self.conditions.textures:
            raise ConfigError(
                f"Frost was measured here with {self.conditions.textures}, and there are only "
                f"{self.corruptor.textures_label} textures now. Name the folder of photographs with --textures."
            )


def corrupted_in_memory(
    dataset: Dataset,
    split: Split,
    corruptor: Corruptor,
    corruptions: tuple[str, ...],
    severities: tuple[int, ...],
    stored: Stored,
    device: torch.device,
) -> InMemory:
    """Find out under which conditions pictures of a data set are corrupted in memory.

    Args:
        dataset: The data set.
        split: Its validation split, or some of it.
        corruptor: What corrupts them.
        corruptions: Which.
        severities: At which.
        stored: The storage step.
        device: Where.

    Raises:
        ConfigError: There is no such storage step.
    """
    if stored not in get_args(Stored):
        raise ConfigError(f"stored is {stored!r}; expected {' or '.join(get_args(Stored))}.")
    conditions = Conditions(
        dataset=dataset.name,
        content_hash=content_hash(dataset.classes, split),
        split=split.name,
        images=len(split),
        classes=len(dataset.classes),
        size=dataset.size,
        route="in memory",
        stored=stored,
        preset=corruptor.preset,
        textures=corruptor.textures_label,
        seed=corruptor.seed,
        stream_version=STREAM_VERSION,
        corruptions=corruptions,
        severities=severities,
        limit=len(split) if len(split) < len(dataset.val) else None,
    )
    return InMemory(conditions, split, device, corruptor)
