"""Noise of sensors and wires."""

import numpy as np
import torch
from torch import Tensor

from rugged.corruptions.levels import to_levels, to_unit
from rugged.corruptions.normal import standard_normal
from rugged.corruptions.streams import Stream


def draw_normal(stream: Stream, images: Tensor, **_: float) -> Tensor:
    """Draw a standard normal number for every value: ``(N, 3, H, W)`` float32."""
    return standard_normal(stream, tuple(images.shape[1:]))


def replay_normal(random_state: np.random.RandomState, image: np.ndarray, **_: float) -> Tensor:
    """Draw what ``normal(size=(H, W, 3))`` draws, in its order: ``(1, 3, H, W)`` float64."""
    return torch.from_numpy(random_state.standard_normal(image.shape)).permute(2, 0, 1)[None]


def gaussian_noise(images: Tensor, noise: Tensor, *, sigma: float) -> Tensor:
    """Normal noise of one strength everywhere, as in poor light.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        noise: ``(N, 3, H, W)`` standard normal numbers; computed in their precision.
        sigma: Standard deviation, as a fraction of white.

    Returns:
        ``(N, 3, H, W)`` uint8.

    Source: Hendrycks & Dietterich 2019 (arXiv:1903.12261), ``gaussian_noise``.
    """
    return to_levels(to_unit(images, noise.dtype).add_(noise * sigma))
