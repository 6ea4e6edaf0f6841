"""Augmentations: batched, on the device, drawn from PyTorch's seeded generator."""

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from rugged.core.selection import choose_corruptions
from rugged.corruptions import Textures, choose_textures, corrupt_randomly
from rugged.train.recipe import AugmentRecipe


def operations(recipe: AugmentRecipe) -> tuple[str, ...]:
    """The names under which a model file's ledger lists what training did to the images."""
    simple = tuple(name for name, used in {"flip": recipe.flip, "crop": recipe.crop > 0}.items() if used)
    drawn = ("procedural frost",) if "frost" in corruptions(recipe) and recipe.corrupt.textures == "procedural" else ()
    return simple + corruptions(recipe) + drawn


def corruptions(recipe: AugmentRecipe) -> tuple[str, ...]:
    """The corruptions that a recipe applies, in the catalogue's order."""
    return choose_corruptions(recipe.corrupt.names) if recipe.corrupt.names and recipe.corrupt.probability else ()


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


def augment(images: Tensor, recipe: AugmentRecipe, textures: Textures | None = None) -> Tensor:
    """Apply a recipe's augmentations, drawn anew for each image. Corruptions come last, as they do in a camera.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        recipe: Which ones.
        textures: From :func:`settle_textures`.

    Returns:
        ``(N, 3, H, W)`` uint8.
    """
    if recipe.crop > 0:
        images = random_shift(images, recipe.crop)
    if recipe.flip:
        images = random_flip(images)
    if names := corruptions(recipe):
        chosen = recipe.corrupt
        images = corrupt_randomly(images, names, chosen.severities, probability=chosen.probability, textures=textures)
    return images


def random_flip(images: Tensor) -> Tensor:
    """Mirror each image left to right with probability one half."""
    flipped = torch.rand(len(images), device=images.device) < 0.5
    return torch.where(flipped[:, None, None, None], images.flip(-1), images)


def random_shift(images: Tensor, pixels: int) -> Tensor:
    """Shift each image by whole numbers of pixels, uniform in [-pixels, pixels] on both axes, mirrored at the edge."""
    count, _, height, width = images.shape
    # Reflection needs the padding to be smaller than the picture.
    reach = min(pixels, height - 1, width - 1)
    padded = functional.pad(images.float(), (reach,) * 4, mode="reflect").to(images.dtype)
    top, left = torch.randint(0, 2 * reach + 1, (2, count, 1, 1), device=images.device)
    rows = top + torch.arange(height, device=images.device)[:, None]
    columns = left + torch.arange(width, device=images.device)
    everyone = torch.arange(count, device=images.device)[:, None, None]
    # Indexing (N, H', W', C) with three (N, H, W) grids gathers whole pixels.
    return padded.permute(0, 2, 3, 1)[everyone, rows, columns].permute(0, 3, 1, 2)
