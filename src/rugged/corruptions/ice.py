"""Ice on a window, drawn by code: what frost uses where the published photographs cannot be had.

Crystals grow as ice grows: a stem, branches at 60 degrees to it, twigs at 60 degrees to those. They are drawn from
the back to the front, large before small, from nuclei in the picture and along its border, lit from above on the
left, and covered by mist and grain. Only additions, multiplications and square roots are used, never an angle's sine,
and whole numbers wherever values are summed up, so that every machine draws the same pictures.
"""

import io
import math
import zipfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rugged.core.environment import cache_directory
from rugged.core.errors import RuggedError
from rugged.core.files import write_bytes

ICE_VERSION = 1
"""Raised whenever the pictures change."""

_Floats = NDArray[np.floating]
_Bytes = NDArray[np.uint8]
_Range = tuple[float, float]
_Channels = tuple[float, float, float]

_FINE = 2  # crystals are drawn this many times larger, for fine edges
_SUBPIXEL_BITS = 4  # of the coordinates that OpenCV draws at
_SIXTY = 1 / math.sqrt(3)  # Turns are given as the tangent of half their angle.


@dataclass(frozen=True)
class _Look:
    """How one picture looks. Lengths in pixels, brightness in levels before ``mean`` and ``spread`` are set.

    Attributes:
        size: Height and width.
        ferns: How many.
        length: Of the stems; they become shorter towards the front.
        spacing: Of the branches along a stem.
        width: Of a fern, as a fraction of its length to each side.
        arms: Most ferns that grow from one nucleus.
        border: Share of the nuclei that lie on the picture's border at first.
        tone: Of the branches.
        body: Of what shimmers between them.
        mist: How much of the crystals it hides where it is dense, 0 to 1.
        mean: Of red, green and blue in the finished picture.
        spread: Standard deviation of red, green and blue.
        tint: Levels by which the colour changes over the picture.
    """

    size: tuple[int, int]
    ferns: int
    length: _Range
    spacing: _Range
    width: _Range
    arms: int
    border: float
    tone: _Range
    body: _Range
    mist: float
    mean: _Channels
    spread: _Channels
    tint: float


# Sizes, means and spreads are near those of the photographs, number by number, so that frost is about as strong.
_LOOKS = (
    _Look((600, 900), 420, (60, 330), (4.5, 7), (0.18, 0.34), 4, 0.4, (90, 215), (20, 80), 0.5,
          (86, 146, 158), (28, 26, 22), 40),  # large ferns on a blue window
    _Look((400, 600), 900, (40, 230), (3, 5), (0.03, 0.09), 6, 0.1, (110, 235), (60, 200), 0.35,
          (200, 205, 213), (24, 22, 20), 5),  # needles, white all over
    _Look((400, 600), 800, (30, 150), (3, 5), (0.12, 0.3), 5, 0.3, (120, 235), (70, 190), 0.3,
          (200, 205, 213), (24, 22, 20), 5),  # small ferns, white all over
    _Look((400, 600), 1500, (12, 85), (2.5, 4), (0.15, 0.4), 5, 0.2, (110, 240), (50, 190), 0.4,
          (138, 153, 165), (28, 27, 26), 8),  # a crust of little crystals
    _Look((500, 700), 900, (45, 130), (3, 4.5), (0.18, 0.36), 5, 0.15, (90, 230), (25, 70), 0.55,
          (112, 123, 135), (40, 39, 38), 8),  # feathers in the mist
    _Look((500, 750), 260, (80, 310), (4.5, 7), (0.2, 0.34), 4, 0.5, (120, 215), (14, 60), 0.25,
          (74, 95, 100), (43, 44, 42), 24),  # large ferns at night
)  # fmt: skip


def draw_ice() -> tuple[_Bytes, ...]:
    """Draw six pictures of ice, or read those that were drawn before from the cache folder.

    Returns:
        Six ``(h, w, 3)`` uint8, RGB, read-only, of 400 to 900 pixels a side.
    """
    path = cache_directory() / "textures" / f"drawn-{ICE_VERSION}.npz"
    pictures = _read(path)
    if pictures is None:
        pictures = tuple(draw_picture(number) for number in range(len(_LOOKS)))
        stream = io.BytesIO()
        np.savez(stream, *pictures)
        with suppress(RuggedError):  # A cache that cannot be written costs a second or two each time, nothing else.
            write_bytes(path, stream.getvalue())
    for picture in pictures:
        picture.flags.writeable = False
    return pictures


