"""A picture: background, clutter, an object in its light, now and then something before it, and the camera."""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rugged.data.builtin import textures
from rugged.data.builtin.objects import DRAWINGS, Part
from rugged.data.builtin.shapes import (
    COLUMN,
    ROW,
    SIDE,
    Field,
    Frame,
    Point,
    box,
    circle,
    convex,
    direction,
    ellipse,
    place,
    ring,
    stick,
    union,
    window_around,
)
from rugged.data.builtin.stream import Stream
from rugged.data.builtin.textures import Colour, Paint

# How far things that do not stand on the ground turn, in radians.
SWING = {"butterfly": 1.2, "fish": 0.5}


class Light(NamedTuple):
    """Where the light comes from and how hard it is.

    Attributes:
        towards: Unit vector in the picture towards the light.
        relief: How much a surface that faces the light gains, as a share of its brightness.
        gloss: Strength of the highlight.
        shadow: Darkness of cast shadows, from 0 to 1.
        throw: How far shadows fall, in pixels.
    """

    towards: Point
    relief: float
    gloss: float
    shadow: float
    throw: float


def compose(class_id: str, stream: Stream) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Draw one picture.

    Returns:
        ``(64, 64, 3)`` picture and ``(64, 64)`` mask of the object's visible pixels.
    """
    canvas, backdrop = textures.background(stream)
    light = _light(stream)
    for _ in range(stream.integer(3, 7)):
        _distract(canvas, stream, light, _anywhere(stream), stream.uniform(0.1, 0.36))
    centre, scale, frame = _stage(class_id, stream)
    parts = DRAWINGS[class_id](frame, stream)
    visible = _paint(canvas, parts, frame, _materials(frame, stream, backdrop), light, stream.uniform(0.8, 1.3))
    if stream.chance(0.35):
        cos, sin = direction(stream.uniform(0.0, 2 * math.pi))
        reach = scale * stream.uniform(0.75, 1.1)
        at = (centre[0] + reach * cos, centre[1] + reach * sin)
        visible = visible * (1 - _distract(canvas, stream, light, at, scale * stream.uniform(0.2, 0.4)))
    return _expose(canvas, stream), visible > 0.5


def _light(stream: Stream) -> Light:
    towards = direction(stream.uniform(0.15, 0.85) * math.pi)
    return Light(
        towards,
        relief=stream.uniform(0.25, 0.65),
        gloss=max(0.0, stream.uniform(-0.3, 0.5)),
        shadow=stream.uniform(0.15, 0.6),
        throw=stream.uniform(1.5, 6.0),
    )


def _anywhere(stream: Stream) -> Point:
    return stream.uniform(-1.0, 1.0), stream.uniform(-1.0, 1.0)


def _stage(class_id: str, stream: Stream) -> tuple[Point, float, Frame]:
    """Choose place, size, turn and view of the object."""
    scale = stream.uniform(0.48, 0.8)
    room = 1.08 - scale  # Anywhere within the picture: the middle alone must not tell where the object is.
    centre = (stream.uniform(-room, room), stream.uniform(-room, room))
    swing = SWING.get(class_id, 0.35)
    # The sum of two uniform numbers: mostly upright, sometimes well turned.
    angle = stream.uniform(-swing, swing) * 0.5 + stream.uniform(-swing, swing) * 0.5
    frame = place(centre, scale, angle, stretch=stream.uniform(0.9, 1.12), mirror=stream.sign())
    return centre, scale, frame


def _materials(frame: Frame, stream: Stream, backdrop: Colour) -> dict[str, Paint]:
    """Draw the object's colours and markings, such that it stands out from what lies behind it."""
    tries = [textures.any_colour(stream) for _ in range(4)]
    main = next((c for c in tries if textures.contrast(c, backdrop) > 0.45), tries[0])
    if textures.contrast(main, backdrop) < 0.3:
        main = max(tries, key=lambda c: textures.contrast(c, backdrop))
    second = textures.near_colour(main, stream, 0.3) if stream.chance(0.4) else textures.any_colour(stream)
    marking = textures.near_colour(main, stream, 0.35) if stream.chance(0.7) else textures.any_colour(stream)
    grain = (textures.noise(stream, 24) - 0.5) * stream.uniform(0.0, 0.25)
    return {
        "main": textures.mix(main, marking, textures.pattern(frame, stream)) * (1 + grain),
        "second": textures.mix(second, textures.near_colour(second, stream, 0.2), textures.noise(stream, 10)),
        "accent": textures.flat(textures.any_colour(stream)),
        "dark": _shade(stream, (0.0, 1.0), (0.0, 0.5), (0.06, 0.24)),
        "light": _shade(stream, (0.0, 1.0), (0.0, 0.2), (0.78, 0.98)),
        "glass": _shade(stream, (0.5, 0.65), (0.0, 0.4), (0.15, 0.75)),
    }


