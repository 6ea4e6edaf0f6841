"""Sums of pixels along lines, each line with a direction of its own: exact, whatever makes them.

The sum of byte × weight along a line is cut to a byte. Weights are whole numbers of 2^-23. So sums of 32-bit integers,
or in float64, are exact, and no order of summation, batch or device can show. On a CPU OpenCV sums faster, in float32;
what that leaves in doubt is summed again.
"""

import platform
from collections.abc import Iterator, Sequence

import cv2
import numpy as np
import torch
from torch import Tensor

from rugged.corruptions.host import in_main_memory, send, too_few_for_a_gpu
from rugged.corruptions.levels import cut_within
from rugged.corruptions.places import true_places

_BITS = 23  # of a weight; with the 8 of a byte a sum stays below 2^31
ONE = 1 << _BITS
"""The sum of all weights of a line."""
# The reference rounds a sum to 16 bits and cuts those to 8: what lies less than this below a level, reaches it.
_ALMOST = ONE // 514
_FEW = 6  # where fewer pixels than one in so many are not black, these are what is summed
_MANY = 64  # where more than one value in so many is in doubt, all are summed in the other way
# Rows times columns of a kernel whose points OpenCV sums one by one. Larger ones it takes for dense, and transforms,
# beyond 129 where there is SSE3, beyond 49 elsewhere.
_MOST_POINTS = 129 if platform.machine() in {"x86_64", "AMD64"} else 49


def sum_along(images: Tensor, offsets: np.ndarray, weights: Sequence[int]) -> Tensor:
    """Add up pixels along lines, and cut the sums to bytes.

    Args:
        images: ``(N, C, H, W)`` uint8, continued beyond its edges by the edge pixels. Not modified.
        offsets: ``(N, points, 2)`` int64, rows down and columns to the right: ``offsets[n, i]`` is where image n finds
            what weighs ``weights[i]``. The first is no step, and each next one at most a pixel farther along each axis,
            always in the line's direction.
        weights: Whole numbers of 2^-23 that add up to one.

    Returns:
        ``(N, C, H, W)`` uint8.
    """
    if in_main_memory(images):
        return _filter(images, offsets, weights)
    if too_few_for_a_gpu(images):
        return _weigh(images, offsets, weights)
    return _shift(images, offsets, weights)


def _filter(images: Tensor, offsets: np.ndarray, weights: Sequence[int]) -> Tensor:
    """Sum with OpenCV in float32, then as integers what that leaves in doubt.

    The planes of an image lie one below the other: a shift by rows and columns is the same for all of them, and what it
    draws in from beyond a plane ends up in the room between them.
    """
    count, channels, height, width = images.shape
    before, room = _room(offsets)
    padded = _replicate(images, before, room, torch.float32)
    sums = np.empty((count, channels, padded.shape[2], width), np.float32)
    for planes, out, points in zip(padded.flatten(1, 2).numpy(), sums, offsets + before, strict=True):
        _filter_line(planes, out.reshape(-1, width)[: len(planes) - room[0]], points, weights)
    del padded, planes  # of large pictures they take much memory
    # Every product and every sum is off by half of float32's precision below 256 at the most.
    result, doubtful = cut_within(torch.from_numpy(sums)[:, :, :height], (len(weights) + 8) * 2.0**-17)
    places = true_places(doubtful)
    if len(places) * _MANY > result.numel():
        return _shift(images, offsets, weights)
    result.view(-1)[places] = _sum_at(images, places, offsets, weights)
    return result


def _filter_line(planes: np.ndarray, out: np.ndarray, points: np.ndarray, weights: Sequence[int]) -> None:
    """Write the sums along a line, of all places from which it stays inside, piece by piece of the line."""
    height, width = out.shape
    shares = np.array(weights) / ONE
    for piece in _pieces(points.tolist()):
        ends = points[piece][[0, -1]]
        (top, left), (rows, columns) = ends.min(0).tolist(), (np.ptp(ends, 0) + 1).tolist()
        # Points that fall on one pixel become one of their common weight.
        places = (points[piece] - (top, left)) @ (columns, 1)
        kernel = np.bincount(places, shares[piece], rows * columns).astype(np.float32).reshape(rows, columns)
        seen = planes[top : top + height + rows - 1, left : left + width + columns - 1]
        start = 0 if piece.start else _ALMOST / ONE
        part = cv2.filter2D(seen, -1, kernel, anchor=(0, 0), delta=start, borderType=cv2.BORDER_CONSTANT)
        if piece.start:
            out += part[:height, :width]
        else:
            out[:] = part[:height, :width]
        del part  # before the next one is made