def _read(path: Path) -> tuple[_Bytes, ...] | None:
    try:
        with np.load(io.BytesIO(path.read_bytes())) as archive:  # np.load leaves a damaged file open
            return tuple(archive[f"arr_{number}"] for number in range(len(_LOOKS)))
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile):
        return None


def draw_picture(number: int) -> _Bytes:
    """Draw one of the six pictures of ice: ``(h, w, 3)`` uint8, RGB."""
    look = _LOOKS[number]
    random = np.random.RandomState([ICE_VERSION, number])  # its streams are the same in every release of NumPy
    crystals = np.asarray(Image.fromarray(_crystals(random, look)).reduce(_FINE)).astype(np.float64)
    mist = _mist(random, look.size, (3, 6, 12, 24))
    tone = crystals + 0.5 * _relief(crystals)
    veil = look.mist * (0.5 + 0.6 * mist).clip(0, 1)
    tone += veil * (150 - tone) + 14 * mist + _grain(random, look.size)
    bluish = look.tint * _mist(random, look.size, (2, 5)).clip(0)[..., None] * np.array((-1, 0.1, 0.7))
    levels: _Floats = np.array(look.mean) + np.array(look.spread) * _standardised(tone)[..., None] + bluish
    return np.rint(levels).clip(0, 255).astype(np.uint8)


def _crystals(random: np.random.RandomState, look: _Look) -> _Bytes:
    """Draw all ferns of a picture, several from each nucleus: uint8, finer than the picture."""
    canvas = np.full([_FINE * side for side in look.size], look.body[0], dtype=np.uint8)
    drawn = 0
    while drawn < look.ferns:
        front = drawn / look.ferns
        root, heading = _nucleus(random, look, front)
        length = random.uniform(*look.length) * (1 - 0.6 * front)
        fan = _SIXTY if random.random_sample() < 0.3 else random.uniform(0.1, 0.3)
        for _ in range(random.randint(1, look.arms + 1)):
            start = root + _around(random, 0.04 * length, 2)
            direction = _turned(heading, _around(random, 0.05))
            _draw_fern(canvas, random, look, start * _FINE, direction, length * _FINE * random.uniform(0.55, 1.1))
            heading = _turned(heading, fan)
            drawn += 1
    return canvas


