"""How near pictures are to what they should be: PSNR and SSIM, a value a picture."""

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from rugged.core.errors import MetricsError

PEAK = 255.0
"""The range of a byte."""

CEILING = 60.0
"""The PSNR, in decibels, that a picture counts with in a mean where it is infinitely near, or nearly so. Pictures that
differ by one level in a value of sixteen have it."""

WINDOW, _SIGMA = 11, 1.5
_BEYOND = 128  # levels by which a network's pictures may lie beyond black and white
_NORMALISED = 8  # what no value of a picture exceeds whose channels have mean 0 and deviation 1
_K1, _K2 = 0.01, 0.03
_BLOCK = 1 << 18
"""Values worked on at once: what stays in a processor's cache."""

Images = npt.NDArray[np.uint8] | npt.NDArray[np.floating]
Values = npt.NDArray[np.float64]


def peak_signal_to_noise_ratio(images: Images, reference: Images) -> Values:
    """PSNR: how small the mean squared difference is beside the square of the range, 255, in decibels.

    Args:
        images: ``(N, H, W, C)`` arrays in levels from 0 to 255, whole or not.
        reference: What they should be, of the same shape.

    Returns:
        ``(N,)``; infinite where the two are the same.

    Raises:
        MetricsError: They differ in shape, have no pixels, or are no such levels, as floats from 0 to 1 are not.
    """
    _require_alike(images, reference)
    errors = np.array(
        [np.square(one.astype(np.float64) - other).mean() for one, other in zip(images, reference, strict=True)]
    )
    with np.errstate(divide="ignore"):
        ratios: Values = 10 * np.log10(PEAK**2 / errors)
    return ratios


def bounded_psnr(images: Images, reference: Images) -> Values:
    """PSNR as a picture counts with in a mean: ``CEILING`` at most. Takes and gives what PSNR itself does."""
    return np.minimum(peak_signal_to_noise_ratio(images, reference), CEILING)


def structural_similarity(images: Images, reference: Images) -> Values:
    """SSIM: whether luminance, contrast and structure agree, seen through a window that moves over the picture.

    The window is a Gaussian of 11 × 11 pixels with σ = 1.5, moved over all places where it lies within the picture;
    K1 = 0.01 and K2 = 0.03. The value is the mean over these places and the channels.

    Args:
        images: ``(N, H, W, C)`` arrays in levels from 0 to 255, whole or not, at least 11 pixels high and wide.
        reference: What they should be, of the same shape.

    Returns:
        ``(N,)`` in [-1, 1]; 1 where the two are the same.

    Raises:
        MetricsError: They differ in shape, are smaller than the window, or are no such levels.

    Source: Wang et al. 2004, "Image quality assessment: from error visibility to structural similarity".
    """
    _require_alike(images, reference)
    if min(np.shape(images)[1:3]) < WINDOW:
        raise MetricsError(
            f"SSIM needs pictures of {WINDOW} × {WINDOW} pixels or more, got the shape {np.shape(images)}"
        )
    step = max(1, _BLOCK // math.prod(np.shape(images)[1:]))
    parts = [slice(start, start + step) for start in range(0, len(images), step)]
    return np.concatenate([_similarity(images[part], reference[part]) for part in parts] or [np.empty(0)])


def _similarity(images: Images, reference: Images) -> Values:
    x, y = (np.moveaxis(pictures, 3, 1).astype(np.float64, order="C") for pictures in (images, reference))
    mean_x, mean_y, square_x, square_y, product = map(_windowed, (x, y, x * x, y * y, x * y))
    means, squares = mean_x * mean_y, mean_x**2 + mean_y**2
    c1, c2 = (_K1 * PEAK) ** 2, (_K2 * PEAK) ** 2
    luminance = (2 * means + c1) / (squares + c1)
    structure = (2 * (product - means) + c2) / (square_x + square_y - squares + c2)
    values: Values = (luminance * structure).mean(axis=(1, 2, 3))
    return values


def _windowed(planes: Values) -> Values:
    """Means under the window, ``(..., H - 10, W - 10)``. Products of matrices are the fastest way for small planes."""
    height, width = planes.shape[-2:]
    means: Values = _window(height) @ planes @ _window(width).T
    return means


@lru_cache
def _window(length: int) -> Values:
    """The window along one axis, ``(length - 10, length)``: a row for each of its places."""
    distance = np.arange(WINDOW) - WINDOW // 2
    weights = np.exp(-(distance**2) / (2 * _SIGMA**2))
    places = np.zeros((length - WINDOW + 1, length))
    for row, place in enumerate(places):
        place[row : row + WINDOW] = weights / weights.sum()
    return places


def _require_alike(images: Images, reference: Images) -> None:
    for given in (images, reference):
        if not isinstance(given, np.ndarray):
            raise MetricsError(
                f"expected (N, H, W, C) arrays, got {type(given).__name__}; of a tensor (N, C, H, W) "
                "tensor.permute(0, 2, 3, 1).cpu().numpy()"
            )
    shape = np.shape(images)
    if shape != np.shape(reference) or len(shape) != 4 or 0 in shape[1:]:
        raise MetricsError(f"expected (N, H, W, C) pictures of one shape, got {shape} and {np.shape(reference)}")
    for given in (images, reference):
        _require_levels(given)


def _require_levels(images: Images) -> None:
    """Refuse floats that cannot be meant as levels: from 0 to 1, where nothing would be seen, or normalised.

    What a network makes may lie a little beyond black and white.
    """
    if images.dtype == np.uint8 or not images.size:
        return
    if images.dtype.kind not in "iuf":
        raise MetricsError(f"expected levels from 0 to 255, got {images.dtype}")
    low, high = images.min(), images.max()
    fractions = bool((images != np.rint(images)).any())
    found = f"expected levels from 0 to 255, got values from {low:g} to {high:g}"
    if not (-_BEYOND <= low <= high <= 255 + _BEYOND) or (low < 0 and high <= _NORMALISED and fractions):
        raise MetricsError(found)
    if low >= 0 and high <= 1 and fractions:
        raise MetricsError(f"{found}; multiply them by 255")
