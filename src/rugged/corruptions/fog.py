"""Fog: a cloud of plasma that lightens the picture and takes its contrast."""

from functools import lru_cache

import cv2
import numpy as np
import torch
from torch import Tensor

from rugged.corruptions.bits import Bits
from rugged.corruptions.host import in_main_memory
from rugged.corruptions.levels import cut
from rugged.corruptions.uniform import uniform

_MOST_KEPT = 1 << 18  # points of a cloud: side 512


def draw_fog(stream: Bits, images: Tensor, **_: float) -> Tensor:
    """Draw a number between 0 and 1 for all but one point of each image's cloud: ``(N, side² - 1)`` float32."""
    return uniform(stream, (_side(*images.shape[2:]) ** 2 - 1,))


def replay_fog(random_state: np.random.RandomState, image: np.ndarray, **_: float) -> Tensor:
    """Draw the same from a NumPy ``RandomState``, coarse to fine as the reference does: ``(1, side² - 1)`` float64."""
    return torch.from_numpy(random_state.random_sample((1, _side(*image.shape[:2]) ** 2 - 1)))


def fog(images: Tensor, draws: Tensor, *, strength: float, decay: float) -> Tensor:
    """Fog of uneven density, darkened again so that the picture's brightest value stays what it was.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        draws: ``(N, side² - 1)`` between 0 and 1, with ``side`` the power of two next to the longer side of the
            images (2 at least); computed in their precision. Overwritten.
        strength: Of the densest fog, as a fraction of white.
        decay: Of the irregularities from one scale to the next finer one; the smaller, the rougher the fog.

    Returns:
        ``(N, 3, H, W)`` uint8.

    Source: Hendrycks & Dietterich 2019 (arXiv:1903.12261), ``fog``.
    """
    height, width = images.shape[2:]
    clouds = plasma(draws, decay)
    low, high = clouds.amin((1, 2), keepdim=True), clouds.amax((1, 2), keepdim=True)
    # In levels rather than in the unit interval, which spares two passes over the images.
    density = clouds[:, :height, :width].sub(low).div_(high - low).mul_(255 * strength)
    brightest = images.amax((1, 2, 3), keepdim=True).to(draws.dtype)
    hazy = images.to(draws.dtype).add_(density[:, None]).mul_(brightest / (brightest + 255 * strength))
    return cut(hazy)  # at the most the brightest value: rounding adds less than a level


def plasma(draws: Tensor, decay: float) -> Tensor:
    """Make clouds by the diamond-square method, on a torus.

    Each step doubles the grid: new points stand in the middle of squares, then on the edges between them, each the
    mean of its four neighbours plus a random number. ``draws`` holds those of the squares, of the edges along the
    rows and of the edges along the columns, step after step.

    Args:
        draws: ``(N, side² - 1)`` between 0 and 1, ``side`` a power of two. Overwritten.
        decay: The random numbers of a step are ``decay²`` times smaller than those of the step before.

    Returns:
        ``(N, side, side)``, 0 in the corner, of the draws' type and of no particular range.
    """
    # Kept between calls for common sizes: of a photograph of 12 megapixels it would hold 134 MB.
    amplitudes = _amplitudes if draws.shape[1] < _MOST_KEPT else _amplitudes.__wrapped__
    noise = draws.sub_(0.5).mul_(amplitudes(draws.shape[1], decay, draws.dtype, draws.device))
    points = draws.new_zeros(len(draws), 1, 1)
    used = 0
    while used < draws.shape[1]:
        side = points.shape[1]
        middles, tops, lefts = noise[:, used : used + 3 * side**2].view(-1, 3, side, side).unbind(1)
        used += 3 * side**2
        down, across = points + points.roll(-1, 1), points + points.roll(-1, 2)
        middles.add_(down + down.roll(-1, 2), alpha=0.25)
        tops.add_((middles + middles.roll(1, 1)).add_(across), alpha=0.25)
        lefts.add_((middles + middles.roll(1, 2)).add_(down), alpha=0.25)
        points = _interleave(points, tops, lefts, middles)
    return points


def _interleave(points: Tensor, tops: Tensor, lefts: Tensor, middles: Tensor) -> Tensor:
    """Make grids of twice the side: points and tops alternate in even rows, lefts and middles in odd ones."""
    count, side = points.shape[:2]
    grid = points.new_empty((count, side, 2, side, 2))
    if in_main_memory(points) and points.dtype == torch.float32:  # OpenCV writes pairs many times faster
        rows = grid.view(-1, 2, side, 2).numpy()
        for row, pair in enumerate(((points, tops), (lefts, middles))):
            cv2.merge([part.reshape(-1, side).numpy() for part in pair], rows[:, row])
    else:
        torch.stack((points, tops), 3, out=grid[:, :, 0])
        torch.stack((lefts, middles), 3, out=grid[:, :, 1])
    return grid.view(count, 2 * side, 2 * side)


@lru_cache
def _amplitudes(count: int, decay: float, dtype: torch.dtype, device: torch.device) -> Tensor:
    """Return what each of a cloud's draws is multiplied by: ``(count,)``."""
    amplitudes = torch.empty(count, dtype=torch.float64)
    wobble, used, points = 1.0, 0, 1
    while used < count:
        amplitudes[used : used + 3 * points] = wobble * wobble
        used, points, wobble = used + 3 * points, 4 * points, wobble / decay
    return amplitudes.to(device, dtype)


def _side(height: int, width: int) -> int:
    """Return the side of the cloud for images of a size: a power of two."""
    return max(2, 1 << (max(height, width) - 1).bit_length())