def _pieces(points: list[list[int]]) -> Iterator[slice]:
    """Cut a line into as few pieces as OpenCV sums point by point."""
    start = 0
    for stop in range(1, len(points)):
        (row, column), (next_row, next_column) = points[start], points[stop]
        if (abs(next_row - row) + 1) * (abs(next_column - column) + 1) > _MOST_POINTS:
            yield slice(start, stop)
            start = stop
    yield slice(start, len(points))


def _sum_at(images: Tensor, places: Tensor, offsets: np.ndarray, weights: Sequence[int]) -> Tensor:
    """Sum along the lines from ``(M,)`` places, counted through all images."""
    channels, height, width = images.shape[1:]
    plane, row, column = places // (height * width), places // width % height, places % width
    down, right = torch.from_numpy(offsets).index_select(0, plane // channels).unbind(2)
    rows, columns = (row[:, None] + down).clamp_(0, height - 1), (column[:, None] + right).clamp_(0, width - 1)
    seen = images.take(rows.add_(plane[:, None], alpha=height).mul_(width).add_(columns))
    total = seen.to(torch.int32).mul_(torch.tensor(weights, dtype=torch.int32)).sum(1, dtype=torch.int32)
    return total.add_(_ALMOST).bitwise_right_shift_(_BITS).to(torch.uint8)


def _weigh(images: Tensor, offsets: np.ndarray, weights: Sequence[int]) -> Tensor:
    """Sum in a few operations: lay out what each point of a line sees, and weigh it all at once."""
    height, width = images.shape[2:]
    before, room = _room(offsets)
    padded = _replicate(images, before, room, torch.float64)
    windows = padded.unfold(2, height, 1).unfold(3, width, 1).movedim(1, 3)  # by picture, row and column of their start
    rows, columns = send(torch.from_numpy(offsets + before), images.device).unbind(2)
    seen = windows[torch.arange(len(images), device=images.device)[:, None], rows, columns]
    total = send(torch.tensor(weights, dtype=torch.float64), images.device) @ seen.flatten(2)
    return total.add_(_ALMOST).mul_(0.5**_BITS).to(torch.uint8).view(images.shape)


def _shift(images: Tensor, offsets: np.ndarray, weights: Sequence[int]) -> Tensor:
    """Sum as integers, by shifts of all images at once.

    Images lie one behind another, with room for their shifts, in one long row of numbers. There a shift by rows and
    columns is a shift by places, the same for all pixels, and what it draws in from beyond a row's end ends up in the
    room that is cut off.
    """
    height, width = images.shape[2:]
    order = _by_direction(offsets)
    there, back = (send(torch.from_numpy(places), images.device) for places in (order, np.argsort(order)))
    before, room = _room(offsets)
    padded = _replicate(images.index_select(0, there), before, room, torch.int32)
    shifts = (offsets[order] + before) @ np.array([padded.stride(2), 1])
    dark = int(images.count_nonzero()) * _FEW < images.numel()
    total = (_scatter if dark else _gather)(padded.view(-1), padded.stride(0), shifts, weights)
    levels = total.bitwise_right_shift_(_BITS).to(torch.uint8).view(padded.shape)
    return levels[:, :, :height, :width].index_select(0, back)


def _by_direction(offsets: np.ndarray) -> np.ndarray:
    """Order lines so that those which share a point's offset, whichever point it is, follow each other.

    The end of a line alone does not tell its direction well enough: the points before it would take turns.
    """
    down, right = offsets.sum(1).T
    return np.argsort(np.arctan2(down, right), kind="stable")


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


def _room(offsets: np.ndarray) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return how many rows and columns lines reach up and to the left, and how many in all."""
    before, after = -offsets.min((0, 1)), offsets.max((0, 1))  # a line's first point has offset 0: none is negative
    return tuple(before.tolist()), tuple((before + after).tolist())


def _replicate(images: Tensor, before: tuple[int, int], room: tuple[int, int], dtype: torch.dtype) -> Tensor:
    """Continue ``(N, C, H, W)`` images by their edge pixels, by so much above and to the left, and so much in all."""
    height, width = images.shape[2:]
    (up, left), (rows, columns) = before, room
    padded = images.new_empty((*images.shape[:2], height + rows, width + columns), dtype=dtype)
    middle = padded[:, :, up : up + height]
    middle[..., left : left + width] = images
    middle[..., :left] = middle[..., left : left + 1]
    middle[..., left + width :] = middle[..., left + width - 1 : left + width]
    padded[:, :, :up] = middle[:, :, :1]
    padded[:, :, up + height :] = middle[:, :, -1:]
    return padded
