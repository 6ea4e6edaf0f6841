"""Spatter: drops of water, or mud, on the lens."""

from functools import lru_cache

import cv2
import numpy as np
import torch
from torch import Tensor

from rugged.corruptions.bits import Bits
from rugged.corruptions.fields import smooth
from rugged.corruptions.gaussian import filter_planes
from rugged.corruptions.levels import to_levels, to_unit
from rugged.corruptions.normal import standard_normal
from rugged.corruptions.one_by_one import one_by_one

_WATER = (175, 238, 238)  # pale turquoise
_MUD = (63, 42, 20)  # brown
_FARTHEST = 20  # pixels: from here on, all is equally far from the edge of a drop
_LEAST_MUD = 0.8
# Brighter to the lower right, darker to the upper left: a drop lit from one side.
_LIGHT = np.array(((-2, -1, 0), (-1, 1, 1), (0, 1, 2)))


def draw_spatter(stream: Bits, images: Tensor, **_: float) -> Tensor:
    """Draw a standard normal number for every pixel: ``(N, H, W)`` float32."""
    return standard_normal(stream, tuple(images.shape[2:]))


def replay_spatter(random_state: np.random.RandomState, image: np.ndarray, **_: float) -> Tensor:
    """Draw what ``normal(size=(H, W))`` draws, in its order: ``(1, H, W)`` float64."""
    return torch.from_numpy(random_state.standard_normal(image.shape[:2]))[None]


def spatter(
    images: Tensor,
    noise: Tensor,
    *,
    mean: float,
    deviation: float,
    sigma: float,
    threshold: float,
    strength: float,
    mud_sigma: float,
) -> Tensor:
    """Water or mud on the lens, where smooth noise rises above a threshold.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        noise: ``(N, H, W)`` standard normal numbers.
        mean: Of the noise, once scaled.
        deviation: Of the noise, once scaled, before it is smoothed.
        sigma: Standard deviation of the Gaussian that smooths it, in pixels.
        threshold: Below it the lens stays dry.
        strength: What the wettest pixel gains, as a fraction of the water's colour. Unused for mud.
        mud_sigma: Standard deviation of the Gaussian that softens the edges of mud, in pixels; 0 for water.

    Returns:
        ``(N, 3, H, W)`` uint8.

    Source: Hendrycks & Dietterich 2019 (arXiv:1903.12261), ``spatter``.
    """
    layer = liquid_layer(noise, mean=mean, deviation=deviation, sigma=sigma, threshold=threshold)
    if mud_sigma:
        return mud(images, layer > threshold, sigma=mud_sigma)
    return water(images, layer, strength=strength)


def liquid_layer(noise: Tensor, *, mean: float, deviation: float, sigma: float, threshold: float) -> Tensor:
    """Let drops form: noise smoothed, and set to 0 below a threshold.

    Args:
        noise: ``(N, H, W)`` standard normal numbers. Not modified.
        mean: As for ``spatter``.
        deviation: As for ``spatter``.
        sigma: As for ``spatter``.
        threshold: As for ``spatter``.

    Returns:
        ``(N, H, W)`` float64, how thick the liquid is: 0, or the threshold and more.
    """
    layer = smooth(noise, sigma).mul_(deviation).add_(mean)
    return layer.mul_(layer >= threshold).contiguous()


def water(images: Tensor, layer: Tensor, *, strength: float) -> Tensor:
    """Add the light that drops of water catch at their edges.

    OpenCV draws the edges of one picture at a time in main memory; layers on another device are brought there and
    back.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        layer: ``(N, H, W)`` how thick the water is: 0 where dry, 1 at white. Not negative; any thickness above 1
            counts modulo 256 / 255, as in the reference. Not modified.
        strength: What the wettest pixel gains, as a fraction of the water's colour.

    Returns:
        ``(N, 3, H, W)`` uint8; a picture without any drop as it was.
    """
    thickness = (layer * 255).to(torch.int32).to(torch.uint8)
    amount = thickness.float().mul_(one_by_one(_light_at_edges, thickness))
    amount /= amount.amax((1, 2), keepdim=True).clamp_(min=1)  # the reference divides 0 by 0 where all is dry
    colour = _unit_colour(_WATER, images.device)
    return to_levels(to_unit(images, torch.float32).add_(amount.mul_(strength)[:, None] * colour))


def _light_at_edges(thickness: np.ndarray, out: np.ndarray) -> None:
    """Turn the thickness of a layer into the light around the edges of its drops: ``(H, W)`` uint8 to the same."""
    dry = 255 - cv2.Canny(thickness, 50, 150)
    distance = cv2.distanceTransform(dry, cv2.DIST_L2, 5)
    near = cv2.blur(np.minimum(distance, _FARTHEST), (3, 3)).astype(np.uint8)
    lit = cv2.filter2D(cv2.equalizeHist(near), cv2.CV_8U, _LIGHT)
    cv2.blur(lit, (3, 3), dst=out)


def mud(images: Tensor, mask: Tensor, *, sigma: float) -> Tensor:
    """Cover pictures with mud.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        mask: ``(N, H, W)`` bool: where mud fell.
        sigma: Standard deviation of the Gaussian that softens its edges, in pixels.

    Returns:
        ``(N, 3, H, W)`` uint8.
    """
    cover = filter_planes(mask.float(), sigma)
    cover = cover.mul_(cover >= _LEAST_MUD)[:, None]
    colour = _unit_colour(_MUD, images.device)
    return to_levels(to_unit(images, torch.float32).mul_(1 - cover).add_(cover * colour))


@lru_cache
def _unit_colour(levels: tuple[int, int, int], device: torch.device) -> Tensor:
    # Divided in main memory: elsewhere, dividing by a number may be off by a last bit.
    return torch.tensor(levels, dtype=torch.float32).div(255).view(3, 1, 1).to(device)
