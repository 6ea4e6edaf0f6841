"""Blur of lenses and of movement."""

from functools import lru_cache

import numpy as np
from torch import Tensor

from rugged.corruptions.convolution import Kernel, correlate, make_kernel
from rugged.corruptions.gaussian import filter_bytes


def defocus_blur(images: Tensor, _: None, *, radius: float, alias_sigma: float) -> Tensor:
    """A lens out of focus: every point becomes a disk.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        radius: Of the disk, in pixels.
        alias_sigma: Standard deviation of the Gaussian that softens the disk's edge, in pixels.

    Returns:
        ``(N, 3, H, W)`` uint8.

    Source: Hendrycks & Dietterich 2019 (arXiv:1903.12261), ``defocus_blur``.
    """
    return correlate(images, _disk_kernel(radius, alias_sigma))


@lru_cache
def _disk_kernel(radius: float, alias_sigma: float) -> Kernel:
    return make_kernel(disk(radius, alias_sigma))


def disk(radius: float, alias_sigma: float) -> np.ndarray:
    """Return a disk with a softened edge, with the reference's weights in float32.

    The grid reaches 8 pixels from the centre, or the radius where that is more. A disk that touches the grid's edge
    is reflected there when it is softened, so its weights add up to as much as 1.013: the reference does so too.
    """
    reach, taps = (8, 3) if radius <= 8 else (int(radius), 5)
    place = np.arange(-reach, reach + 1)
    inside: np.ndarray = (place**2 + place[:, None] ** 2 <= radius**2).astype(np.float32)
    inside /= inside.sum()
    distance = np.arange(taps // 2 + 1)
    profile = np.exp(-(distance**2) / (2 * alias_sigma**2))
    profile = (profile / (profile[0] + 2 * profile[1:].sum())).astype(np.float32)
    margin = taps // 2
    for _ in range(2):  # along the rows, then along the columns
        padded = np.pad(inside, ((0, 0), (margin, margin)), mode="reflect")
        inside = _soften(padded, profile).T
    return inside


def _soften(padded: np.ndarray, profile: np.ndarray) -> np.ndarray:
    """Filter rows with a symmetric profile, rounding to float32 after each fused multiply-add."""
    margin = len(profile) - 1
    width = padded.shape[1] - 2 * margin
    total: np.ndarray = profile[0] * padded[:, margin : margin + width]
    for step in range(1, margin + 1):
        pair = padded[:, margin - step :][:, :width] + padded[:, margin + step :][:, :width]
        total = (np.float64(profile[step]) * pair.astype(np.float64) + total).astype(np.float32)
    return total


def gaussian_blur(images: Tensor, _: None, *, sigma: float, truncate: float = 4.0) -> Tensor:
    """A blur whose every point becomes a Gaussian.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        sigma: Standard deviation, in pixels. Nothing is blurred where the filter's radius rounds to 0.
        truncate: Where the filter ends, in standard deviations.

    Returns:
        ``(N, 3, H, W)`` uint8.

    Source: Hendrycks & Dietterich 2019 (arXiv:1903.12261), ``gaussian_blur``.
    """
    return filter_bytes(images, sigma, truncate)
