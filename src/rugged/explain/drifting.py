"""How far the attention moves as a picture is corrupted."""

import numpy as np
from numpy.typing import NDArray

from rugged.core.errors import ConfigError


def drift(clean: NDArray[np.floating], corrupted: NDArray[np.floating]) -> float:
    """How far a map has moved: one minus Pearson's correlation with the clean picture's map, over the pixels.

    0 where the attention stays where it was, whatever its strength; 1 where the maps have nothing to do with each
    other; up to 2 where one is high where the other is low. Pearson's, not a rank correlation: what is looked at
    counts by how much it is looked at, where ranks would be decided by the many places that hardly count.

    Args:
        clean: ``(H, W)`` map of the clean picture.
        corrupted: ``(H, W)`` map of the corrupted one.

    Returns:
        In [0, 2]; NaN where one of the maps is the same everywhere, as an empty one of Grad-CAM is.

    Raises:
        ConfigError: The shapes differ.
    """
    if clean.shape != corrupted.shape:
        raise ConfigError(f"There are maps of {clean.shape} and {corrupted.shape}; expected the same.")
    one, other = (np.asarray(each, np.float64).ravel() for each in (clean, corrupted))
    one, other = one - one.mean(), other - other.mean()
    spread = float(np.sqrt((one @ one) * (other @ other)))
    return float(np.clip(1 - (one @ other) / spread, 0, 2)) if spread > 0 else float("nan")
