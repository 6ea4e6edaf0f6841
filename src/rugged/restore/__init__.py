"""Restoring corrupted pictures: training the deblurring GAN, and putting it to work on picture files."""

from rugged.restore.apply import apply_restorer
from rugged.restore.fit import train
from rugged.restore.recipe import RestoreRecipe, load_recipe, shipped_recipes

__all__ = ["RestoreRecipe", "apply_restorer", "load_recipe", "shipped_recipes", "train"]