def _nucleus(random: np.random.RandomState, look: _Look, front: float) -> tuple[_Floats, _Floats]:
    """Choose where ferns begin and which way the first one grows, inwards from the border."""
    height, width = look.size
    root = random.random_sample(2) * (width, height)
    if random.random_sample() < look.border * (1 - front):
        side = random.randint(4)
        root[side % 2] = (width, height)[side % 2] * (side // 2)
        inwards = np.zeros(2)
        inwards[side % 2] = 1 - 2 * (side // 2)
        return root, _turned(inwards, _around(random, 0.3))
    across, down = _around(random, 1, 2)
    return root, np.array((across, down)) / math.sqrt(across * across + down * down)


def _draw_fern(
    canvas: _Bytes,
    random: np.random.RandomState,
    look: _Look,
    root: _Floats,
    heading: _Floats,
    length: float,
) -> None:
    """Draw one fern: to each side of its stem a body, branches and their twigs, then the stem."""
    spacing = _FINE * random.uniform(*look.spacing)
    count = max(5, int(length / spacing))
    along = (np.arange(count) + 0.5) / count
    bend = _around(random, 0.12) * along
    steps = _turned(np.broadcast_to(heading, (count, 2)), bend + _around(random, 0.02, count))
    knots = np.concatenate((root[None], root + np.cumsum(steps * (length / count), 0)))
    outline = np.minimum(3 * along + 0.25, 1) * np.sqrt(1 - along) * (1 - 0.3 * along)
    outline *= length * random.uniform(*look.width)
    tone, body, contrast = random.uniform(*look.tone), random.uniform(*look.body), random.uniform(30, 90)
    for side in (-1, 1):
        lit = side * (0.3 * heading[1] - 0.5 * heading[0])  # the more it faces the light, from -0.6 to 0.6
        directions = _turned(steps, side * _SIXTY + _around(random, 0.04, count))
        inner = knots[:-1] + directions * (0.8 * outline)[:, None]
        _fill(canvas, np.concatenate((knots, inner[::-1])), body * (1 + 0.4 * lit))
        _draw_branches(canvas, random, knots[:-1], directions, outline, spacing, side, tone + contrast * (lit - 0.4))
    _draw_lines(canvas, knots[:-1], knots[1:], tone + 35, thickness=2 if length > 80 * _FINE else 1)


def _draw_branches(
    canvas: _Bytes,
    random: np.random.RandomState,
    starts: _Floats,
    directions: _Floats,
    outline: _Floats,
    spacing: float,
    side: int,
    tone: float,
) -> None:
    """Draw the branches on one side of a fern, of uneven lengths, and the twigs that fill the room between them."""
    count = len(starts)
    lengths = outline * (1 - 0.55 * random.random_sample(count) ** 2)
    lengths[random.random_sample(count) < 0.06] *= 1.5
    twigs = max(1, int(lengths.max() / (0.55 * spacing)))
    along = (np.arange(twigs) + 0.6) / twigs
    places = starts[:, None] + directions[:, None] * (lengths[:, None] * along)[..., None]
    reach = np.minimum(0.9 * spacing, 0.8 * lengths[:, None] * (1 - along) + 1)
    reach *= 0.35 + 0.65 * random.random_sample((count, twigs))
    for way, dim in ((-side, 0.92), (side, 0.72)):
        twig_directions = _turned(directions, way * _SIXTY)[:, None]
        _draw_lines(canvas, places, places + twig_directions * reach[..., None], tone * dim)
    _draw_lines(canvas, starts, starts + directions * lengths[:, None], tone + 18)
    bright = random.random_sample(count) < 0.2
    _draw_lines(canvas, starts[bright], (starts + directions * (0.7 * lengths)[:, None])[bright], tone + 60)


def _draw_lines(canvas: _Bytes, starts: _Floats, ends: _Floats, tone: float, thickness: int = 1) -> None:
    points = _fixed_point(np.stack((starts, ends), -2)).reshape(-1, 2, 2)
    cv2.polylines(canvas, list(points), False, _level(tone), thickness, cv2.LINE_AA, _SUBPIXEL_BITS)


def _fill(canvas: _Bytes, outline: _Floats, tone: float) -> None:
    cv2.fillPoly(canvas, [_fixed_point(outline)], _level(tone), cv2.LINE_AA, _SUBPIXEL_BITS)


def _fixed_point(points: _Floats) -> NDArray[np.int32]:
    return np.rint(points * (1 << _SUBPIXEL_BITS)).astype(np.int32)


def _level(tone: float) -> int:
    return min(max(int(tone), 0), 255)


def _turned(directions: _Floats, tangents: _Floats | float) -> _Floats:
    """Turn ``(..., 2)`` unit vectors; an angle is given as the tangent of its half, which needs no sine."""
    square = np.multiply(tangents, tangents)
    cosine, sine = (1 - square) / (1 + square), np.multiply(tangents, 2) / (1 + square)
    across, down = directions[..., 0], directions[..., 1]
    return np.stack((across * cosine - down * sine, across * sine + down * cosine), -1)


def _around(random: np.random.RandomState, spread: float, count: int | None = None) -> _Floats:
    """Draw numbers between ``-spread`` and ``spread``: ``(count,)``, or one."""
    return np.asarray(random.uniform(-spread, spread, count))


def _relief(crystals: _Floats) -> _Floats:
    """Return how much each pixel faces the light above on the left, taking brightness for height."""
    framed = np.pad(crystals, 1, mode="edge")
    return framed[:-2, :-2] - framed[2:, 2:]


def _mist(random: np.random.RandomState, size: tuple[int, int], cells: tuple[int, ...]) -> _Floats:
    """Return smooth noise of about -1 to 1, the sum of some with so many cells a side, each half as strong."""
    mist = np.zeros(size)
    for octave, count in enumerate(cells):
        coarse = Image.fromarray(random.randint(0, 256, (count + 1, count + 1)).astype(np.uint8))
        smooth = np.asarray(coarse.resize(size[::-1], Image.Resampling.BICUBIC))
        mist += (smooth - 127.5) / (127.5 * (1 << octave))
    return mist


def _grain(random: np.random.RandomState, size: tuple[int, int]) -> _Floats:
    """Return noise of single pixels, with a standard deviation of 6 levels."""
    return (random.randint(0, 256, size) - 127.5) * (6 / 74)


def _standardised(tone: _Floats) -> _Floats:
    """Shift and scale to a mean of 0 and a standard deviation of 1, by sums of whole numbers."""
    whole = np.rint(tone * 16).astype(np.int64)
    mean = int(whole.sum()) / whole.size
    variance = int((whole * whole).sum()) / whole.size - mean * mean
    return (whole - mean) / math.sqrt(variance)