def _shade(stream: Stream, hue: Point, saturation: Point, value: Point) -> Paint:
    """One colour, drawn from ranges of hue, saturation and value."""
    return textures.flat(textures.colour(stream.uniform(*hue), stream.uniform(*saturation), stream.uniform(*value)))


def _paint(
    canvas: Paint, parts: list[Part], frame: Frame, materials: dict[str, Paint], light: Light, softness: float
) -> Field:
    """Lay the parts on the canvas, in place, with the shadow they cast.

    Returns:
        ``(height, width)`` share of each pixel that the object covers.
    """
    distances = [part.distance * (1 / frame.pixel) for part in parts]
    whole = union(*distances)
    canvas *= 1 - _shadow(whole, light)
    inside = _cover(whole, 1.0) * 0.75 + 0.25
    for part, distance in zip(parts, distances, strict=True):
        surface = materials[part.material]
        if part.bevel > 0:
            # What lies just outside a raised part is a little darker: it gets less of the sky's light.
            canvas *= 1 - np.clip(0.3 - 0.12 * distance, 0, 0.3) * inside
            facing = _facing(distance, part.bevel / frame.pixel, light.towards)
            surface = surface * (1 + light.relief * facing)
            if light.gloss > 0:
                surface += np.maximum(facing - 0.55, 0) * light.gloss
        canvas += _cover(distance, softness) * (surface - canvas)
    return _cover(whole, softness)


def _cover(distance: Field, softness: float) -> Field:
    """Share of each pixel that a shape covers, its edge ``softness`` pixels wide."""
    return textures.clip(0.5 - distance * (1 / softness))


def _facing(distance: Field, bevel: float, towards: Point) -> Field:
    """How much the surface of a part faces the light, in about [-1, 1].

    The surface is a cushion: at the edge it looks sideways, along the outward slope of the distance, and over the
    width of the bevel, in pixels, it becomes level.
    """
    facing = np.zeros_like(distance)
    facing[:, 1:-1] = (distance[:, 2:] - distance[:, :-2]) * (0.5 * towards[0])
    facing[1:-1, :] += (distance[:-2, :] - distance[2:, :]) * (0.5 * towards[1])
    facing *= textures.clip(1 + distance * (1 / bevel))
    return facing


def _shadow(whole: Field, light: Light) -> Field:
    """The shadow on what lies behind: the outline, moved away from the light and blurred."""
    right, down = round(-light.throw * light.towards[0]), round(light.throw * light.towards[1])
    rows, columns = (np.clip(np.arange(n) - by, 0, n - 1) for n, by in zip(whole.shape, (down, right), strict=True))
    moved = whole[rows[:, None], columns]
    return textures.smooth(0.5 - moved * (1 / (2.0 + light.throw))) * light.shadow


def _disc(frame: Frame, stream: Stream) -> Field:
    return ellipse(frame.x, frame.y, (0.0, 0.0), (0.95, stream.uniform(0.5, 0.95)))


