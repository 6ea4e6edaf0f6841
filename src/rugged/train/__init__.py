"""Training classifiers: recipes, augmentations and the run that joins them."""

from rugged.train.fit import train
from rugged.train.recipe import Recipe, load_recipe, shipped_recipes

__all__ = ["Recipe", "load_recipe", "shipped_recipes", "train"]
