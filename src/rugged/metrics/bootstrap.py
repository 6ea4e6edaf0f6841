"""Intervals by the bootstrap: how much a figure would move if other images of the same kind had been measured."""

import numpy as np
import numpy.typing as npt

from rugged.core.errors import MetricsError

DRAWS = 1000
LEVEL = 0.95
_BLOCK = 100
"""Draws at once: what bounds the memory."""


def resampled_means(values: npt.NDArray[np.generic], draws: int = DRAWS, seed: int = 0) -> npt.NDArray[np.float64]:
    """Means over images drawn with replacement, all rows of an image moving together.

    Rows are what was measured on the same images: errors under all corruptions, of one model or of several. Since a
    draw takes the same images for each, differences between rows are not blurred by which images were drawn.

    Args:
        values: ``(rows, N)`` a value for each image, such as 1 where the model is wrong.
        draws: How often N images are drawn.
        seed: Of the draws.

    Returns:
        ``(draws, rows)``.

    Raises:
        MetricsError: No images or no draws.
    """
    rows, images = np.shape(values)
    if images == 0 or draws < 1:
        raise MetricsError(f"there must be images and draws, got {images} and {draws}")
    columns = np.ascontiguousarray(np.asarray(values, dtype=np.float64).T)
    generator = np.random.default_rng(seed)
    means = np.empty((draws, rows))
    for start in range(0, draws, _BLOCK):
        block = means[start : start + _BLOCK]
        counts = [np.bincount(generator.integers(0, images, images), minlength=images) for _ in range(len(block))]
        block[:] = np.asarray(counts, dtype=np.float64) @ columns / images
    return means


def interval(resampled: npt.NDArray[np.floating], level: float = LEVEL) -> tuple[float, float]:
    """The percentile interval of a resampled figure.

    Args:
        resampled: ``(draws,)`` the figure, computed from each draw.
        level: Share of the draws inside it.

    Returns:
        Lower and upper end.

    Raises:
        MetricsError: The level is not between 0 and 1, or there are no draws.
    """
    if not 0 < level < 1:
        raise MetricsError(f"the level must lie between 0 and 1, got {level}")
    if not np.size(resampled):
        raise MetricsError("an interval needs draws, and there are none")
    low, high = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
