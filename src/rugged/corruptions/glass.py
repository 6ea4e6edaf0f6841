"""Blur of frosted glass: pixels change places within a small reach."""

import math

import numpy as np
import torch
from torch import Tensor

from rugged.corruptions.bits import Bits
from rugged.corruptions.convolution import true_places
from rugged.corruptions.gaussian import filter_bytes


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
    # A halfword is a fraction: its first two digits to the base of the choices are two independent numbers.
    fractions = stream.halfwords(math.prod(shape)).mul_(2 * reach)
    down = fractions >> 16
    across = fractions.bitwise_and_(0xFFFF).mul_(2 * reach).bitwise_right_shift_(16)
    return down.mul_(width).add_(across).sub_(reach * (width + 1)).view(-1, *shape)


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
        images: ``(N, C, H, W)`` uint8. Not modified.
        offsets: ``(N, passes, rows, columns)`` int32, from ``draw_glass_blur``.
        reach: The most rows or columns that an offset spans.
    """
    count, channels, height, width = images.shape
    here = torch.arange(count * height * width, dtype=torch.int32, device=images.device)
    origins = None
    for one in offsets.unbind(1):
        steps = torch.zeros((count, height, width), dtype=torch.int32, device=images.device)
        steps[:, reach + 1 : height + 1 - reach, reach + 1 : width + 1 - reach] = one
        sources = _sources(here, steps.flatten())
        origins = sources if origins is None else origins.index_select(0, sources)
    if origins is None:
        return images.clone()
    starts = here[:: height * width]
    places = (origins.view(count, 1, -1) - starts.view(-1, 1, 1)).long()
    return images.flatten(2).gather(2, places.expand(-1, channels, -1)).view_as(images)


def _sources(here: Tensor, steps: Tensor) -> Tensor:
    """Say from which pixel of the picture before a pass each pixel of the picture after it comes.

    A source further on in raster order was itself overwritten earlier in the pass, so its own source counts, and so on.
    A step back ends such a chain, and so does a pixel that stays. Few pixels are left after each link.

    Args:
        here: ``(pixels,)`` int32, 0, 1, 2, …, through all pictures.
        steps: ``(pixels,)`` int32, from each pixel to its source; 0 where it stays.
    """
    sources = here + steps
    chained = true_places(steps > 0)
    ends = sources.index_select(0, chained)
    while len(chained):
        onward = steps.index_select(0, ends)
        ends += onward
        sources.scatter_(0, chained, ends)
        going = true_places(onward > 0)
        chained, ends = chained.index_select(0, going), ends.index_select(0, going)
    return sources
