"""Signed distances to plane shapes: negative inside, zero on the edge, positive outside.

Arrays meet only + − × ÷, square roots, minimum and maximum here, which IEEE 754 rounds the same everywhere.
Sines and cosines are taken of single numbers and rounded, because mathematical libraries differ in their last bit.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.floating[Any]]  # always float32; the type checker takes a product with a float for float64
Point = tuple[float, float]
Window = tuple[slice, slice]

SIDE = 64
EVERYWHERE: Window = (slice(0, SIDE), slice(0, SIDE))
_AXIS: Field = (np.arange(SIDE, dtype=np.float32) + np.float32(0.5)) / np.float32(SIDE / 2) - np.float32(1)
COLUMN: Field = _AXIS[None, :]  # the picture's own coordinates: x to the right …
ROW: Field = -_AXIS[:, None]  # … and y upwards, both from -1 to 1


def direction(angle: float) -> Point:
    """Return (cos, sin) of an angle in radians, rounded to be the same on every platform."""
    return round(math.cos(angle), 12), round(math.sin(angle), 12)


@dataclass(frozen=True)
class Frame:
    """Where an object's own coordinates lie in the picture.

    Attributes:
        x: ``(height, width)`` first coordinate of each pixel's centre, within the window.
        y: ``(height, width)`` second coordinate, upwards.
        pixel: Size of a pixel in the object's units.
        window: The rows and columns of the picture that the object can touch.
    """

    x: Field
    y: Field
    pixel: float
    window: Window


def window_around(centre: Point, reach: float) -> Window:
    """Return the rows and columns within ``reach`` of a point, both in the picture's coordinates."""
    half = SIDE / 2

    def span(middle: float) -> slice:
        return slice(
            min(max(math.floor((middle - reach + 1) * half), 0), SIDE - 2),
            max(min(math.ceil((middle + reach + 1) * half), SIDE), 2),
        )

    return span(-centre[1]), span(centre[0])


def place(
    centre: Point,
    scale: float,
    angle: float = 0.0,
    *,
    stretch: float = 1.0,
    mirror: float = 1.0,
    window: Window = EVERYWHERE,
) -> Frame:
    """Lay an object's coordinates over the picture.

    Args:
        centre: The object's origin in the picture's coordinates, in [-1, 1].
        scale: The object's unit in the picture's: at 1, an object that spans [-1, 1] fills the picture.
        angle: Turn in radians, anticlockwise.
        stretch: Widens the object (and lowers it as much) before it is turned.
        mirror: -1 to flip left and right.
        window: Where to work the coordinates out.
    """
    cos, sin = direction(angle)
    dx, dy = COLUMN[:, window[1]] - centre[0], ROW[window[0]] - centre[1]
    wide, high = mirror / (scale * stretch), stretch / scale
    x = dx * (cos * wide) + dy * (sin * wide)
    y = dy * (cos * high) - dx * (sin * high)
    return Frame(x, y, 2 / SIDE / scale, window)


def length(x: Field, y: Field) -> Field:
    """Return the distance of each point to the origin."""
    root: Field = np.sqrt(x * x + y * y)
    return root


def circle(x: Field, y: Field, centre: Point, radius: float) -> Field:
    """Distance to a disc."""
    return length(x - centre[0], y - centre[1]) - radius


def ring(x: Field, y: Field, centre: Point, radius: float, width: float) -> Field:
    """Distance to a band of a half-width around a circle."""
    return np.abs(circle(x, y, centre, radius)) - width


def ellipse(x: Field, y: Field, centre: Point, radii: Point, angle: float = 0.0) -> Field:
    """Distance to a filled ellipse: exact on the edge, to first order near it."""
    cos, sin = direction(angle)
    dx, dy = x - centre[0], y - centre[1]
    u = (dx * cos + dy * sin) / radii[0]
    v = (dy * cos - dx * sin) / radii[1]
    near = length(u, v)
    slope = length(u / radii[0], v / radii[1])
    return near * (near - 1) / (slope + 1e-6)


def box(x: Field, y: Field, centre: Point, half: Point, corner: float = 0.0) -> Field:
    """Distance to an upright rectangle with rounded corners."""
    dx = np.abs(x - centre[0]) - (half[0] - corner)
    dy = np.abs(y - centre[1]) - (half[1] - corner)
    outside = length(np.maximum(dx, 0), np.maximum(dy, 0))
    inside: Field = np.minimum(np.maximum(dx, dy), 0)
    return outside + inside - corner


def stick(x: Field, y: Field, start: Point, end: Point, radius: float, end_radius: float | None = None) -> Field:
    """Distance to a line with round ends, whose radius may change from start to end."""
    ex, ey = end[0] - start[0], end[1] - start[1]
    dx, dy = x - start[0], y - start[1]
    squared = ex * ex + ey * ey
    along = np.clip(dx * (ex / squared) + dy * (ey / squared), 0, 1)
    distance = length(dx - along * ex, dy - along * ey) - radius
    return distance if end_radius is None else distance - along * (end_radius - radius)


def convex(x: Field, y: Field, corners: list[Point], rounding: float = 0.0, ease: float = 0.0) -> Field:
    """Distance to a convex polygon: exact inside and along the sides, too small beyond the corners.

    Args:
        x: First coordinates.
        y: Second coordinates.
        corners: In either order of turn.
        rounding: Grows the polygon on every side.
        ease: How far from a corner it begins to be cut round; 0 leaves it sharp.
    """
    following = corners[1:] + corners[:1]
    (ax, ay), (bx, by), (cx, cy) = corners[:3]
    turn = 1.0 if (bx - ax) * (cy - by) > (by - ay) * (cx - bx) else -1.0
    sides = []
    for (ax, ay), (bx, by) in zip(corners, following, strict=True):
        size = turn / math.sqrt((bx - ax) * (bx - ax) + (by - ay) * (by - ay))
        nx, ny = (by - ay) * size, (ax - bx) * size
        sides.append(x * nx + y * ny - (ax * nx + ay * ny + rounding))
    distance = sides[0]
    for side in sides[1:]:
        crease = np.abs(distance - side)
        distance = np.maximum(distance, side)
        if ease:
            # A parabola of width 2·ease bridges the crease of the maximum.
            near = np.maximum(ease - crease, 0)
            distance = distance + near * near * (0.25 / ease)
    return distance


def union(first: Field, *others: Field) -> Field:
    """Distance to all that lies in any of the shapes."""
    for other in others:
        first = np.minimum(first, other)
    return first


def overlap(first: Field, *others: Field) -> Field:
    """Distance to what lies in all of the shapes."""
    for other in others:
        first = np.maximum(first, other)
    return first
