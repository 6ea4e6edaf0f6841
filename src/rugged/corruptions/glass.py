"""Blur of frosted glass: pixels change places within a small reach."""

import math
from functools import lru_cache

import cv2
import numpy as np
import torch
from torch import Tensor

from rugged.corruptions.bits import Bits
from rugged.corruptions.gaussian import filter_bytes
from rugged.corruptions.host import in_main_memory
from rugged.corruptions.places import true_places
from rugged.corruptions.tables import index_type, look_up_halfwords


def draw_glass_blur(stream: Bits, images: Tensor, *, reach: int, passes: int, **_: float) -> Tensor:
    """Draw from where each pixel is overwritten, ``-reach`` to ``reach - 1`` rows down and as many columns across.

    Returns:
        ``(N, passes, rows, columns)`` int32: rows down × W + columns across, for the pixels of the picture from row and
        column ``reach + 1`` on, up to and without ``H + 1 - reach`` and ``W + 1 - reach``; in small pictures for none.
    """
    height, width = images.shape[2:]
    shape = _steps_shape(height, width, reach, passes)
    if not math.prod(shape):
        return torch.zeros((len(images), *shape), dtype=torch.int32, device=images.device)
    halfwords = stream.halfwords(math.prod(shape), index_type(images.device))
    return look_up_halfwords(_offsets(reach, width, images.device), halfwords).view(-1, *shape)


@lru_cache(maxsize=16)
def _offsets(reach: int, width: int, device: torch.device) -> Tensor:
    """Return what every halfword stands for: ``(65536,)`` int32.

    It is a fraction. Its first two digits to the base of the choices are two independent numbers; together they are its
    first digit to the base squared.
    """
    choices = 2 * reach
    digits = torch.arange(1 << 16, dtype=torch.int64).mul_(choices**2).bitwise_right_shift_(16)
    down, across = digits // choices - reach, digits % choices - reach
    return (down * width + across).to(device, torch.int32)


def replay_glass_blur(
    random_state: np.random.RandomState, image: np.ndarray, *, reach: int, passes: int, **_: float
) -> Tensor:
    """Draw the same from pairs (across, down), pixels from the last to the first: ``(1, passes, rows, columns)``."""
    height, width = image.shape[:2]
    shape = (1, *_steps_shape(height, width, reach, passes))
    pairs = random_state.randint(-reach, reach, size=(*shape, 2))[:, :, ::-1, ::-1]
    return torch.from_numpy((pairs[..., 1] * width + pairs[..., 0]).astype(np.int32))


def _steps_shape(height: int, width: int, reach: int, passes: int) -> tuple[int, int, int]:
    """Return passes, rows and columns of the pixels that are overwritten; none in pictures too small for the reach."""
    return passes, max(height - 2 * reach, 0), max(width - 2 * reach, 0)


def glass_blur(images: Tensor, offsets: Tensor, *, sigma: float, reach: int, **_: float) -> Tensor:
    """Frosted glass: a blur, pixels overwritten by their neighbours, and the blur once more.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        offsets: ``(N, passes, rows, columns)`` int32, from ``draw_glass_blur``.
        sigma: Standard deviation of the blurs, in pixels.
        reach: How far a neighbour may be, in pixels.

    Returns:
        ``(N, 3, H, W)`` uint8.

    Source: Hendrycks & Dietterich 2019 (arXiv:1903.12261), ``glass_blur``.
    """
    return filter_bytes(shuffle(filter_bytes(images, sigma), offsets, reach), sigma)


def shuffle(images: Tensor, offsets: Tensor, reach: int) -> Tensor:
    """Overwrite pixels one after the other, from the last to the first, by what is at their offset at that moment.

    The reference means to swap them and copies, so one pixel can end up in several places. All passes together only
    copy the picture's pixels: where each comes from is worked out first, for all pixels at once.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        offsets: ``(N, passes, rows, columns)`` int32, from ``draw_glass_blur``.
        reach: The most rows or columns that an offset spans.
    """
    count, _, height, width = images.shape
    passes, pixels = offsets.shape[1], count * height * width
    if not offsets.numel():
        return images.clone()
    leaps = _leaps(offsets, height, width, reach)
    if not in_main_memory(leaps):  # A GPU rather makes leaps of eight than ask time and again who is under way.
        for _ in range(3):
            leaps = leaps.index_select(0, leaps)
    places = leaps[-pixels:]
    # One leap a pass is the least. Two more bring most pixels to their origin; backwards by one line, none needs them.
    for _ in range(passes - 1 + (2 if reach > 1 else 0)):
        places = leaps.index_select(0, places)
    under_way = _not_below(places.clone(), pixels)
    while len(under_way):
        ends = places.index_select(0, under_way)
        for _ in range(2):
            ends = leaps.index_select(0, ends)
        places.scatter_(0, under_way, ends)
        under_way = under_way.index_select(0, _not_below(ends, pixels))
    return _take_pixels(images, places)


def _take_pixels(images: Tensor, places: Tensor) -> Tensor:
    """Make images of the pixels at ``(N * H * W,)`` int32 places, counted through all images."""
    count, channels, height, width = images.shape
    if not in_main_memory(images):
        starts = torch.arange(0, len(places), height * width, dtype=torch.int32, device=images.device)
        origins = places.view(count, 1, -1).sub_(starts.view(-1, 1, 1)).long()
        return images.flatten(2).gather(2, origins.expand(-1, channels, -1)).view_as(images)
    # A pixel of four bytes is taken at once. The fourth has no meaning.
    pixels = np.empty((count, height, width, 4), np.uint8)
    for planes, out in zip(images.numpy(), pixels, strict=True):
        cv2.merge((*planes, planes[0]), out)
    taken = torch.from_numpy(pixels).view(torch.int32).view(-1).index_select(0, places).view(torch.uint8)
    result = torch.empty_like(images)
    unused = np.empty((height, width), np.uint8)
    for pixel, planes in zip(taken.view(pixels.shape).numpy(), result.numpy(), strict=True):
        cv2.split(pixel, (*planes, unused))
    return result


def _leaps(offsets: Tensor, height: int, width: int, reach: int) -> Tensor:
    """Make the way back from what the passes leave to the pictures before them one chain of leaps for every pixel.

    A place is a pixel after a pass, or before them all. From it the chain goes to the pixel's source. A source further
    on in raster order was overwritten earlier in the pass: its place is after this pass, too. Any other is as it was
    after the pass before.

    Args:
        offsets: ``(N, passes, rows, columns)`` int32.
        height: Of the pictures.
        width: Of the pictures.
        reach: The most rows or columns that an offset spans.

    Returns:
        ``((passes + 1) * N * height * width,)`` int32: the next place in the chain, for all places before the passes,
        which are its ends: themselves; for all places after the first pass, and so on.
    """
    count, passes = offsets.shape[:2]
    pixels = count * height * width
    leaps = torch.arange(-pixels, passes * pixels, dtype=torch.int32, device=offsets.device)
    leaps[:pixels] += pixels
    after = leaps[pixels:].view(passes, count, height, width)
    inner = after[:, :, reach + 1 : height + 1 - reach, reach + 1 : width + 1 - reach]
    steps = offsets.transpose(0, 1)
    further = steps.clamp(0, 1)  # 1 where the source is further on
    inner.add_(steps).add_(further, alpha=pixels)
    return leaps


def _not_below(places: Tensor, limit: int) -> Tensor:
    """Say which places are not below a limit: their numbers, int64. Overwrites the places."""
    return true_places(places.ge_(limit).bool())  # in place comparing is vectorised, otherwise not
