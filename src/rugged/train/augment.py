"""What a recipe does to a batch: its augmentations in their order, and the names they go by in a model's ledger."""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from torch import Tensor

from rugged.core.catalogue import PROCEDURAL_FROST
from rugged.core.selection import choose_corruptions
from rugged.corruptions import Textures, choose_textures, corrupt_randomly
from rugged.engine import Fabric, Restorer, open_restorer
from rugged.results import RunFolder
from rugged.train.augmentations.augmix import alter, augmix
from rugged.train.augmentations.fourier import fourier_mix
from rugged.train.augmentations.fractals import fractals
from rugged.train.augmentations.geometry import (
    random_erasing,
    random_flip,
    random_resized_crop,
    random_rotation,
    random_shift,
)
from rugged.train.augmentations.noise import noise_ledger, p_norm_noise
from rugged.train.augmentations.operations import AUGMIX_OPERATIONS, policy_ledger
from rugged.train.augmentations.pixmix import pixmix
from rugged.train.augmentations.prime import prime
from rugged.train.augmentations.recipe import AugmentRecipe
from rugged.train.augmentations.trivial import trivial_augment
from rugged.train.mixing import mix_ledger

_TOGETHER = 32
"""Images of a batch that share a corruption and severity on a GPU: 512 draw from 16 of the 95 pairs.

The CPU takes longer to tell a GPU of a group than that takes to corrupt it; more in a group gain nothing further
(measured on an H200, docs/performance.md).
"""


@dataclass(frozen=True)
class Sources:
    """What augmentations take from besides the batch.

    Attributes:
        textures: For frost; None where a recipe has none.
        fractals: ``(F, 3, S, S)`` uint8 on the device, for PixMix; None without it.
        restorer: That pictures pass through; None for none.
    """

    textures: Textures | None = None
    fractals: Tensor | None = None
    restorer: Restorer | None = None


def operations(recipe: AugmentRecipe) -> tuple[str, ...]:
    """The names under which a model file's ledger lists what training did to the images, in the order of the recipe.

    What a corruption of the benchmark does goes by that corruption's name, so that overlaps can be read off.
    """
    augmix, mixed = recipe.augmix, recipe.mix
    drawn_ice = "frost" in corruptions(recipe) and recipe.corrupt.textures == "procedural"
    used = (
        (recipe.crop > 0 or recipe.resized_crop is not None, ("crop",)),
        (recipe.flip, ("flip",)),
        (recipe.rotate > 0, ("rotate",)),
        (recipe.trivial.probability > 0, policy_ledger(recipe.trivial.names)),
        (augmix.probability + augmix.consistency > 0, policy_ledger(augmix.names)),
        (recipe.pixmix.probability > 0, ("fractal_mix", *policy_ledger(AUGMIX_OPERATIONS))),
        (recipe.smooth.probability > 0, recipe.smooth.names),
        (recipe.fourier.probability > 0, ("fourier_mix",)),
        (recipe.noise.probability > 0, noise_ledger(recipe.noise.norms)),
        (True, corruptions(recipe)),
        (drawn_ice, (PROCEDURAL_FROST,)),
        (recipe.restore is not None, (f"restored by {_restorer_name(recipe)}",)),
        (recipe.erase > 0, ("erase",)),
        (True, mix_ledger(mixup_alpha=mixed.mixup, cutmix_alpha=mixed.cutmix, probability=mixed.probability)),
    )
    return tuple(dict.fromkeys(name for wanted, names in used if wanted for name in names))


def _restorer_name(recipe: AugmentRecipe) -> str:
    """A restorer goes by the name of its run folder."""
    path = Path(recipe.restore or "").resolve()
    return path.parent.name if path == RunFolder(path.parent).restorer else path.stem


def corruptions(recipe: AugmentRecipe) -> tuple[str, ...]:
    """The corruptions that a recipe applies, in the catalogue's order."""
    return choose_corruptions(recipe.corrupt.names) if recipe.corrupt.names and recipe.corrupt.probability else ()


