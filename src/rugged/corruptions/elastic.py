"""Elastic deformation: pictures printed on rubber that is pulled about."""

import numpy as np
import torch
from torch import Tensor

from rugged.core.errors import CorruptionError
from rugged.corruptions.bits import Bits
from rugged.corruptions.fields import smooth
from rugged.corruptions.uniform import signed_uniform
from rugged.corruptions.warp import affine_places, displaced_places, inverse_affine, warp

_SMALLEST = 3  # sides below have no three corners of a rectangle a third of the picture from its centre

Draws = tuple[Tensor, Tensor | None]


def draw_elastic_transform(stream: Bits, images: Tensor, *, alpha: float, affine: float, **_: float) -> Draws:
    """Draw shifts of three corners, in pixels, ``(N, 3, 2)``, and two fields in (-1, 1), ``(N, 2, H, W)``.

    The fields, of displacements along x and along y, are ``None`` where alpha is 0.
    """
    height, width = images.shape[2:]
    # One request, for each image's share in it has a price of its own.
    numbers = signed_uniform(stream, (6 + (2 * height * width if alpha else 0),))
    jitter = numbers[:, :6].reshape(-1, 3, 2) * affine
    return jitter, numbers[:, 6:].view(-1, 2, height, width) if alpha else None


def replay_elastic_transform(
    random_state: np.random.RandomState, image: np.ndarray, *, alpha: float, affine: float, **_: float
) -> Draws:
    """Draw what ``uniform`` draws for the corners and for the fields, in its order; the fields even if unused."""
    jitter = random_state.uniform(-affine, affine, size=(1, 3, 2))
    fields = random_state.uniform(-1, 1, size=(1, 2, *image.shape[:2]))
    return torch.from_numpy(jitter), torch.from_numpy(fields) if alpha else None


def elastic_transform(images: Tensor, draws: Draws, *, alpha: float, sigma: float, **_: float) -> Tensor:
    """A picture on rubber: an affine map of the whole, then every pixel displaced a little, smoothly.

    Args:
        images: ``(N, 3, H, W)`` uint8, at least 3 x 3 pixels. Not modified.
        draws: What is added to three corners of a rectangle about the centre, ``(N, 3, 2)`` as (x, y) in pixels; and
            fields of numbers in [-1, 1], ``(N, 2, H, W)``, that become the displacements along x and along y.
        alpha: Displacement where a smoothed field is 1, in pixels. 0 for the affine map alone.
        sigma: Standard deviation of the Gaussian that smooths the fields, in pixels.

    Returns:
        ``(N, 3, H, W)`` uint8.

    Raises:
        CorruptionError: The images are smaller than 3 x 3 pixels.

    Source: Hendrycks & Dietterich 2019 (arXiv:1903.12261), ``elastic_transform``.
    """
    jitter, fields = draws
    height, width = images.shape[2:]
    if min(height, width) < _SMALLEST:
        raise CorruptionError(
            f"elastic_transform needs pictures of at least {_SMALLEST} x {_SMALLEST} pixels; "
            f"these are {height} x {width}. Enlarge them first, or leave this corruption out."
        )
    affine_maps = affine_places(inverse_affine(jitter, height, width), height, width)
    if fields is None:
        return warp(images, affine_maps)
    fields = smooth(fields, sigma, truncate=3, mode="reflect", most=1)
    return warp(images, affine_maps, displaced_places(fields, alpha))
