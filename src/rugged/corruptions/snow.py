"""Snow: flakes drawn out by their fall, over a picture that grows pale."""

import numpy as np
import torch
from torch import Tensor

from rugged.corruptions.bits import Bits
from rugged.corruptions.levels import cut, to_unit
from rugged.corruptions.motion import motion_blur
from rugged.corruptions.normal import standard_normal
from rugged.corruptions.uniform import uniform
from rugged.corruptions.zoom import enlarge, visible

_RED, _GREEN, _BLUE = np.array((0.299, 0.587, 0.114), dtype=np.float32).tolist()  # shares in how bright a pixel looks


def draw_snow(stream: Bits, images: Tensor, *, zoom: float, **_: float) -> tuple[Tensor, Tensor]:
    """Draw the flakes of every image and the angle of their fall.

    Returns:
        Standard normal numbers, ``(N, h, w)`` float32, for the part of the layer of flakes that is ``visible`` when it
        is enlarged; angles ``(N,)`` float64, uniform from -135 to -45 degrees.
    """
    rows, columns = visible(images.shape[2], images.shape[3], zoom)
    layers = standard_normal(stream, (rows.stop - rows.start, columns.stop - columns.start))
    return layers, uniform(stream, ()).double().mul_(90).sub_(135)


def replay_snow(
    random_state: np.random.RandomState, image: np.ndarray, *, zoom: float, **_: float
) -> tuple[Tensor, Tensor]:
    """Draw what ``normal(size=(H, W))`` and ``uniform(-135, -45)`` draw: ``(1, h, w)`` and ``(1,)``, float64."""
    layer = torch.from_numpy(random_state.standard_normal(image.shape[:2]))
    angle = torch.tensor([random_state.uniform(-135, -45)], dtype=torch.float64)
    return layer[visible(image.shape[0], image.shape[1], zoom)][None], angle


def snow(
    images: Tensor,
    draws: tuple[Tensor, Tensor],
    *,
    mean: float,
    deviation: float,
    zoom: float,
    threshold: float,
    radius: float,
    sigma: float,
    picture_weight: float,
) -> Tensor:
    """Falling snow: normal noise, enlarged, of which the brightest stays and is blurred along the fall.

    The flakes are laid over the picture twice, the second time turned by 180 degrees, and the picture under them is
    mixed with a paler one.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        draws: From ``draw_snow``: normal numbers, ``(N, h, w)`` or one layer for all, and angles ``(N,)`` in degrees.
        mean: Of the noise, as a fraction of white.
        deviation: Of the noise, as a fraction of white.
        zoom: Factor by which flakes are enlarged.
        threshold: What is darker than this fraction of white is no flake.
        radius: Half the length of the line along which flakes are blurred, in pixels.
        sigma: Standard deviation of the blur along the line, in pixels.
        picture_weight: Share of the picture itself, beside the paler one.

    Returns:
        ``(N, 3, H, W)`` uint8.

    Source: Hendrycks & Dietterich 2019 (arXiv:1903.12261), ``snow``.
    """
    layers, degrees = draws
    noise = enlarge(layers.mul(deviation).add_(mean), zoom, *images.shape[2:])
    flakes = cut(torch.threshold(noise, threshold, 0).clamp_(0, 1).mul_(255))
    fallen = motion_blur(flakes[:, None].expand(len(degrees), -1, -1, -1), degrees, radius=radius, sigma=sigma)
    return _cover(images, fallen, picture_weight)


def _cover(images: Tensor, flakes: Tensor, picture_weight: float) -> Tensor:
    """Make the picture paler, in float32 as the reference does, cut it to levels, and add the flakes twice."""
    unit = to_unit(images, torch.float32)
    pale = _grey(unit).mul_(1.5).add_(0.5)
    mixed = torch.maximum(unit, pale[:, None]).mul_(1 - picture_weight).add_(unit.mul_(picture_weight))
    levels = cut(mixed.mul_(255), wide=True)  # flakes are whole levels: they may as well come after
    flakes = flakes.to(torch.int16)
    return levels.add_(flakes + flakes.flip(2, 3)).clamp_(max=255).to(torch.uint8)


def _grey(unit: Tensor) -> Tensor:
    """Return how bright pixels look, with the roundings of OpenCV's conversion: two fused multiply-adds in float32."""
    red, green, blue = unit.unbind(1)
    grey: Tensor = (green * _GREEN).add_(red, alpha=_RED).add_(blue, alpha=_BLUE)
    return grey