def plain(recipe: AugmentRecipe) -> AugmentRecipe:
    """What remains of a recipe for its plain epochs: shift and flip, and the restorer that the network stands behind.

    A network that has seen altered pictures alone meets others when it is measured: cropped and resized ones, say, are
    smoother than whole ones. A few epochs at the end make up for it, as in YOLOX (Ge et al. 2021, arXiv:2107.08430).
    """
    return AugmentRecipe(crop=recipe.crop, flip=recipe.flip, restore=recipe.restore)


def settle_textures(recipe: AugmentRecipe) -> tuple[AugmentRecipe, Textures | None]:
    """Find the textures that a recipe with frost needs, and have the recipe say so where they are drawn ones.

    Returns:
        The recipe, and its textures; None without frost.
    """
    if "frost" not in corruptions(recipe):
        return recipe, None
    textures = choose_textures(recipe.corrupt.textures)
    if textures.label == "procedural":
        recipe = replace(recipe, corrupt=replace(recipe.corrupt, textures="procedural"))
    return recipe, textures


def gather(recipe: AugmentRecipe, textures: Textures | None, side: int, fabric: Fabric) -> Sources:
    """Bring together what a recipe's augmentations take from, for pictures of ``side`` pixels.

    Raises:
        ModelError: The restorer cannot be loaded.
    """
    mixed = fractals(recipe.pixmix.fractals, side).to(fabric.device) if recipe.pixmix.probability else None
    return Sources(textures, mixed, open_restorer(Path(recipe.restore), fabric) if recipe.restore else None)


def views(images: Tensor, recipe: AugmentRecipe, sources: Sources, side: int) -> tuple[Tensor, ...]:
    """Augment a batch, drawn anew for each image.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        recipe: Which augmentations.
        sources: From ``gather``.
        side: Of the pictures that a resized crop makes.

    Returns:
        ``(N, 3, H', W')`` uint8: one view of the pictures, or where a recipe asks for consistency the pictures and
        two AugMix views of them.
    """
    moved = _move(images, recipe, side)
    if not recipe.augmix.consistency:
        return (_recolour(moved, recipe, sources, recipe.augmix.probability),)
    return tuple(_recolour(moved, recipe, sources, probability) for probability in (0, 1, 1))


def _move(images: Tensor, recipe: AugmentRecipe, side: int) -> Tensor:
    if recipe.crop:
        images = random_shift(images, recipe.crop)
    if recipe.resized_crop is not None:
        images = random_resized_crop(images, side, smallest=recipe.resized_crop)
    if recipe.flip:
        images = random_flip(images)
    if recipe.rotate:
        images = random_rotation(images, recipe.rotate)
    return images


def _recolour(images: Tensor, recipe: AugmentRecipe, sources: Sources, augmix_probability: float) -> Tensor:
    if recipe.trivial.probability:
        images = trivial_augment(images, names=recipe.trivial.names, probability=recipe.trivial.probability)
    if augmix_probability:
        chosen = recipe.augmix
        images = augmix(
            images, severity=chosen.severity, width=chosen.width, depth=chosen.depth, alpha=chosen.alpha,
            names=chosen.names, probability=augmix_probability,
        )  # fmt: skip
    if recipe.pixmix.probability and sources.fractals is not None:
        pix = recipe.pixmix
        images = pixmix(
            images, sources.fractals, partial(alter, severity=pix.severity),
            rounds=pix.rounds, beta=pix.beta, probability=pix.probability,
        )  # fmt: skip
    if recipe.smooth.probability:
        images = prime(images, names=recipe.smooth.names, probability=recipe.smooth.probability)
    if recipe.fourier.probability:
        images = fourier_mix(images, strength=recipe.fourier.strength, probability=recipe.fourier.probability)
    if recipe.noise.probability:
        images = p_norm_noise(
            images, norms=recipe.noise.norms, strength=recipe.noise.strength, probability=recipe.noise.probability
        )
    if names := corruptions(recipe):
        corrupt = recipe.corrupt
        images = corrupt_randomly(
            images, names, corrupt.severities, probability=corrupt.probability, textures=sources.textures,
            together=_TOGETHER if images.is_cuda else 1,
        )  # fmt: skip
    if sources.restorer is not None:
        images = sources.restorer.restore(images)
    if recipe.erase:
        images = random_erasing(images, recipe.erase)
    return images
