"""Progressive resizing: pictures that grow while a network learns."""

from rugged.core.errors import ConfigError
from rugged.train.recipe import Recipe

_STEP = 8
"""Pixels: sides are multiples of it, since a new size costs libraries and compilers time, and most networks halve."""


def picture_side(recipe: Recipe, full: int, epoch: int) -> int:
    """Side of the pictures that the network sees, in pixels.

    It rises evenly from the recipe's start, epoch by epoch, and is the full size after the recipe's share of them, in
    the last one at any rate: progressive resizing (Howard 2018, fast.ai's DAWNBench entries).

    Args:
        recipe: Of the training.
        full: Side that the model file will say.
        epoch: Counted from 0.
    """
    start, growing = recipe.growth.start, min(recipe.growth.share * recipe.epochs, recipe.epochs - 1)
    if start is None or epoch >= growing:
        return full
    side = start + (full - start) * epoch / growing
    return min(full, max(start, int(side) // _STEP * _STEP))


def sides_shown(recipe: Recipe, full: int) -> tuple[int, ...]:
    """The sides that a training shows its network, in pixels, each once; the last is the full one.

    Raises:
        ConfigError: The pictures would not grow.
    """
    start = recipe.growth.start
    if start is not None and start >= full:
        raise ConfigError(
            f"growth.start is {start}, and the pictures' full size is {full}. "
            "Set a smaller start, or growth.start=none."
        )
    return tuple(dict.fromkeys(picture_side(recipe, full, epoch) for epoch in range(recipe.epochs)))
