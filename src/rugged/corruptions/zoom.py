"""Enlarging the middle of pictures, and the blur of a camera that zooms while it exposes."""

import math
from collections.abc import Iterable
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import embedding_bag

from rugged.corruptions.host import in_main_memory, too_few_for_a_gpu
from rugged.corruptions.levels import constant, cut_within, to_levels, to_unit
from rugged.corruptions.places import true_places
from rugged.corruptions.recurring import Recurring
from rugged.corruptions.transpose import transpose

_LARGE = 1 << 17  # pixels; beyond, the matrix of a whole blur takes too much memory
# By how much a level may be off, by the roundings of some hundred products here and some 27 additions in the reference:
# nearly twice the most that a search for the worst pictures found.
_DOUBT = 2.0**-10
_MANY = 256  # where more than one value in so many is in doubt, there must be even areas
_PLACES = 4096  # doubtful values settled at once on a CPU, so that what is worked on stays in a processor's cache
_MANY_PLACES = 1 << 16  # and on a GPU, to bound memory
_BAND = 4096  # pixels made at once on a CPU, likewise
_HOST = torch.device("cpu")
_KEPT = 5  # matrices
_recurring = Recurring(5, _KEPT)  # to make a matrix takes as long as four or five pictures of a size without it

_Band = tuple[Tensor, ...]  # columns of the entries, where the entries of each row start, entries


def zoom_blur(images: Tensor, _: None, *, stop: float, step: float) -> Tensor:
    """A camera that zooms in while it exposes: the mean of the picture and its enlargements.

    The mean of all enlargements is one linear map, made once for a size: a sparse matrix. Its roundings are not those
    of the published code, which adds up enlargements in float32 and cuts what is often a whole level or just below.
    So wherever the matrix gives a whole level, but for ``_DOUBT``, the value is made as published.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        stop: Enlargements are by 1, 1 + ``step`` … up to and without ``stop``.
        step: Between one factor and the next.

    Returns:
        ``(N, 3, H, W)`` uint8.

    Source: Hendrycks & Dietterich 2019 (arXiv:1903.12261), ``zoom_blur``.
    """
    height, width = images.shape[2:]
    factors = tuple(np.arange(1, stop, step).tolist())
    if height * width > _LARGE or not _matrix_pays(images, factors):
        return _one_by_one(images, factors)
    planes = images.reshape(-1, height * width)
    pixels = transpose(planes).float()
    levels, doubtful = torch.empty(pixels.shape, dtype=torch.uint8, device=images.device), []
    for first, (columns, starts, entries) in _matrix(height, width, factors, images.device):
        sums = embedding_bag(columns, pixels, starts, mode="sum", per_sample_weights=entries, include_last_offset=True)
        levels[first : first + len(sums)], mask = cut_within(sums, _DOUBT)
        doubtful.append(true_places(mask).add_(first * sums.shape[1]))

    _mend(levels, torch.cat(doubtful), images, factors)
    return transpose(levels).view(images.shape)


def clipped_zoom(layers: Tensor, factor: float) -> Tensor:
    """Enlarge the middle of layers to the size of the whole, by linear interpolation.

    Args:
        layers: ``(N, H, W)``, floating point. Not modified.
        factor: Of the enlargement, 1 or more.

    Returns:
        ``(N, H, W)``, computed in the precision of the layers.

    Source: Hendrycks & Dietterich 2019 (arXiv:1903.12261), ``clipped_zoom``.
    """
    height, width = layers.shape[1:]
    rows, columns = visible(height, width, factor)
    return enlarge(layers[:, rows, columns], factor, height, width)


def visible(height: int, width: int, factor: float) -> tuple[slice, slice]:
    """Return the rows and columns that ``clipped_zoom`` shows of a layer."""
    shorter = min(height, width)
    ends = (_positions(length, shorter, factor)[[0, -1]] for length in (height, width))
    rows, columns = (slice(math.floor(first), math.ceil(last) + 1) for first, last in ends)
    return rows, columns


