"""Colours, surfaces and backgrounds."""

import math
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rugged.data.builtin.shapes import COLUMN, ROW, SIDE, Field, Frame, direction
from rugged.data.builtin.stream import Stream

Colour = tuple[float, float, float]
Paint = NDArray[np.floating[Any]]  # (3, 64, 64), or (3, 1, 1) for one colour

# Hue, its spread and the most saturation: sky, leaves, earth, stone, anything.
_NATURAL_HUES = ((0.57, 0.06, 0.6), (0.28, 0.09, 0.6), (0.08, 0.05, 0.6), (0.1, 0.5, 0.15), (0.5, 0.5, 0.5))


def colour(hue: float, saturation: float, value: float) -> Colour:
    """Return red, green and blue in [0, 1]; the hue counts turns, of which only the fraction matters."""
    sector = (hue - math.floor(hue)) * 6.0
    low, part = value * (1.0 - saturation), sector - math.floor(sector)
    falling, rising = value * (1.0 - saturation * part), value * (1.0 - saturation * (1.0 - part))
    return (
        (value, rising, low),
        (falling, value, low),
        (low, value, rising),
        (low, falling, value),
        (rising, low, value),
        (value, low, falling),
    )[min(int(sector), 5)]


def any_colour(stream: Stream) -> Colour:
    """Draw a colour: any hue, from greyish to vivid, from dark to light."""
    return colour(stream.uniform(), stream.uniform(0.15, 0.9), stream.uniform(0.2, 0.95))


def natural_colour(stream: Stream) -> Colour:
    """Draw a colour that fills much of a photograph: sky, leaves, earth, stone or, now and then, anything."""
    hue, spread, most = stream.choice(_NATURAL_HUES)
    return colour(hue + stream.uniform(-spread, spread), stream.uniform(0.0, most), stream.uniform(0.25, 0.95))


def near_colour(base: Colour, stream: Stream, spread: float) -> Colour:
    """Draw a colour that differs from ``base`` by up to ``spread`` in lightness and half that in each channel."""
    shift = stream.uniform(-spread, spread)
    red, green, blue = (min(max(c + shift + stream.uniform(-0.5, 0.5) * spread, 0.02), 0.98) for c in base)
    return red, green, blue


def contrast(first: Colour, second: Colour) -> float:
    """Return the Euclidean distance of two colours."""
    red, green, blue = (a - b for a, b in zip(first, second, strict=True))
    # Spelt out, because `sum` rounds differently from Python 3.12 on.
    return math.sqrt(red * red + green * green + blue * blue)


def flat(value: Colour) -> Paint:
    """Return one colour as a paint."""
    return np.array(value, dtype=np.float32)[:, None, None]


def mix(first: Colour, second: Colour, share: Field) -> Paint:
    """Return the paint that goes from the first colour, where the share is 0, to the second, where it is 1."""
    start = flat(first)
    return start + (flat(second) - start) * share


def clip(share: Field) -> Field:
    """Limit to [0, 1]."""
    clipped: Field = np.clip(share, 0, 1)
    return clipped


def smooth(share: Field) -> Field:
    """Clip to [0, 1] and ease in and out."""
    share = clip(share)
    return share * share * (3 - 2 * share)


@cache
def _lattice(cells: int) -> tuple[NDArray[np.intp], Field]:
    at = (np.arange(SIDE, dtype=np.float32) + np.float32(0.5)) * np.float32(cells / SIDE)
    corner = np.floor(at)
    return corner.astype(np.intp), smooth(at - corner)


def noise(stream: Stream, wide: int, high: int | None = None) -> Field:
    """Return value noise in [0, 1): random numbers on a lattice, joined smoothly.

    Args:
        stream: Where the numbers come from.
        wide: Lattice cells across the picture.
        high: Lattice cells down the picture, ``wide`` unless given.
    """
    high = wide if high is None else high
    grid = stream.field(high + 1, wide + 1)
    row, down = _lattice(high)
    column, across = _lattice(wide)
    lines = grid[row] + (grid[row + 1] - grid[row]) * down[:, None]
    left = lines[:, column]
    right = lines[:, column + 1]
    return left + (right - left) * across


def rough(stream: Stream, cells: int) -> Field:
    """Return three octaves of noise in [0, 1), the first of ``cells`` cells a side."""
    coarse, middle, fine = noise(stream, cells), noise(stream, cells * 2), noise(stream, cells * 4)
    joined: Field = coarse * 0.55 + middle * 0.3 + fine * 0.15
    return joined


