"""Pairs drawn as they are needed: the pictures of a data set, and copies that the engine corrupts."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from rugged.core.catalogue import display_name, preset_for
from rugged.core.errors import ConfigError
from rugged.core.selection import choose_corruptions, choose_severities
from rugged.corruptions import Textures, choose_textures, corrupt, corrupt_randomly
from rugged.data import Dataset, Split, development_split
from rugged.data.splits import evenly
from rugged.engine import Indices, PlacedSplit, as_batch
from rugged.engine.manifest import TrainedOn
from rugged.restore.pairs import HeldOut, Provenance, crop_place, flip_alike
from rugged.restore.recipe import PairsRecipe, RestoreRecipe

_CLEAN = 4  # Every so many-th of the pictures to look at stays clean.
_TOGETHER = 8
"""Pictures of a batch that share a corruption and severity on a GPU, which is told of fewer kernels so."""


@dataclass(frozen=True)
class DrawnPairs:
    """Training pictures, half of them mirrored, and their copies with one corruption each; some stay clean.

    Attributes:
        recipe: Which corruptions, and what else.
        pictures: All training pictures.
        rows: Which of them are learned from.
        development: Pictures that are not.
        textures: For frost; None where it is not among the corruptions.
        provenance: What they are.
    """

    recipe: PairsRecipe
    pictures: PlacedSplit
    rows: Indices
    development: Split
    textures: Textures | None
    provenance: Provenance

    @property
    def fetched_ahead(self) -> int:
        """Batches that must be copied to another device are worth fetching ahead."""
        return self.pictures.fetched_ahead

    def __len__(self) -> int:
        return len(self.rows)

    def fetch(self, indices: Indices) -> Tensor:
        """Pictures as they are."""
        return self.pictures.take(self.rows[indices])[0]

    def make(self, fetched: Tensor) -> tuple[Tensor, Tensor]:
        """Corrupt them whole, as the benchmark does, then cut out what is shown."""
        clean = fetched
        if self.recipe.flip:
            (clean,) = flip_alike(clean)
        damaged = corrupt_randomly(
            clean, self.provenance.corruptions, self.provenance.severities, probability=1 - self.recipe.clean,
            together=_TOGETHER if clean.is_cuda else 1, textures=self.textures,
        )  # fmt: skip
        if self.recipe.crop:
            rows, columns = crop_place(clean, self.recipe.crop)
            clean, damaged = clean[..., rows, columns], damaged[..., rows, columns]
        return clean, damaged

    def held_out(self) -> Iterator[HeldOut]:
        """A quarter of them clean, then those of each corruption and severity."""
        shown = self.provenance
        everything = np.arange(len(self.development))
        spared = everything % _CLEAN == 0
        plain, _ = self._development(everything[spared])
        yield HeldOut("nothing", plain, None)
        cells = [(name, severity) for name in shown.corruptions for severity in shown.severities]
        for place, (name, severity) in enumerate(cells):
            mine = everything[~spared][place :: len(cells)]
            if len(mine):
                clean, ids = self._development(mine)
                damaged = corrupt(clean, name, severity, ids=ids, textures=self.textures)
                yield HeldOut(f"{display_name(name)} {severity}", clean, damaged)

    def _development(self, positions: Indices) -> tuple[Tensor, tuple[str, ...]]:
        """Pictures on the CPU, with their ids."""
        some = self.development.take(positions)
        return as_batch(some.images, torch.device("cpu")), some.ids


def settle_textures(recipe: RestoreRecipe) -> RestoreRecipe:
    """Have a recipe with frost say so where its textures are drawn ones: a later session must not find photographs."""
    shown = recipe.pairs
    if "frost" not in choose_corruptions(shown.corruptions) or choose_textures(shown.textures).label != "procedural":
        return recipe
    return replace(recipe, pairs=replace(shown, textures="procedural"))


def draw_pairs(recipe: RestoreRecipe, dataset: Dataset, device: torch.device) -> DrawnPairs:
    """Make ready to draw pairs from the training pictures of a data set. Its validation split is not touched.

    Raises:
        ConfigError: A crop larger than the pictures.
        DataError: A class with too few pictures to hold some out.
    """
    height, width = dataset.size
    crop = recipe.pairs.crop
    if crop is not None and crop > min(height, width):
        raise ConfigError(
            f"pairs.crop is {crop}, and the pictures of {dataset.name} have {height} x {width} pixels. "
            "Set pairs.crop=none to take them whole."
        )
    rows, development = development_split(dataset.train, recipe.development_per_class)
    chosen = development[evenly(dataset.train.labels[development], recipe.development_pictures)]
    corruptions = choose_corruptions(recipe.pairs.corruptions)
    return DrawnPairs(
        recipe=recipe.pairs,
        pictures=PlacedSplit.place(dataset.train, device),
        rows=rows,
        development=dataset.train.take(chosen),
        textures=choose_textures(recipe.pairs.textures) if "frost" in corruptions else None,
        provenance=Provenance(
            trained_on=TrainedOn(dataset.name, dataset.content_hash, dataset.notes),
            picture_size=(crop, crop) if crop else (height, width),
            corruptions=corruptions,
            severities=choose_severities(recipe.pairs.severities),
            preset=preset_for(height, width),
        ),
    )