def enlarge(part: Tensor, factor: float, height: int, width: int) -> Tensor:
    """Enlarge what is ``visible`` of layers: ``(N, rows, columns)`` to ``(N, height, width)``. May return ``part``."""
    if factor == 1:
        return part
    shorter = min(height, width)
    # Products and their sum, not ``lerp``: one rounding after another, the same on every device.
    places, weights = _neighbours(width, shorter, (factor,), part.device)
    left, right = (places[0] - places[0, 0, 0])[:, None, None].expand(2, *part.shape[:2], width)
    near_left, near_right = weights[0].to(part.dtype)
    part = part.gather(2, left).mul_(near_left).add_(part.gather(2, right).mul_(near_right))
    places, weights = _neighbours(height, shorter, (factor,), part.device)
    upper, lower = places[0] - places[0, 0, 0]
    near_top, near_bottom = weights[0, :, :, None].to(part.dtype)
    return part.index_select(1, upper).mul_(near_top).add_(part.index_select(1, lower).mul_(near_bottom))


def _positions(length: int, shorter: int, factor: float) -> np.ndarray:
    """Return where along an axis the enlarged middle is sampled: ``(length,)``, rising, 0 to ``length - 1``.

    The reference cuts out ceil(side / factor) pixels, spreads them over as many places as the factor makes of them,
    the first and the last on the ends, and cuts these to the side again. Along the longer side of a picture samples
    are as far apart as along the shorter, and as far off the centre: the middle square is enlarged as if alone.
    Where a single pixel is cut out, which has no two ends, samples are as far apart as the factor says.
    """
    crop = math.ceil(shorter / factor)
    grown = round(crop * factor)
    step = (crop - 1) / (grown - 1) if crop > 1 else 1 / factor
    more = (length - shorter) / 2
    positions: np.ndarray = step * (np.arange(length) - more + (grown - shorter) // 2) + (shorter - crop) // 2 + more
    return positions.clip(0, length - 1)


@lru_cache(maxsize=256)
def _neighbours(length: int, shorter: int, factors: tuple[float, ...], device: torch.device) -> tuple[Tensor, Tensor]:
    """Return between which two places of an axis each sample lies, and their weights: ``(factors, 2, length)``."""
    positions = np.stack([_positions(length, shorter, factor) for factor in factors])
    before = np.floor(positions)
    places = np.stack((before, np.ceil(positions)), 1).astype(np.int64)
    weights = np.stack((1 - (positions - before), positions - before), 1)
    return torch.from_numpy(places).to(device), torch.from_numpy(weights).to(device)


def _matrix_pays(images: Tensor, factors: tuple[float, ...]) -> bool:
    height, width = images.shape[2:]
    return not in_main_memory(images) or _recurring.pays((height, width, factors), len(images))


@lru_cache(maxsize=_KEPT)
def _matrix(height: int, width: int, factors: tuple[float, ...], device: torch.device) -> list[tuple[int, _Band]]:
    """Return the blur as a matrix from pixels to pixels: bands of rows, each after its first row."""
    layers = 1.0, *factors  # the picture itself comes on top
    vertical, horizontal = (_neighbours(side, min(height, width), layers, _HOST) for side in (height, width))
    rows, above = (values.permute(2, 0, 1).numpy()[:, None, :, :, None] for values in vertical)
    columns, beside = (values.permute(2, 0, 1).numpy()[:, :, None] for values in horizontal)
    bands = []
    step = max(1, _BAND // width) if in_main_memory(device) else height
    for first in range(0, height, step):
        picture_rows = range(first, min(first + step, height))
        parts = [_merge(rows[row] * width + columns, above[row] * beside) for row in picture_rows]
        source, counts, weights = (np.concatenate(part) for part in zip(*parts, strict=True))
        starts = np.concatenate(([0], counts.cumsum())).astype(np.int32)
        entries = (weights / len(layers)).astype(np.float32)
        band = tuple(torch.from_numpy(part).to(device) for part in (source.astype(np.int32), starts, entries))
        bands.append((first * width, band))
    return bands


def _merge(places: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Add up the weights of equal places in every row: all places, how many a row has, all weights."""
    places, weights = (values.reshape(len(values), -1) for values in (places, weights))
    order = places.argsort(axis=1)
    places, weights = (np.take_along_axis(values, order, 1) for values in (places, weights))
    first = np.ones(places.shape, dtype=bool)
    first[:, 1:] = np.diff(places) != 0
    return places[first], first.sum(1), np.add.reduceat(weights.ravel(), np.flatnonzero(first))


def _one_by_one(images: Tensor, factors: tuple[float, ...]) -> Tensor:
    """Blur as published, enlargement by enlargement, in float32 but for the interpolation."""
    unit = to_unit(images, torch.float32)
    layers = unit.double().flatten(0, 1)
    return _mean(unit, (clipped_zoom(layers, factor).float().view(unit.shape) for factor in factors), len(factors))


def _mend(levels: Tensor, places: Tensor, images: Tensor, factors: tuple[float, ...]) -> None:
    """Make the levels at some places, as ``_one_by_one`` does: ``levels`` has a row a pixel, a column a channel."""
    pixel, channel = places.div(levels.shape[1], rounding_mode="floor"), places % levels.shape[1]
    sources = channel * len(levels) + pixel
    if len(places) * _MANY > levels.numel() and not too_few_for_a_gpu(images):
        even = _is_even(images, sources, factors)
        unit = to_unit(images.take(sources[even]), torch.float32)
        levels.view(-1)[places[even]] = _mean(unit, [unit] * len(factors), len(factors))
        places, sources = places[~even], sources[~even]
    at_once = _PLACES if in_main_memory(images) else _MANY_PLACES
    for some, source in zip(torch.split(places, at_once), torch.split(sources, at_once), strict=True):
        levels.view(-1)[some] = _settle(images, source, factors)


def _is_even(images: Tensor, places: Tensor, factors: tuple[float, ...]) -> Tensor:
    """Tell at which of ``(M,)`` places in the images all that the blur brings there is one level.

    A running count of the steps between neighbours says how many a box has.
    """
    height, width = images.shape[2:]
    layers = images.view(-1, height, width)
    steps = images.new_zeros((len(layers), height + 1, width + 1), dtype=torch.int32)
    steps[:, 2:, 1:] += layers[:, 1:] != layers[:, :-1]
    steps[:, 1:, 2:] += layers[:, :, 1:] != layers[:, :, :-1]
    count = steps.cumsum(1, dtype=torch.int32).cumsum(2, dtype=torch.int32)
    rows, columns = (_neighbours(side, min(height, width), factors, images.device)[0] for side in (height, width))
    layer, row, column = places // (height * width), places // width % height, places % width
    top, bottom = rows.amin((0, 1))[row], rows.amax((0, 1))[row] + 1
    left, right = columns.amin((0, 1))[column], columns.amax((0, 1))[column] + 1
    below, above = (count[layer, edge, right] - count[layer, edge, left] for edge in (bottom, top))
    return below == above


def _settle(images: Tensor, places: Tensor, factors: tuple[float, ...]) -> Tensor:
    """Do what ``_one_by_one`` does at ``(M,)`` places in the images."""
    height, width = images.shape[2:]
    rows, above = _neighbours(height, min(height, width), factors, images.device)
    columns, beside = _neighbours(width, min(height, width), factors, images.device)
    row, column = places // width % height, places % width
    sources = (rows[:, :, None, row] * width + places - row * width - column) + columns[:, None, :, column]
    corners = to_unit(images.take(sources), torch.float32).double()
    across = beside[:, None, :, column]
    sides = corners[:, :, 0] * across[:, :, 0] + corners[:, :, 1] * across[:, :, 1]
    down = above[:, :, row]
    enlarged = (sides[:, 0] * down[:, 0] + sides[:, 1] * down[:, 1]).float()
    return _mean(to_unit(images.take(places), torch.float32), enlarged, len(factors))


def _mean(unit: Tensor, enlarged: Iterable[Tensor], count: int) -> Tensor:
    """Average the enlargements and the picture itself, which the reference adds last; return bytes."""
    total = torch.zeros_like(unit)
    for layer in enlarged:
        total += layer
    return to_levels(total.add_(unit).div_(constant(count + 1, torch.float32, unit.device)))
