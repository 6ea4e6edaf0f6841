"""Movement: every pixel drawn out along a line, as the camera or the flakes in front of it moved.

The sum of byte × weight along the line is cut to a byte. Weights are whole numbers of 2^-23 and sums are made of
32-bit integers, or in float64, so they are exact: no order of summation, batch or device can show.
"""

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from rugged.corruptions.bits import Bits
from rugged.corruptions.host import send, too_few_for_a_gpu
from rugged.corruptions.uniform import uniform

_BITS = 23  # of a weight; with the 8 of a byte a sum stays below 2^31
# The reference rounds a sum to 16 bits and cuts those to 8: what lies less than this below a level, reaches it.
_ALMOST = (1 << _BITS) // 514
_FEW = 6  # where fewer pixels than one in so many are not black, these are what is summed


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
    angles = degrees.cpu().double().numpy()
    if too_few_for_a_gpu(images):
        return _weigh(images, line_offsets(angles, length)[:, : len(weights)], weights)
    order = np.argsort(angles, kind="stable")  # neighbours share offsets, and are summed at once
    offsets = line_offsets(angles[order], length)[:, : len(weights)]
    there, back = (send(torch.from_numpy(places), images.device) for places in (order, np.argsort(order)))
    return _sum_along(images.index_select(0, there), offsets, weights).index_select(0, back)


@lru_cache
def line_weights(length: int, sigma: float) -> tuple[int, ...]:
    """Return the weights of a line as numbers of 2^-23 that add up to one, without the zeros at its end."""
    exact = np.exp(-(np.arange(length) ** 2) / (2 * sigma**2))
    shares = np.round(exact / exact.sum() * (1 << _BITS)).astype(int)
    shares[0] += (1 << _BITS) - shares.sum()
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


def _weigh(images: Tensor, offsets: np.ndarray, weights: Sequence[int]) -> Tensor:
    """Do what ``_sum_along`` does in a few operations: lay out what each point of a line sees, and weigh it at once."""
    height, width = images.shape[2:]
    before, after = -offsets.min((0, 1)), offsets.max((0, 1))
    padded = pad(images.double(), (before[1], after[1], before[0], after[0]), mode="replicate")
    windows = padded.unfold(2, height, 1).unfold(3, width, 1).movedim(1, 3)  # by picture, row and column of their start
    rows, columns = send(torch.from_numpy(offsets + before), images.device).unbind(2)
    seen = windows[torch.arange(len(images), device=images.device)[:, None], rows, columns]
    total = send(torch.tensor(weights, dtype=torch.float64), images.device) @ seen.flatten(2)
    return total.add_(_ALMOST).mul_(0.5**_BITS).to(torch.uint8).view(images.shape)


def _sum_along(images: Tensor, offsets: np.ndarray, weights: Sequence[int]) -> Tensor:
    """Add up pixels along lines: ``offsets[n, i]`` is where image n finds what weighs ``weights[i]``.

    Images lie one behind another, with room for their shifts, in one long row of numbers. There a shift by rows and
    columns is a shift by places, the same for all pixels, and what it draws in from beyond a row's end ends up in the
    room that is cut off.
    """
    height, width = images.shape[2:]
    before = -offsets.min((0, 1))
    room = before + offsets.max((0, 1))  # the line's first point has offset 0, so neither is negative
    padded = _replicate(images, tuple(before), tuple(room))
    shifts = (offsets + before) @ np.array([padded.stride(1), 1])
    dark = int(images.count_nonzero()) * _FEW < images.numel()
    total = (_scatter if dark else _gather)(padded.view(-1), padded.stride(0), shifts, weights)
    levels = total.bitwise_right_shift_(_BITS).to(torch.uint8).view(padded.shape)
    return levels[:, :height, :, :width].permute(0, 2, 1, 3).contiguous()


def _gather(source: Tensor, size: int, shifts: np.ndarray, weights: Sequence[int]) -> Tensor:
    """Add shifted copies of images of ``size`` places: those that a shift has in common, in one go."""
    total = torch.full_like(source, _ALMOST)
    for tap, first, last, shift in _runs(shifts):
        start, end = first * size, (last + 1) * size - int(shifts.max())
        total[start:end].add_(source[start + shift : end + shift], alpha=weights[tap])
    return total


def _scatter(source: Tensor, size: int, shifts: np.ndarray, weights: Sequence[int]) -> Tensor:
    """Do the same from the few places that are not black, each to all that see it."""
    lit = source.nonzero()
    lead = int(shifts.max())  # places before the first image, which see it without being part of it
    targets = send(torch.from_numpy(lead - shifts), source.device).index_select(0, lit[:, 0] // size).add_(lit)
    levels = source[lit] * torch.tensor(weights, dtype=torch.int32, device=source.device)
    total = source.new_full((lead + len(source),), _ALMOST)
    return total.scatter_add_(0, targets.view(-1), levels.view(-1))[lead:]


def _runs(values: np.ndarray) -> Iterator[tuple[int, int, int, int]]:
    """Split the columns of an array of integers where they change: column, first and last row, value."""
    changes = np.ones(values.T.shape, dtype=bool)
    changes[:, 1:] = np.diff(values.T) != 0
    starts = np.flatnonzero(changes)
    ends = np.append(starts[1:], changes.size) - 1
    columns, rows = np.divmod(starts, len(values))
    parts = columns, rows, ends % len(values), values[rows, columns]
    return zip(*(part.tolist() for part in parts), strict=True)


def _replicate(images: Tensor, before: tuple[int, int], room: tuple[int, int]) -> Tensor:
    """Continue images by their edge pixels: ``(N, H + rows of room, C, W + columns of room)`` int32.

    Args:
        images: ``(N, C, H, W)``.
        before: How much of the room lies above, and to the left.
        room: Rows and columns to add.
    """
    count, channels, height, width = images.shape
    (up, left), (rows, columns) = before, room
    padded = images.new_empty((count, height + rows, channels, width + columns), dtype=torch.int32)
    middle = padded[:, up : up + height]
    middle[..., left : left + width] = images.permute(0, 2, 1, 3)
    middle[..., :left] = middle[..., left : left + 1]
    middle[..., left + width :] = middle[..., left + width - 1 : left + width]
    padded[:, :up] = middle[:, :1]
    padded[:, up + height :] = middle[:, -1:]
    return padded
