"""Fractals: colourful, intricate pictures drawn by code, to be mixed into training pictures.

A picture is a few attractors of iterated function systems, one on top of another, over a soft background. Only
additions, multiplications, divisions and square roots are used, never a sine or a sum whose order is open, and random
numbers come from a generator whose stream is frozen: every machine with IEEE arithmetic draws the same bytes.
"""

from contextlib import nullcontext, suppress
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rugged.core.environment import cache_directory
from rugged.core.errors import ConfigError, RuggedError
from rugged.core.files import atomic_path
from rugged.core.progress import progress

FRACTALS_VERSION = 1
"""Raised with every change of what is drawn: pictures of another version are drawn anew."""

_LAYERS = 3
_MAPS = (2, 8)  # maps of a system, from the first to one below the second
_TOGETHER = 32  # pictures drawn at once: what is worked on stays in cache
_HITS = 10  # points a layer per pixel
_SETTLE = 10  # steps until a point is as good as on the attractor
_COLOURS = 6  # that a palette runs through …
_SHADES = 256  # … in as many steps
_MANY = 1_000_000  # pixels, from which on drawing takes seconds

_Floats = NDArray[np.floating]
_Integers = NDArray[np.integer]


def fractals(count: int, size: int, seed: int = 0) -> Tensor:
    """Draw fractal pictures, or read those that were drawn before from the cache folder.

    Args:
        count: How many, at least 1.
        size: Side in pixels, at least 1.
        seed: From 0 to 2^32 - 1; another seed draws others.

    Returns:
        ``(count, 3, size, size)`` uint8, contiguous, on the CPU. The same bytes on every machine.

    Raises:
        ConfigError: An argument is out of its range.

    Source: PixMix's mixing set is of such pictures (Hendrycks et al. 2022, arXiv:2112.05135). Systems are sampled
    through their singular values as in Anderson & Farrell 2022 (arXiv:2110.03091), coloured by their points' history
    as in Draves & Reckase 2003, "The fractal flame algorithm".
    """
    if count < 1 or size < 1 or not 0 <= seed < 2**32:
        raise ConfigError(
            f"Cannot draw {count} fractals of {size} pixels with seed {seed}: there must be at least one, of at least "
            "one pixel, and the seed must be from 0 to 2^32 - 1."
        )
    path = cache_directory() / "fractals" / f"{count}-{size}-{seed}-{FRACTALS_VERSION}.npy"
    pictures = _read(path, (count, 3, size, size))
    if pictures is None:
        pictures = _draw(count, size, seed)
        with suppress(RuggedError, OSError):  # A cache that cannot be written costs the same time again, nothing else.
            _write(path, pictures)
    return torch.from_numpy(pictures)


def _read(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8] | None:
    """Read pictures; None where there is no file, or one that was not written here."""
    try:
        with path.open("rb") as stream:
            pictures = np.lib.format.read_array(stream, allow_pickle=False)
    except Exception:  # The header is read by Python's own parser, which says in many ways that it is none.
        return None
    return pictures if pictures.shape == shape and pictures.dtype == np.uint8 else None


def _write(path: Path, pictures: NDArray[np.uint8]) -> None:
    with atomic_path(path) as temporary, temporary.open("wb") as stream:
        np.save(stream, pictures)


def _draw(count: int, size: int, seed: int) -> NDArray[np.uint8]:
    """Draw in whole groups, of which the last is cut: a longer set begins with a shorter one's pictures."""
    random = np.random.RandomState(seed)
    pictures = np.empty((count, 3, size, size), np.uint8)
    slow = count * size * size >= _MANY
    with progress("Drawing fractals", count, "pictures") if slow else nullcontext() as bar:
        for start in range(0, count, _TOGETHER):
            some = pictures[start : start + _TOGETHER]
            some[:] = _pictures(random, size)[: len(some)]
            if bar is not None:
                bar.advance(len(some))
    return pictures