def _hoop(frame: Frame, stream: Stream) -> Field:
    return ring(frame.x, frame.y, (0.0, 0.0), 0.72, stream.uniform(0.1, 0.25))


def _brick(frame: Frame, stream: Stream) -> Field:
    return box(frame.x, frame.y, (0.0, 0.0), (0.9, stream.uniform(0.3, 0.9)), stream.uniform(0.0, 0.3))


def _wedge(frame: Frame, stream: Stream) -> Field:
    return convex(frame.x, frame.y, [(-0.9, -0.7), (0.9, stream.uniform(-0.8, -0.3)), (stream.uniform(-0.6, 0.6), 0.9)])


def _branch(frame: Frame, stream: Stream) -> Field:
    return stick(frame.x, frame.y, (-1.1, 0.0), (1.1, stream.uniform(-0.3, 0.3)), stream.uniform(0.08, 0.2), 0.06)


def _cross(frame: Frame, stream: Stream) -> Field:
    arm = stream.uniform(0.18, 0.3)
    return union(box(frame.x, frame.y, (0.0, 0.0), (0.9, arm)), box(frame.x, frame.y, (0.0, 0.0), (arm, 0.9)))


def _pebbles(frame: Frame, stream: Stream) -> Field:
    centres = [(stream.uniform(-0.6, 0.6), stream.uniform(-0.6, 0.6)) for _ in range(4)]
    return union(*(circle(frame.x, frame.y, centre, stream.uniform(0.25, 0.5)) for centre in centres))


def _crescent(frame: Frame, stream: Stream) -> Field:
    bite = circle(frame.x, frame.y, (stream.uniform(0.35, 0.6), 0.0), 0.75)
    return np.maximum(circle(frame.x, frame.y, (0.0, 0.0), 0.9), -bite)


DISTRACTORS: tuple[Callable[[Frame, Stream], Field], ...] = (
    _disc, _hoop, _brick, _wedge, _branch, _cross, _pebbles, _crescent,
)  # fmt: skip


def _distract(canvas: Paint, stream: Stream, light: Light, centre: Point, scale: float) -> Field:
    """Paint a thing of no class, in place, and return the share of each pixel it covers."""
    # 1.4 units hold the largest distractor, 0.3 of the picture its shadow.
    window = window_around(centre, 1.4 * scale + 0.3)
    frame = place(centre, scale, stream.uniform(0.0, 2 * math.pi), stretch=stream.uniform(0.8, 1.2), window=window)
    part = Part(stream.choice(DISTRACTORS)(frame, stream), "main", 0.3)
    first = textures.any_colour(stream) if stream.chance(0.6) else textures.natural_colour(stream)
    paint = textures.flat(first)
    if stream.chance(0.4):
        paint = textures.mix(first, textures.near_colour(first, stream, 0.4), textures.pattern(frame, stream))
    covered = np.zeros((SIDE, SIDE), dtype=np.float32)
    covered[window] = _paint(canvas[:, *window], [part], frame, {"main": paint}, light, stream.uniform(0.8, 2.5))
    return covered


def _expose(canvas: Paint, stream: Stream) -> NDArray[np.uint8]:
    """Light the scene unevenly, as the camera meets it, add the sensor's grain and round to bytes."""
    cos, sin = direction(stream.uniform(0.0, 2 * math.pi))
    fall = 1 + (COLUMN * cos + ROW * sin) * stream.uniform(0.0, 0.25)
    gain = stream.uniform(0.7, 1.2)
    tints = np.array([gain * stream.uniform(0.88, 1.12) for _ in range(3)], dtype=np.float32)[:, None, None]
    strength = stream.uniform(0.01, 0.06)
    grain = (stream.field(SIDE, SIDE) + stream.field(SIDE, SIDE) - 1) * strength
    exposed = canvas * fall * tints + grain
    pixels = np.clip(exposed * 255 + 0.5, 0, 255).astype(np.uint8)
    return np.ascontiguousarray(pixels.transpose(1, 2, 0))
