"""Frost: crops of pictures of ice laid over the image."""

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch import Tensor

from rugged.core.errors import CorruptionError
from rugged.corruptions.bits import Bits
from rugged.corruptions.host import send
from rugged.corruptions.levels import cut
from rugged.corruptions.recurring import Recurring
from rugged.corruptions.tables import look_up_halfwords, opencv_takes_halfwords
from rugged.corruptions.textures import Textures
from rugged.corruptions.uniform import integers

_MOST_PIXELS = 2e9  # of all textures together: in an atlas of them places are counted in int32
_USED = 5  # of the six textures: the reference draws an index below five
_BITS = 31  # of a random integer, taken for a fraction
_WEIGHT_BITS = 11  # of the weights that OpenCV's bilinear interpolation of bytes works with
_KEPT = 3 * _USED  # scaled textures; of large pictures one takes tens of megabytes
_recurring = Recurring(2, _KEPT)  # to scale one whole takes as long as one or two windows of it


def draw_frost(stream: Bits, images: Tensor, *, scale: float, textures: Textures, **_: float) -> Tensor:
    """Draw each image's texture and the first row and column of its crop: ``(N, 3)`` int64."""
    height, width = images.shape[2:]
    spans = send(torch.tensor(_spans(textures, scale, height, width)), images.device)
    fractions = integers(stream, (3,))
    texture = fractions[:, :1] * _USED >> _BITS
    return torch.cat((texture, fractions[:, 1:] * spans[texture[:, 0]] >> _BITS), 1)


def replay_frost(
    random_state: np.random.RandomState, image: np.ndarray, *, scale: float, textures: Textures, **_: float
) -> Tensor:
    """Draw the same, one ``randint`` after the other: ``(1, 3)`` int64."""
    spans = _spans(textures, scale, *image.shape[:2])
    texture = random_state.randint(_USED)
    return torch.tensor([[texture, *(random_state.randint(span) for span in spans[texture])]])


def _spans(textures: Textures, scale: float, height: int, width: int) -> list[tuple[int, int]]:
    """Return how many rows and columns a crop of each texture may begin at. As published, the last one is left out."""
    spans = []
    for picture, factor in zip(textures.pictures[:_USED], _factors(textures, scale, height, width), strict=True):
        rows, columns = _scaled_size(picture, factor)
        spans.append((max(rows - height, 1), max(columns - width, 1)))
    return spans


def _factors(textures: Textures, scale: float, height: int, width: int) -> tuple[float, ...]:
    """Return by what textures are scaled: by more than ``scale`` where ``height`` × ``width`` would not fit else."""
    factors, area = [], 0.0
    for picture in textures.pictures[:_USED]:
        rows, columns = _scaled_size(picture, scale)
        fits = rows >= height and columns >= width
        factors.append(scale if fits else max(height / picture.shape[0], width / picture.shape[1]))
        area += math.prod(picture.shape[:2]) * factors[-1] ** 2
    if area > _MOST_PIXELS:
        raise CorruptionError("frost needs smaller pictures: textures scaled up to hold these have too many pixels.")
    return tuple(factors)


def _scaled_size(picture: np.ndarray, factor: float) -> tuple[int, int]:
    """Return how many rows and columns ``resize`` makes."""
    return round(picture.shape[0] * factor), round(picture.shape[1] * factor)


def frost(
    images: Tensor, places: Tensor, *, picture_weight: float, frost_weight: float, scale: float, textures: Textures
) -> Tensor:
    """Ice on the lens: a weighted sum of the image and a crop of a texture, computed in float64.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        places: ``(N, 3)`` integers: which texture, and the first row and column of the crop.
        picture_weight: Of the image.
        frost_weight: Of the texture.
        scale: By which the textures are reduced first. One too small for the images is scaled up instead, just enough
            to hold them.
        textures: The pictures of ice.

    Returns:
        ``(N, 3, H, W)`` uint8.

    Source: Hendrycks & Dietterich 2019 (arXiv:1903.12261), ``frost``.
    """
    factors = _factors(textures, scale, *images.shape[2:])
    sums = _sums(picture_weight, frost_weight, images.device)
    if opencv_takes_halfwords(images.device):
        return look_up_halfwords(sums, _pair(images, places, textures, factors))
    height, width = images.shape[2:]
    ice = _crops(_atlas(textures, factors, images.device), places, height, width)
    shifts = torch.arange(0, 24, 8, dtype=torch.int32, device=images.device)[:, None, None]
    pairs = (ice[:, None] >> shifts).bitwise_and_(255).add_(images.to(torch.int32).mul_(256))
    return look_up_halfwords(sums, pairs)


def _pair(images: Tensor, places: Tensor, textures: Textures, factors: Sequence[float]) -> Tensor:
    """Make a halfword of every value and of what lies over it."""
    height, width = images.shape[2:]
    pairs = np.empty((*images.shape, 2), np.uint8)
    for image, (texture, row, column), out in zip(images.numpy(), places.tolist(), pairs, strict=True):
        window = slice(row, row + height), slice(column, column + width)
        ice = _window(textures, texture, factors[texture], *window)
        for channel in range(3):
            cv2.merge((ice[channel], image[channel]), out[channel])
    return torch.from_numpy(pairs).view(torch.uint16)[..., 0]


