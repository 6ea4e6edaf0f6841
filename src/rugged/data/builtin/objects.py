"""The ten classes. Each function draws one object of its kind as parts, from the back to the front.

Objects span about [-1, 1] in their own coordinates, with x to the right and y upwards. A part names its material
("main", "second", "accent", "dark", "light", "glass"); the scene decides what colour and texture that is, so that
no class has a colour of its own.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from rugged.data.builtin.shapes import (
    Field,
    Frame,
    Point,
    box,
    circle,
    convex,
    direction,
    ellipse,
    length,
    overlap,
    ring,
    stick,
    union,
)
from rugged.data.builtin.stream import Stream
from rugged.data.builtin.textures import noise


class Part(NamedTuple):
    """One piece of an object.

    Attributes:
        distance: ``(64, 64)`` signed distance in the object's units.
        material: Which of the object's materials it is made of.
        bevel: How far from its edge the surface still rises, in the object's units; 0 is flat.
    """

    distance: Field
    material: str
    bevel: float = 0.15


def bird(frame: Frame, stream: Stream) -> list[Part]:
    """A perched bird, seen from the side; one in three lifts its wing."""
    x, y = frame.x, frame.y
    lean, plump = stream.uniform(0.3, 0.75), stream.uniform(0.28, 0.37)
    cos, sin = direction(lean)
    head = (0.5 * cos + 0.03, 0.5 * sin + stream.uniform(0.02, 0.12))
    size, beak = stream.uniform(0.19, 0.24), stream.uniform(0.2, 0.4)
    beak_angle = stream.uniform(-0.35, 0.1)
    tip = direction(beak_angle)
    tail = (-stream.uniform(0.85, 1.05) * cos, -0.95 * sin + stream.uniform(-0.05, 0.25))
    parts = [Part(stick(x, y, (lx, -plump * 0.7), (lx + 0.03, -0.74), 0.028), "accent", 0.03) for lx in (-0.08, 0.1)]
    parts += [Part(stick(x, y, (lx - 0.06, -0.74), (lx + 0.14, -0.76), 0.026), "accent", 0.03) for lx in (-0.08, 0.1)]
    parts.append(Part(stick(x, y, (-0.3 * cos, -0.3 * sin), tail, 0.09, stream.uniform(0.07, 0.16)), "second", 0.08))
    corners = [
        (head[0] + 0.6 * size * tip[0] - a * 0.45 * size * tip[1], head[1] + 0.6 * size * tip[1] + a * 0.45 * size)
        for a in (1.0, -1.0)
    ]
    corners.append((head[0] + (size + beak) * tip[0], head[1] + (size + beak) * tip[1]))
    parts.append(Part(convex(x, y, corners), "accent", 0.06))
    body = ellipse(x, y, (0.0, 0.0), (0.55, plump), lean)
    parts.append(Part(union(body, circle(x, y, head, size)), "main", 0.25))
    if stream.chance(0.33):
        wing = [(0.16, 0.12), (-0.3, -0.02), (-stream.uniform(0.55, 0.85), stream.uniform(0.7, 0.95)), (-0.15, 0.6)]
        parts.append(Part(convex(x, y, wing, 0.06, 0.3), "second", 0.1))
    else:
        parts.append(Part(ellipse(x, y, (-0.12, -0.03), (0.42, plump * 0.55), lean + 0.1), "second", 0.14))
    eye = (head[0] + 0.3 * size, head[1] + 0.22 * size)
    parts.append(Part(circle(x, y, eye, 0.075), "light", 0.0))
    parts.append(Part(circle(x, y, eye, 0.045), "dark", 0.0))
    return parts


def butterfly(frame: Frame, stream: Stream) -> list[Part]:
    """A butterfly from above, its wings more or less open."""
    x, y = np.abs(frame.x) / stream.uniform(0.68, 1.0), frame.y
    tip, out, reach = stream.uniform(0.6, 0.88), stream.uniform(0.78, 0.95), stream.uniform(0.55, 0.8)
    fore = [(0.05, 0.02), (0.3, tip - 0.15), (out - 0.15, tip), (out, tip - 0.25), (0.75, 0.06)]
    hind = [(0.05, 0.1), (reach - 0.1, 0.0), (reach, -0.2), (reach - 0.15, -0.6), (0.28, -0.72), (0.08, -0.4)]
    upper, lower = convex(x, y, fore, 0.06, 0.3), convex(x, y, hind, 0.07, 0.3)
    rim = stream.uniform(0.05, 0.1)
    parts = [
        Part(stick(x, y, (0.03, 0.3), (stream.uniform(0.12, 0.3), 0.85), 0.025), "dark", 0.0),
        Part(lower, stream.choice(("dark", "second")), 0.1),
        Part(lower + rim, stream.choice(("main", "second")), 0.2),
        Part(upper, "dark", 0.1),
        Part(upper + rim, "main", 0.25),
    ]
    spot = (stream.uniform(0.48, 0.66), stream.uniform(0.3, 0.44))
    parts.append(Part(circle(x, y, spot, stream.uniform(0.07, 0.14)), "accent", 0.0))
    if stream.chance(0.6):
        parts.append(Part(circle(x, y, (0.36, -0.38), stream.uniform(0.06, 0.12)), "light", 0.0))
    parts.append(Part(stick(x, y, (0.0, -0.5), (0.0, 0.3), 0.05, 0.08), "dark", 0.07))
    return parts


def car(frame: Frame, stream: Stream) -> list[Part]:
    """A car from the side: saloon, van or small car by the shape of its cabin."""
    x, y = frame.x, frame.y
    back, front = stream.uniform(-0.85, -0.45), stream.uniform(0.35, 0.6)
    roof, belt = stream.uniform(0.36, 0.56), stream.uniform(0.02, 0.1)
    rake, slope = stream.uniform(0.05, 0.28), stream.uniform(0.18, 0.4)
    wheel, rear, fore = stream.uniform(0.17, 0.23), stream.uniform(-0.6, -0.48), stream.uniform(0.48, 0.62)
    cabin = [(back, belt), (back + rake, roof), (front - slope, roof), (front, belt)]
    hull = union(box(x, y, (0.0, -0.14), (0.92, 0.22), 0.13), box(x, y, (-0.05, -0.24), (0.94, 0.12), 0.06))
    parts = [Part(convex(x, y, cabin, 0.05), "main", 0.12), Part(hull, "main", 0.2)]
    middle = stream.uniform(0.4, 0.6) * (back + rake) + 0.5 * (front - slope)
    top = roof - 0.06
    pane = [(back + 0.1, belt), (back + rake + 0.05, top), (front - slope - 0.04, top), (front - 0.1, belt)]
    parts.append(Part(np.maximum(convex(x, y, pane), 0.03 - np.abs(x - middle)), "glass", 0.05))
    if stream.chance(0.5):
        parts.append(Part(box(x, y, (0.0, -0.13), (0.86, 0.035)), "second", 0.0))
    parts.append(Part(np.abs(box(x, y, (middle + 0.02, -0.1), (0.26, 0.17), 0.04)) - 0.008, "dark", 0.0))
    parts.append(Part(ellipse(x, y, (0.84, -0.07), (0.07, 0.055)), "light", 0.0))
    parts.append(Part(box(x, y, (-0.88, -0.07), (0.035, 0.06)), "accent", 0.0))
    for at in (rear, fore):
        parts.append(Part(circle(x, y, (at, -0.36), wheel), "dark", 0.08))
        parts.append(Part(circle(x, y, (at, -0.36), wheel * 0.5), "light", 0.06))
    return parts


def cup(frame: Frame, stream: Stream) -> list[Part]:
    """A cup with a handle, seen a little from above, some on a saucer."""
    x, y = frame.x, frame.y
    top, bottom = stream.uniform(0.46, 0.58), stream.uniform(0.28, 0.46)
    high, view = stream.uniform(0.42, 0.62), stream.uniform(0.22, 0.36)
    parts = []
    if stream.chance(0.45):
        parts.append(Part(ellipse(x, y, (0.0, -high), (0.92, 0.92 * view)), "second", 0.12))
        parts.append(Part(ellipse(x, y, (0.0, -high + 0.03), (0.6, 0.6 * view)), "second", 0.1))
    grip, thick = stream.uniform(0.2, 0.3), stream.uniform(0.055, 0.085)
    handle = ellipse(x, y, (0.5 * (top + bottom) + 0.06, 0.02), (grip + 0.06, grip))
    parts.append(Part(np.abs(handle + thick) - thick, "main", 0.07))
    sides = convex(x, y, [(-top, high), (top, high), (bottom, -high), (-bottom, -high)])
    rim = ellipse(x, y, (0.0, high), (top, top * view))
    body = union(sides, ellipse(x, y, (0.0, -high), (bottom, bottom * view)), rim)
    parts.append(Part(body, "main", 0.45))
    if stream.chance(0.5):
        at, half = stream.uniform(-0.3, 0.15), stream.uniform(0.05, 0.14)
        # A band round the cup sags as the rim does: a parabola stands in for the ellipse.
        band = np.abs(y - at - x * x * (view * 0.7)) - half
        parts.append(Part(overlap(band, body + 0.01), "accent", 0.0))
    parts.append(Part(rim, "light", 0.05))
    inside = ellipse(x, y, (0.0, high - 0.02), (top - 0.07, top * view - 0.05))
    parts.append(Part(inside, stream.choice(("dark", "second")), 0.0))
    return parts


def fish(frame: Frame, stream: Stream) -> list[Part]:
    """A fish from the side, slender or deep, with a forked or a rounded tail."""
    x, y = frame.x, frame.y
    deep, long = stream.uniform(0.27, 0.48), stream.uniform(0.62, 0.74)
    root, fork = 0.14 - long * 0.82, stream.uniform(0.7, 0.95)
    tail_high = stream.uniform(0.3, 0.52)
    tail = union(
        convex(x, y, [(root, -0.03), (root, 0.08), (-1.0, tail_high), (-fork, 0.0)]),
        convex(x, y, [(root, 0.03), (root, -0.08), (-1.0, -tail_high), (-fork, 0.0)]),
    )
    crest, fin = deep + stream.uniform(0.1, 0.28), stream.uniform(-0.3, 0.05)
    back = convex(x, y, [(-0.3, deep * 0.6), (0.4, deep * 0.6), (fin + 0.15, crest), (fin - 0.15, crest * 0.95)], 0.01)
    belly = convex(x, y, [(-0.25, -deep * 0.6), (0.15, -deep * 0.7), (-0.2, -deep - stream.uniform(0.1, 0.24))], 0.01)
    body = ellipse(x, y, (0.14, 0.0), (long, deep))
    cheek = 0.14 + long * 0.42
    gill = overlap(ring(x, y, (cheek + 0.35, 0.0), 0.36, 0.016), body + 0.08, x - cheek - 0.2)
    parts = [
        Part(tail, "second", 0.1),
        Part(union(back, belly), "second", 0.1),
        Part(body, "main", 0.3),
        Part(gill, "dark", 0.0),
        Part(ellipse(x, y, (cheek - 0.3, -deep * 0.25), (0.17, 0.09), stream.uniform(0.2, 0.7)), "accent", 0.06),
    ]
    if stream.chance(0.3):
        bar = np.abs(x - stream.uniform(-0.2, 0.1)) - stream.uniform(0.04, 0.09)
        parts.append(Part(overlap(bar, body), "light", 0.0))
    eye = (0.14 + long * 0.68, deep * 0.22)
    parts.append(Part(circle(x, y, eye, 0.095), "light", 0.0))
    parts.append(Part(circle(x, y, eye, 0.052), "dark", 0.0))
    return parts


def house(frame: Frame, stream: Stream) -> list[Part]:
    """A house with a pitched roof, a door and windows."""
    x, y = frame.x, frame.y
    wide, eaves = stream.uniform(0.5, 0.78), stream.uniform(-0.1, 0.15)
    ridge, over = eaves + stream.uniform(0.4, 0.75), stream.uniform(0.06, 0.16)
    flat = stream.uniform(0.0, 0.35) * wide
    parts = []
    if stream.chance(0.7):
        at = stream.sign() * stream.uniform(0.3, 0.6) * wide
        parts.append(Part(box(x, y, (at, ridge - 0.12), (0.09, 0.26)), stream.choice(("accent", "main")), 0.05))
    parts.append(Part(box(x, y, (0.0, 0.5 * (eaves - 0.8)), (wide, 0.5 * (eaves + 0.8))), "main", 0.06))
    roof = [(-wide - over, eaves), (wide + over, eaves), (flat, ridge), (-flat - 0.01, ridge)]
    parts.append(Part(convex(x, y, roof, 0.02), "second", 0.12))
    door_at = stream.choice((-0.55, 0.0, 0.55)) * wide
    door_high = stream.uniform(0.2, 0.27)
    door = box(x, y, (door_at, -0.8 + door_high), (0.13, door_high))
    parts.append(Part(door, stream.choice(("accent", "dark")), 0.04))
    for at in (-0.55, 0.0, 0.55):
        if at * wide != door_at and (at != 0.0 or wide > 0.6):
            parts += _window(x, y, (at * wide, eaves - stream.uniform(0.32, 0.36)), 0.13)
    if ridge - eaves > 0.5 and stream.chance(0.6):
        parts += _window(x, y, (0.0, eaves + 0.2), 0.1)
    return parts


def _window(x: Field, y: Field, centre: Point, half: float) -> list[Part]:
    pane = box(x, y, centre, (half - 0.03, half))
    cross = 0.018 - np.minimum(np.abs(x - centre[0]), np.abs(y - centre[1]))
    return [Part(box(x, y, centre, (half, half + 0.03)), "light", 0.0), Part(np.maximum(pane, cross), "glass", 0.0)]


def mushroom(frame: Frame, stream: Stream) -> list[Part]:
    """A mushroom: a domed or pointed cap on a stem."""
    x, y = frame.x, frame.y
    wide, high, brim = stream.uniform(0.55, 0.88), stream.uniform(0.5, 0.85), stream.uniform(-0.1, 0.15)
    stem, foot = stream.uniform(0.12, 0.22), stream.uniform(0.16, 0.3)
    lean = stream.uniform(-0.12, 0.12)
    dome = ellipse(x, y, (0.0, brim), (wide, high))
    # The brim bends down towards the rim, which sets the cap off from half a disc.
    cap = np.maximum(dome, brim - 0.02 - x * x * stream.uniform(0.0, 0.25) - y)
    parts = [Part(stick(x, y, (0.0, brim), (lean, -0.72), stem, foot), stream.choice(("second", "light")), 0.2)]
    if stream.chance(0.5):
        above, below = (stem + 0.02, brim - 0.22), (stem + 0.13, brim - 0.38)
        skirt = [(-above[0], above[1]), above, below, (-below[0], below[1])]
        parts.append(Part(convex(x, y, skirt), "light", 0.08))
    parts.append(Part(ellipse(x, y, (0.0, brim), (wide * 0.94, stream.uniform(0.08, 0.17))), "accent", 0.06))
    parts.append(Part(cap, "main", 0.4))
    if stream.chance(0.6):
        spots = [
            ellipse(x, y, (wide * u, brim + high * stream.uniform(*v)), (r, r * 0.85))
            for u, v, r in (
                (stream.uniform(-0.65, -0.4), (0.2, 0.45), stream.uniform(0.06, 0.12)),
                (stream.uniform(-0.2, 0.15), (0.45, 0.75), stream.uniform(0.08, 0.15)),
                (stream.uniform(0.35, 0.65), (0.2, 0.5), stream.uniform(0.06, 0.13)),
                (stream.uniform(-0.15, 0.2), (0.1, 0.25), stream.uniform(0.05, 0.09)),
            )
        ]
        parts.append(Part(overlap(union(*spots), cap + 0.01), "light", 0.05))
    return parts


def sailboat(frame: Frame, stream: Stream) -> list[Part]:
    """A sailing boat with a mainsail and mostly a jib."""
    x, y = frame.x, frame.y
    deck, keel = stream.uniform(-0.48, -0.36), stream.uniform(-0.82, -0.7)
    top, mast = stream.uniform(0.8, 0.98), stream.uniform(-0.18, 0.08)
    boom, foot = stream.uniform(0.45, 0.72), deck + stream.uniform(0.08, 0.16)
    bow = -stream.uniform(0.72, 0.95)
    hull = convex(x, y, [(bow, deck + 0.05), (0.8, deck), (stream.uniform(0.5, 0.7), keel), (bow * 0.55, keel)])
    sail = np.maximum(
        convex(x, y, [(mast + 0.04, foot), (mast + 0.04, top - 0.05), (mast + boom, foot)], 0.015),
        # The wind bellies the sail: its foot is cut as an arc.
        foot + 0.06 - 0.25 * (x - mast) * (mast + boom - x) - y,
    )
    parts = [Part(stick(x, y, (mast, deck), (mast, top), 0.03), "dark", 0.03), Part(sail, "main", 0.25)]
    if stream.chance(0.8):
        reach = stream.uniform(0.7, 1.0)
        jib = [(mast - 0.05, foot), (mast - 0.04, top * reach - 0.1), (bow * 0.92, foot - 0.02)]
        parts.append(Part(convex(x, y, jib, 0.015), stream.choice(("main", "light")), 0.2))
    if stream.chance(0.5):
        flag = [(mast, top), (mast, top - 0.14), (mast + 0.24 * stream.sign(), top - 0.07)]
        parts.append(Part(convex(x, y, flag), "accent", 0.0))
    parts.append(Part(hull, "second", 0.15))
    if stream.chance(0.6):
        at = deck - stream.uniform(0.05, 0.15)
        parts.append(Part(overlap(np.abs(y - at) - 0.035, hull + 0.01), stream.choice(("light", "accent")), 0.0))
    return parts


def tree(frame: Frame, stream: Stream) -> list[Part]:
    """A tree: broad-leaved, with a crown of round masses, or a fir of three tiers."""
    x, y = frame.x, frame.y
    root, neck = stream.uniform(0.1, 0.18), stream.uniform(0.06, 0.1)
    trunk = stick(x, y, (stream.uniform(-0.08, 0.08), -0.86), (0.0, 0.1), root, neck)
    if stream.chance(0.45):
        wide, parts = stream.uniform(0.48, 0.72), [Part(trunk, "second", 0.1)]
        for low, high, share in ((-0.52, 0.15, 1.0), (-0.12, 0.55, 0.78), (0.28, 0.98, 0.54)):
            tier = convex(x, y, [(-wide * share, low), (wide * share, low), (0.0, high)], 0.02)
            # A wave cuts the lower edge into branches.
            wave = np.abs((x * 4.0 + share) - np.floor(x * 4.0 + share) - 0.5) * 0.16
            parts.append(Part(np.maximum(tier, low + wave - 0.02 - y), "main", 0.2))
        return parts
    parts = [Part(trunk, "second", 0.1)]
    parts += [Part(stick(x, y, (0.0, -0.3), (side * 0.35, 0.1), 0.05, 0.035), "second", 0.05) for side in (-1.0, 1.0)]
    wide, high, turn = stream.uniform(0.3, 0.44), stream.uniform(0.28, 0.4), stream.uniform()
    # Leaves: the edge of each mass is ragged, and the masses in front hide those behind.
    ragged = (noise(stream, 20) - 0.5) * 0.16
    for step in (1, 4, 2, 6, 0, 5, 3):
        cos, sin = direction(2 * math.pi * (step + turn) / 7)
        at = (wide * cos * stream.uniform(0.9, 1.3), 0.3 + high * sin * stream.uniform(0.8, 1.2))
        parts.append(Part(circle(x, y, at, stream.uniform(0.2, 0.33)) + ragged, "main", 0.3))
    parts.append(Part(circle(x, y, (0.0, 0.36), stream.uniform(0.26, 0.36)) + ragged, "main", 0.3))
    return parts


def umbrella(frame: Frame, stream: Stream) -> list[Part]:
    """An open umbrella with a hooked handle."""
    x, y = frame.x, frame.y
    wide, high = stream.uniform(0.8, 0.95), stream.uniform(0.6, 0.85)
    rim = stream.uniform(-0.05, 0.15)
    grip, side = stream.uniform(0.1, 0.15), stream.sign()
    panels = stream.choice((3, 4, 5))
    half = wide / panels
    hook = np.maximum(ring(x, y, (side * grip, -0.74), grip, 0.04), y + 0.74)
    dome = ellipse(x, y, (0.0, rim), (wide, high))
    # Each panel's lower edge is an arc: a circle below its middle is cut out.
    across = (x + wide) * (0.5 / half)
    across = (across - np.floor(across) - 0.5) * (2 * half)
    canopy = overlap(dome, rim - y, half * math.sqrt(1.25) - length(across, y - rim + 0.5 * half))
    parts = [
        Part(stick(x, y, (0.0, rim + high + 0.1), (0.0, -0.74), 0.032), "dark", 0.03),
        Part(hook, stream.choice(("accent", "dark")), 0.04),
        Part(canopy, "main", 0.4),
    ]
    seams = [2 * k - panels for k in range(1, panels) if 2 * k > panels]
    ribs = [ellipse(x, y, (0.0, rim), (half * seam, high)) for seam in seams]
    if stream.chance(0.5):
        parts.append(Part(overlap(canopy, ribs[-1], *(-rib for rib in ribs[:-1])), "second", 0.2))
    parts += [Part(overlap(np.abs(rib) - 0.012, canopy), "dark", 0.0) for rib in ribs]
    return parts


DRAWINGS: dict[str, Callable[[Frame, Stream], list[Part]]] = {
    "bird": bird,
    "butterfly": butterfly,
    "car": car,
    "cup": cup,
    "fish": fish,
    "house": house,
    "mushroom": mushroom,
    "sailboat": sailboat,
    "tree": tree,
    "umbrella": umbrella,
}
