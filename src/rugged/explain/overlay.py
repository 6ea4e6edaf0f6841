"""A map laid over its picture, so that both are seen."""

import numpy as np
from numpy.typing import NDArray

from rugged.core.errors import ConfigError

# From little to much: violet, red, orange, light yellow. Lightness rises all the way, so it reads in grey too.
_RAMP = np.array([(40, 11, 84), (120, 28, 109), (200, 62, 76), (245, 125, 21), (250, 193, 39), (252, 255, 164)])
_STRENGTH = 0.75
_FULL = 99
"""The percentile of a map that is shown at full strength."""


def overlay(picture: NDArray[np.uint8], heat: NDArray[np.floating]) -> NDArray[np.uint8]:
    """Lay a map over a picture: glowing where the map is high, the picture alone where it is zero or negative.

    Each map is scaled by its own 99th percentile, and what is above it is as bright as that: of maps of single pixels
    the strongest few would leave the others dark. Brightness says where, and not how much as compared with another
    picture.

    Args:
        picture: ``(H, W, 3)`` uint8. Not modified.
        heat: ``(H, W)`` map.

    Returns:
        ``(H, W, 3)`` uint8; the picture as it is, where nothing in the map is positive.

    Raises:
        ConfigError: The sizes differ, or the picture is no array of bytes.
    """
    _require_bytes(picture)
    heat = np.asarray(heat)
    if picture.shape != (*heat.shape, 3):
        raise ConfigError(f"The map is {heat.shape}, the picture {picture.shape}; expected the same height and width.")
    shares = _positive_shares(heat)
    place = shares * (len(_RAMP) - 1)
    colours = np.stack([np.interp(place, np.arange(len(_RAMP)), channel) for channel in _RAMP.T], axis=-1)
    cover = (_STRENGTH * np.sqrt(shares))[..., None]
    return np.rint(picture * (1 - cover) + colours * cover).astype(np.uint8)


def _require_bytes(picture: object) -> None:
    if not isinstance(picture, np.ndarray) or picture.dtype != np.uint8:
        found = getattr(picture, "dtype", type(picture).__name__)
        raise ConfigError(
            f"The picture is {found}; expected an array (H, W, 3) of uint8, in levels from 0 to 255. Of values from 0 "
            "to 1 write (picture * 255).round().astype(numpy.uint8)."
        )


def _positive_shares(heat: NDArray[np.floating]) -> NDArray[np.float64]:
    """The positive part of a map, in [0, 1] of its 99th percentile, or of its maximum where that is 0."""
    positive = np.maximum(np.asarray(heat, np.float64), 0)
    full = np.percentile(positive, _FULL) or positive.max()
    return np.minimum(positive / full, 1) if full > 0 else positive