def _window(textures: Textures, index: int, factor: float, rows: slice, columns: slice) -> np.ndarray:
    """Part of a scaled texture, ``(3, h, w)`` uint8. Pictures of a size of their own have a factor of their own."""
    if _recurring.pays((textures, index, factor)):
        return _scaled(textures, index, factor)[:, rows, columns]
    return resize(textures.pictures[index], factor, rows, columns).transpose(2, 0, 1)


@lru_cache(maxsize=16)
def _sums(picture_weight: float, frost_weight: float, device: torch.device) -> Tensor:
    """Return the result for each level of the image (times 256) and of the texture: ``(65536,)`` uint8."""
    levels = torch.arange(256, dtype=torch.float64)
    sums = (levels * picture_weight)[:, None] + levels * frost_weight
    return cut(sums.clamp_(max=255)).view(-1).to(device)


class _Atlas(NamedTuple):
    """The textures in use, one after the other, for gathering from.

    Attributes:
        pixels: All pixels, row by row, int32: red + 256 green + 65536 blue.
        starts: ``(5,)``: where each texture begins.
        sizes: ``(5, 2)``: height and width.
    """

    pixels: Tensor
    starts: Tensor
    sizes: Tensor


def _crops(atlas: _Atlas, places: Tensor, height: int, width: int) -> Tensor:
    """Cut a window out of each image's texture: ``(N, height, width)`` pixels of the atlas."""
    texture, row, column = places.unbind(1)
    widths = atlas.sizes[texture, 1]
    first = atlas.starts[texture] + row * widths + column
    lines = first[:, None] + widths[:, None] * torch.arange(height, device=places.device)
    indices = lines[..., None].int() + torch.arange(width, dtype=torch.int32, device=places.device)
    return atlas.pixels.index_select(0, indices.view(-1)).view(indices.shape)


@lru_cache(maxsize=3)  # of large pictures an atlas takes hundreds of megabytes
def _atlas(textures: Textures, factors: tuple[float, ...], device: torch.device) -> _Atlas:
    """Lay scaled textures out on a device."""
    # Not kept beside the atlas.
    pictures = [_scaled.__wrapped__(textures, index, factor) for index, factor in enumerate(factors)]
    place_values = np.array((1, 1 << 8, 1 << 16), dtype=np.int32)
    pixels = np.concatenate([place_values @ picture.reshape(3, -1) for picture in pictures])
    sizes = np.array([picture.shape[1:] for picture in pictures])
    starts = np.cumsum([0, *sizes.prod(1)[:-1]])
    return _Atlas(*(torch.from_numpy(array).to(device) for array in (pixels, starts, sizes)))


@lru_cache(maxsize=_KEPT)
def _scaled(textures: Textures, index: int, factor: float) -> np.ndarray:
    """Scale a texture: ``(3, h, w)`` uint8."""
    return np.ascontiguousarray(resize(textures.pictures[index], factor).transpose(2, 0, 1))


def resize(picture: np.ndarray, factor: float, rows: slice = slice(None), columns: slice = slice(None)) -> np.ndarray:
    """Scale a picture with the integer arithmetic of OpenCV's bilinear interpolation, which decides every byte.

    Args:
        picture: ``(h, w, 3)`` uint8.
        factor: Of both sides; the sides are rounded, yet samples stand exactly ``1 / factor`` apart.
        rows: Which rows of the result to make.
        columns: Which of its columns.

    Returns:
        ``(h', w', 3)`` uint8.
    """
    upper, lower, down = (taps[rows] for taps in _taps(picture.shape[0], factor))
    left, right, across = (taps[columns] for taps in _taps(picture.shape[1], factor))
    down, across = down[:, None, None], across[:, None]
    first = upper[0]
    wide = picture[first : lower[-1] + 1].astype(np.int32)
    # Rows first along their length, in 19 bits; of these the lowest 4 are dropped before the rows are mixed.
    mixed, start = wide.take(right, 1), wide.take(left, 1)
    mixed -= start
    mixed *= across
    mixed += start << _WEIGHT_BITS
    mixed >>= 4
    above, below = mixed.take(upper - first, 0), mixed.take(lower - first, 0)
    above *= (1 << _WEIGHT_BITS) - down
    above >>= 16
    below *= down
    below >>= 16
    above += below
    above += 2
    above >>= 2
    levels: np.ndarray = above.astype(np.uint8)
    return levels


def _taps(side: int, factor: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the two neighbours of each sample along an axis and the second one's weight, out of 2^11."""
    centres = ((np.arange(round(side * factor)) + 0.5) * (1 / factor) - 0.5).astype(np.float32)
    first = np.floor(centres)
    weights = np.rint((centres - first) * np.float32(1 << _WEIGHT_BITS)).astype(np.int32)
    first = first.astype(np.intp)
    return first.clip(0, side - 1), (first + 1).clip(0, side - 1), weights