def _pictures(random: np.random.RandomState, size: int) -> NDArray[np.uint8]:
    """Draw one group: ``(_TOGETHER, 3, size, size)``."""
    canvas = _background(random, size)
    for layer in range(_LAYERS):
        maps, table = _systems(random)
        # Behind, one looks far into an attractor, so that it covers everything; in front one sees it whole.
        reach = _uniform(random, *((0.15, 0.5), (0.3, 0.9), (0.6, 1.2))[layer], _TOGETHER, 1)
        hits, shade = _chaos_game(random, maps, table, reach, size)
        palette = _palettes(random)
        colour = palette[np.arange(_TOGETHER)[:, None], shade]
        # Of the densest quarter nothing shines through; what is dense beyond that is brighter still.
        many = np.partition(hits, -(size * size // 4) - 1, 1)[:, -(size * size // 4) - 1, None]
        dense = hits / np.maximum(many, 4)
        cover = np.minimum(dense, 1)
        light = (np.sqrt(dense) / (np.sqrt(dense) + np.float32(0.5)) * np.float32(1.25)).clip(0, 1)[..., None]
        canvas += cover[..., None] * (light * colour - canvas)
    levels = np.sort(canvas.reshape(_TOGETHER, -1), 1)
    dark, bright = levels[:, levels.shape[1] // 50, None, None], levels[:, -1 - levels.shape[1] // 50, None, None]
    canvas = (canvas - dark) / np.maximum(bright - dark, 1) * 255
    pictures: NDArray[np.uint8] = (canvas.clip(0, 255) + np.float32(0.5)).astype(np.uint8)
    return pictures.reshape(_TOGETHER, size, size, 3).transpose(0, 3, 1, 2)


def _background(random: np.random.RandomState, size: int) -> _Floats:
    """Interpolate between a colour for each corner: ``(_TOGETHER, size**2, 3)``, 0 to 255."""
    corners = _uniform(random, 0, 255, _TOGETHER, 2, 2, 1, 1, 3)
    way = (np.arange(size, dtype=np.float32) + np.float32(0.5)) / np.float32(size)
    right, down = way[None, :, None], way[:, None, None]
    upper = corners[:, 0, 0] * (1 - right) + corners[:, 0, 1] * right
    lower = corners[:, 1, 0] * (1 - right) + corners[:, 1, 1] * right
    colours: _Floats = upper * (1 - down) + lower * down
    return colours.reshape(_TOGETHER, size * size, 3)


def _systems(random: np.random.RandomState) -> tuple[_Floats, _Integers]:
    """Sample a system for each picture.

    Returns:
        Rows (xx, xy, x, yx, yy, y, shade) of affine maps, ``(_TOGETHER, maps, 7)``; and for each value of a random
        byte the map that it chooses, ``(_TOGETHER, 256)``: the larger the area that a map leaves, the more of them.
    """
    number = random.randint(*_MAPS, size=_TOGETHER)
    large, small = _singular_values(random, number)
    (c, s), (cc, ss) = _rotations(random), _rotations(random)
    small = np.where(_uniform(random, -1, 1, *small.shape) < 0, -small, small)  # Half of the maps mirror.
    maps = np.empty((*large.shape, 7), np.float32)
    maps[..., 0], maps[..., 1] = c * large * cc - s * small * ss, -c * large * ss - s * small * cc
    maps[..., 3], maps[..., 4] = s * large * cc + c * small * ss, -s * large * ss + c * small * cc
    maps[..., 2], maps[..., 5] = _uniform(random, -1, 1, 2, *large.shape)
    maps[..., 6] = _uniform(random, 0, _SHADES - 1, *large.shape)
    exists = np.arange(_MAPS[1] - 1) < number[:, None]
    weights = np.where(exists, np.abs(large * small) + np.float32(0.02), np.float32(0))
    steps = np.cumsum(weights, 1)
    chosen = (np.arange(256, dtype=np.float32) + np.float32(0.5)) / np.float32(256) * steps[:, -1:]
    return maps, (chosen[:, :, None] >= steps[:, None, :]).sum(2)


def _singular_values(random: np.random.RandomState, number: _Integers) -> tuple[_Floats, _Floats]:
    """Sample larger and smaller singular values, ``(_TOGETHER, maps)`` each, zero where there is no map.

    Over a system's maps, the larger and twice the smaller ones add up to a number from (5 + maps) / 2 to
    (6 + maps) / 2: with less, attractors are dust, with more they are blots.
    """
    left = (5 + number + _uniform(random, 0, 1, _TOGETHER)) / 2  # of the sum, for this map and those after it
    values = np.zeros((2, _TOGETHER, _MAPS[1] - 1), np.float32)
    for place in range(_MAPS[1] - 1):
        after = 3 * (number - 1 - place)  # the most that later maps can take
        chance = _uniform(random, 0, 1, 2, _TOGETHER)
        low, high = np.maximum(0, (left - after) / 3), np.minimum(1, left)
        larger = low + (high - low) * chance[0]
        low, high = np.maximum(0, (left - larger - after) / 2), np.minimum(larger, (left - larger) / 2)
        smaller = low + (high - low) * chance[1]
        # The last map takes what is left.
        low, high = np.maximum(0, (left - 1) / 2), left / 3
        smaller = np.where(after == 0, low + (high - low) * chance[1], smaller)
        larger = np.where(after == 0, left - 2 * smaller, larger)
        values[:, after >= 0, place] = np.stack((larger, smaller))[:, after >= 0]
        left = left - larger - 2 * smaller
    return values[0], values[1]


def _rotations(random: np.random.RandomState) -> tuple[_Floats, _Floats]:
    """Sample cosines and sines of angles, ``(_TOGETHER, maps)`` each: a place in a disk, brought to its edge."""
    shape = (_TOGETHER, _MAPS[1] - 1)
    x, y = _uniform(random, -1, 1, 2, *shape)
    for _ in range(8):  # As good as uniform: one place in 200,000 stays outside the disk.
        outside = x * x + y * y > 1
        again = _uniform(random, -1, 1, 2, *shape)
        x, y = np.where(outside, again[0], x), np.where(outside, again[1], y)
    length = np.sqrt(x * x + y * y) + np.float32(1e-12)
    return x / length, y / length


def _chaos_game(
    random: np.random.RandomState, maps: _Floats, table: _Integers, reach: _Floats, size: int
) -> tuple[_Floats, _Integers]:
    """Let points wander by maps chosen at random, and count where they come by.

    Returns:
        ``(_TOGETHER, size**2)`` each: hits, and the mean shade (0 to 255) of the points that hit.
    """
    walkers, bins = max(256, size * size // 4), size * size + 1
    everyone = np.arange(_TOGETHER)[:, None]
    # A third of the attractors are given a mirror image: half of their walkers are seen on the other side.
    mirrored = (_uniform(random, 0, 3, _TOGETHER, 1) < 1) & (np.arange(walkers) % 2 == 1)
    mirror = np.where(mirrored, np.float32(-1), np.float32(1))
    x, y, shade = np.zeros((3, _TOGETHER, walkers), np.float32)
    hits, shades = np.zeros((2, _TOGETHER * bins))
    for step in range(_SETTLE - (-_HITS * size * size // walkers)):
        bytes_ = np.frombuffer(random.bytes(_TOGETHER * walkers), np.uint8).reshape(_TOGETHER, walkers)
        xx, xy, x0, yx, yy, y0, own = maps[everyone, table[everyone, bytes_]].transpose(2, 0, 1)
        x, y, shade = xx * x + xy * y + x0, yx * x + yy * y + y0, (shade + own) / 2
        if step == _SETTLE:
            frame = _frame(x, reach), _frame(y, reach)
        if step >= _SETTLE:
            (x1, x_scale), (y1, y_scale) = frame
            u, v = ((x - x1) * x_scale * mirror + 1) * (size / 2), ((y - y1) * y_scale + 1) * (size / 2)
            inside = (u >= 0) & (u < size) & (v >= 0) & (v < size)
            place = np.where(inside, v, size).astype(np.int64) * size + np.where(inside, u, 0).astype(np.int64)
            place += everyone * bins
            hits += np.bincount(place.ravel(), minlength=hits.size)
            shades += np.bincount(place.ravel(), np.floor(shade).ravel(), minlength=hits.size)
    mean = np.floor(shades / np.maximum(hits, 1)).astype(np.intp)
    return hits.astype(np.float32).reshape(_TOGETHER, bins)[:, :-1], mean.reshape(_TOGETHER, bins)[:, :-1]


def _frame(places: _Floats, reach: _Floats) -> tuple[_Floats, _Floats]:
    """Find what to subtract from places and to multiply with, so that most come to lie within ``1 / reach`` of 0."""
    ordered = np.sort(places, 1)
    low, high = ordered[:, ordered.shape[1] // 50, None], ordered[:, -ordered.shape[1] // 50, None]
    return (low + high) / 2, 2 / (np.maximum(high - low, np.float32(1e-6)) * reach)


def _palettes(random: np.random.RandomState) -> _Floats:
    """Run through a few colours, pale and strong, dark and bright: ``(_TOGETHER, 256, 3)``, 0 to 255."""
    colours = _uniform(random, 0, 1, _TOGETHER, _COLOURS, 3)
    darkest, brightest = colours.min(2, keepdims=True), colours.max(2, keepdims=True)
    colours = (colours - darkest) / np.maximum(brightest - darkest, np.float32(1e-6))
    paleness, value = _uniform(random, 0, 1, 2, _TOGETHER, _COLOURS, 1)
    colours = (colours + (1 - colours) * paleness * paleness) * np.sqrt(value) * 255
    way = np.arange(_SHADES, dtype=np.float32) * np.float32((_COLOURS - 1) / _SHADES)
    before = way.astype(np.intp)
    way = (way - before)[:, None]
    palettes: _Floats = colours[:, before] * (1 - way) + colours[:, before + 1] * way
    return palettes


def _uniform(random: np.random.RandomState, low: float, high: float, *shape: int) -> _Floats:
    numbers: _Floats = low + (high - low) * random.random_sample(shape)
    return numbers.astype(np.float32)