def _wave(phase: Field) -> Field:
    """A smooth wave of period 1 in [0, 1]."""
    return smooth(np.abs((phase - np.floor(phase)) * 2 - 1))


def pattern(frame: Frame, stream: Stream) -> Field:
    """Draw the markings of a surface: a share in [0, 1], fixed to the object's own coordinates."""
    kind = stream.choice(("plain", "plain", "stripes", "spots", "checks", "mottled", "fade"))
    cos, sin = direction(stream.uniform(0.0, math.pi))
    count = stream.uniform(1.6, 3.4)
    along = (frame.x * cos + frame.y * sin) * count + stream.uniform()
    if kind == "plain":
        return noise(stream, 8)[frame.window] * 0.35
    if kind == "mottled":
        return smooth((rough(stream, stream.integer(6, 12))[frame.window] - 0.38) * 4)
    if kind == "fade":
        return smooth(along * (0.5 / count) + 0.5)
    if kind == "stripes":
        sharp = stream.uniform(1.5, 4.0)
        return clip((_wave(along) - stream.uniform(0.35, 0.65)) * sharp + 0.5)
    across = (frame.y * cos - frame.x * sin) * count + stream.uniform()
    if kind == "checks":
        return clip((_wave(along) - 0.5) * (_wave(across) - 0.5) * 9 + 0.5)
    u, v = along - np.floor(along) - 0.5, across - np.floor(across) - 0.5
    return clip((stream.uniform(0.18, 0.34) - np.sqrt(u * u + v * v)) * 6 + 0.5)


def background(stream: Stream) -> tuple[Paint, Colour]:
    """Draw what lies behind everything.

    Returns:
        The ``(3, 64, 64)`` picture, and its overall colour.
    """
    kind = stream.choice(("wall", "horizon", "horizon", "boards", "foliage", "tiles", "clouds"))
    first = natural_colour(stream)
    second = near_colour(first, stream, 0.3)
    cos, sin = direction(stream.uniform(0.0, 2 * math.pi))
    along = COLUMN * cos + ROW * sin
    across = ROW * cos - COLUMN * sin
    if kind == "wall":
        share = smooth(along * 0.5 + 0.5) * 0.7 + rough(stream, 8) * 0.5
    elif kind == "horizon":
        return _horizon(first, stream)
    elif kind == "boards":
        phase = along * stream.uniform(1.2, 4.0) + stream.uniform()
        board = np.floor(phase)
        shade = board * 0.618 - np.floor(board * 0.618)  # the golden ratio keeps neighbours apart
        share = shade * 0.6 + rough(stream, 8) * 0.5
        share = share - clip(0.1 - np.abs(phase - board - 0.05)) * 6
    elif kind == "foliage":
        third = near_colour(natural_colour(stream), stream, 0.2)
        leaves = smooth((rough(stream, stream.integer(4, 9)) - 0.42) * stream.uniform(3, 7))
        paint = mix(first, second, leaves)
        paint += (flat(third) - paint) * smooth((rough(stream, stream.integer(3, 7)) - 0.5) * 6)
        return paint, first
    elif kind == "tiles":
        count = stream.uniform(1.5, 3.5)
        edge = np.minimum(_wave(along * count), _wave(across * count + stream.uniform()))
        share = clip(0.7 - edge * 4) + rough(stream, 6) * 0.4
    else:
        share = smooth((rough(stream, 3) - 0.3) * 2.5)
    return mix(first, second, share), first


def _horizon(ground: Colour, stream: Stream) -> tuple[Paint, Colour]:
    """Land or water below, sky above, with hills between."""
    sky = natural_colour(stream)
    level = stream.uniform(-0.6, 0.5)
    slope = stream.uniform(-0.25, 0.25)
    hills = (noise(stream, stream.integer(2, 6), 1)[0] - 0.5) * stream.uniform(0.0, 0.6)
    far = mix(sky, near_colour(sky, stream, 0.3), smooth(ROW * 0.6 + noise(stream, 3, 6) * 0.8))
    near = mix(ground, near_colour(ground, stream, 0.3), rough(stream, 6) * 0.9 - ROW * 0.2)
    share = clip((level + slope * COLUMN + hills - ROW) * (SIDE / 4) + 0.5)
    middle = [0.5 * (a + b) for a, b in zip(sky, ground, strict=True)]
    return far + (near - far) * share, (middle[0], middle[1], middle[2])
