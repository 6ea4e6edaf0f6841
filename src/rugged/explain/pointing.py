"""The pointing game: whether a map is highest on the object."""

import numpy as np
from numpy.typing import NDArray

from rugged.core.errors import ConfigError


def pointing_game(maps: NDArray[np.floating], masks: NDArray[np.bool_]) -> float:
    """The share of pictures in which a map points at the object.

    Args:
        maps: ``(N, H, W)``, finite.
        masks: ``(N, H, W)``, true on the object's visible pixels.

    Returns:
        The mean of ``hits``.

    Raises:
        ConfigError: There are no maps, or masks of another shape.
    """
    if not len(maps):
        raise ConfigError("The pointing game needs at least one picture.")
    return float(hits(maps, masks).mean())


def hits(maps: NDArray[np.floating], masks: NDArray[np.bool_]) -> NDArray[np.float64]:
    """For each picture 1 where the map's highest pixel lies on the object, else 0; no pixel beside it counts.

    Where several pixels are highest it is the share of them that lie on the object. A map with nothing positive points
    at nothing: 0.

    Args:
        maps: ``(N, H, W)``, finite.
        masks: ``(N, H, W)``, true on the object's visible pixels.

    Returns:
        ``(N,)`` in [0, 1].

    Raises:
        ConfigError: The shapes differ.

    Source: Zhang et al. 2016 (arXiv:1608.00507), who also count points within 15 pixels of the object.
    """
    if maps.shape != masks.shape:
        raise ConfigError(f"There are maps of {maps.shape} and masks of {masks.shape}; expected the same.")
    flat, truth = maps.reshape(len(maps), -1), masks.reshape(len(masks), -1)
    most = flat.max(axis=1, keepdims=True)
    highest = (flat == most) & (most > 0)
    found = (highest & truth).sum(axis=1) / np.maximum(highest.sum(axis=1), 1)
    return np.asarray(found, np.float64)


def centre_hits(masks: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The same for always pointing at the middle: the middle pixel, or the two or four around it.

    Args:
        masks: ``(N, H, W)``.

    Returns:
        ``(N,)`` in [0, 1].
    """
    rows, columns = (slice((side - 1) // 2, side // 2 + 1) for side in masks.shape[1:])
    return np.asarray(masks[:, rows, columns].mean(axis=(1, 2)), np.float64)
