"""Noise of sensors and wires."""

import math
from functools import lru_cache

import cv2
import numpy as np
import torch
from torch import Tensor

from rugged.corruptions.bits import Bits
from rugged.corruptions.host import in_main_memory
from rugged.corruptions.levels import cut, to_levels
from rugged.corruptions.normal import standard_normal
from rugged.corruptions.poisson import poisson


def draw_normal(stream: Bits, images: Tensor, **_: float) -> Tensor:
    """Draw a standard normal number for every value: ``(N, 3, H, W)`` float32."""
    return standard_normal(stream, tuple(images.shape[1:]))


def replay_normal(random_state: np.random.RandomState, image: np.ndarray, **_: float) -> Tensor:
    """Draw what ``normal(size=(H, W, 3))`` draws, in its order: ``(1, 3, H, W)`` float64."""
    return _to_batch(random_state.standard_normal(image.shape))


def gaussian_noise(images: Tensor, noise: Tensor, *, sigma: float) -> Tensor:
    """Normal noise of one strength everywhere, as in poor light.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        noise: ``(N, 3, H, W)`` standard normal numbers; computed in their precision. Overwritten.
        sigma: Standard deviation, as a fraction of white.

    Returns:
        ``(N, 3, H, W)`` uint8.

    Source: Hendrycks & Dietterich 2019 (arXiv:1903.12261), ``gaussian_noise``.
    """
    return cut(_add(noise.mul_(255 * sigma), images).clamp_(0, 255))


def _add(numbers: Tensor, images: Tensor) -> Tensor:
    """Add bytes to floating-point numbers in place."""
    if in_main_memory(images):  # OpenCV converts on the way, three times as fast
        rows = -1, images.shape[-1]
        cv2.accumulate(images.view(rows).numpy(), numbers.view(rows).numpy())
        return numbers
    return numbers.add_(images)


def speckle_noise(images: Tensor, noise: Tensor, *, sigma: float) -> Tensor:
    """Normal noise in proportion to the light, as where coherent waves interfere.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        noise: ``(N, 3, H, W)`` standard normal numbers; computed in their precision. Overwritten.
        sigma: Standard deviation, as a fraction of each value.

    Returns:
        ``(N, 3, H, W)`` uint8.

    Source: Hendrycks & Dietterich 2019 (arXiv:1903.12261), ``speckle_noise``.
    """
    return cut(noise.mul_(sigma).add_(1).mul_(images).clamp_(0, 255))


def draw_shot_noise(stream: Bits, images: Tensor, *, photons: float) -> Tensor:
    """Draw the photons that every value counts: ``(N, 3, H, W)`` int32."""
    return poisson(stream, images, photons)


def replay_shot_noise(random_state: np.random.RandomState, image: np.ndarray, *, photons: float) -> Tensor:
    """Draw what ``poisson(x * photons)`` draws, in its order: ``(1, 3, H, W)`` int64."""
    return _to_batch(random_state.poisson(image / 255.0 * photons))


def shot_noise(images: Tensor, counts: Tensor, *, photons: float) -> Tensor:
    """Poisson noise, as a sensor shows when it counts too few photons.

    Args:
        images: ``(N, 3, H, W)`` uint8. What is seen of them is in the counts.
        counts: ``(N, 3, H, W)`` integers: photons counted, of which ``images / 255 * photons`` were expected.
            Overwritten.
        photons: Mean count at white. Fewer photons, more noise.

    Returns:
        ``(N, 3, H, W)`` uint8.

    Source: Hendrycks & Dietterich 2019 (arXiv:1903.12261), ``shot_noise``.
    """
    levels = _count_levels(float(photons), counts.device)
    return levels.index_select(0, counts.clamp_(max=len(levels) - 1).view(-1)).view(images.shape)


@lru_cache
def _count_levels(photons: float, device: torch.device) -> Tensor:
    """Return the grey levels of 0, 1, 2 … photons, up to the first count that is white: uint8."""
    counts = torch.arange(math.ceil(photons) + 1, dtype=torch.float64)
    return to_levels(counts / photons).to(device)


def draw_impulse_noise(stream: Bits, images: Tensor, *, amount: float) -> tuple[Tensor, Tensor]:
    """Draw what strikes every value.

    The chances of white and of black are equal and multiples of 2^-16, so that the amount is off by at most 2^-16.

    Returns:
        The bits that a value is given, all where it turns white; and those that it keeps, none where it turns black:
        both ``(N, 3, H, W)`` uint8, 0 or 255.
    """
    size = math.prod(images.shape[1:])
    halfwords = stream.words(-(-size // 4)).contiguous().view(torch.int16)[:, :size]
    # Of the numbers -32768 … 32767, so many at either end strike.
    either = min(round(amount * 2**15), 2**15 - 1)
    numbers = halfwords.numpy() if in_main_memory(halfwords) else halfwords  # NumPy compares nine times as fast
    given, kept = numbers > 2**15 - 1 - either, numbers >= either - 2**15
    return _as_bits(given).view(images.shape), _as_bits(kept).view(images.shape)


def replay_impulse_noise(
    random_state: np.random.RandomState, image: np.ndarray, *, amount: float
) -> tuple[Tensor, Tensor]:
    """Draw which values are struck, then salt or pepper for all: both ``(1, 3, H, W)`` uint8, as above."""
    struck = random_state.choice([True, False], size=image.shape, p=[amount, 1 - amount])
    salt = random_state.choice([True, False], size=image.shape, p=[0.5, 0.5])
    return _as_bits(_to_batch(struck & salt)), _as_bits(_to_batch(~struck | salt))


def _as_bits(mask: np.ndarray | Tensor) -> Tensor:
    """Turn what is true into 255, and what is not into 0."""
    return torch.as_tensor(mask).view(torch.uint8).neg_()


def impulse_noise(images: Tensor, strikes: tuple[Tensor, Tensor], **_: float) -> Tensor:
    """Salt and pepper: single values turn white or black, as from dead sensor cells and bit errors.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        strikes: Bits that values are given and bits that they keep, both ``(N, 3, H, W)`` uint8. Overwritten.
        _: The chance of a strike, which the strikes have in them.

    Returns:
        ``(N, 3, H, W)`` uint8.

    Source: Hendrycks & Dietterich 2019 (arXiv:1903.12261), ``impulse_noise``.
    """
    given, kept = strikes
    return given.bitwise_or_(images).bitwise_and_(kept)


def _to_batch(draws: np.ndarray) -> Tensor:
    """Turn ``(H, W, 3)`` into ``(1, 3, H, W)``."""
    return torch.from_numpy(np.ascontiguousarray(draws.transpose(2, 0, 1)))[None]
