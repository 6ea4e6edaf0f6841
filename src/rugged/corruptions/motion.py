"""Movement: every pixel drawn out along a line, as the camera or the flakes in front of it moved."""

import math
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from rugged.corruptions.bits import Bits
from rugged.corruptions.lines import ONE, sum_along
from rugged.corruptions.uniform import uniform


def draw_motion_blur(stream: Bits, _: Tensor, **__: float) -> Tensor:
    """Draw an angle for every image, in degrees, uniform from -45 to 45: ``(N,)`` float64."""
    return uniform(stream, ()).double().mul_(90).sub_(45)


def replay_motion_blur(random_state: np.random.RandomState, _: np.ndarray, **__: float) -> Tensor:
    """Draw the angle that ``uniform(-45, 45)`` draws: ``(1,)`` float64."""
    return torch.tensor([random_state.uniform(-45, 45)], dtype=torch.float64)


def motion_blur(images: Tensor, degrees: Tensor, *, radius: float, sigma: float) -> Tensor:
    """A camera that moved in a straight line: every pixel takes up those that lie ahead of it, the less the farther.

    Args:
        images: ``(N, C, H, W)`` uint8, continued beyond its edges by the edge pixels. Not modified.
        degrees: ``(N,)``, for every image where "ahead" is: 0 to the right, 90 down, any angle.
        radius: Half the line's length, in pixels.
        sigma: Standard deviation of the Gaussian by which weights fall off along the line, in pixels. Above 0.

    Returns:
        ``(N, C, H, W)`` uint8.

    Source: Hendrycks & Dietterich 2019 (arXiv:1903.12261), ``motion_blur``; ImageMagick 6, ``-motion-blur``.
    """
    length = 2 * math.ceil(radius) + 1
    weights = line_weights(length, sigma)
    return sum_along(images, line_offsets(degrees.cpu().double().numpy(), length)[:, : len(weights)], weights)


@lru_cache
def line_weights(length: int, sigma: float) -> tuple[int, ...]:
    """Return the weights of a line as whole ``ONE``ths that add up to one, without the zeros at its end."""
    exact = np.exp(-(np.arange(length) ** 2) / (2 * sigma**2))
    shares = np.round(exact / exact.sum() * ONE).astype(int)
    shares[0] += ONE - shares.sum()
    return tuple(int(share) for share in shares if share)


def line_offsets(degrees: np.ndarray, length: int) -> np.ndarray:
    """Place the points of lines in whole pixels: ``(N, length, 2)``, rows down and columns to the right.

    At angles such as 60 degrees points lie half way between pixels and the last bit decides. The operations are
    therefore the reference's, and always those of the host, whatever the images' device.
    """
    radians = (math.pi * degrees / 180).tolist()
    ends = length * np.array((list(map(math.sin, radians)), list(map(math.cos, radians)))).T
    distance = np.hypot(ends[:, :1], ends[:, 1:])
    points = np.arange(length)[:, None] * ends[:, None] / distance[:, None]
    places: np.ndarray = np.ceil(points - 0.5).astype(np.int64)
    return places
