"""Pictures turned, tilted, scaled, sheared and shifted, with the arithmetic of the libraries that made ImageNet-P.

Affine maps follow Pillow's bilinear ``Image.transform`` to the bit and tilt follows OpenCV's ``warpPerspective``, both
as tensor operations: every picture of a batch is sampled at the same places, on any device. What comes from outside
the picture is black.
"""

import math
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from rugged.corruptions.host import send
from rugged.corruptions.levels import cut

_STEPS = 32  # OpenCV rounds places to 1/32 of a pixel


def translate(images: Tensor, side: int, pixels: int) -> Tensor:
    """Shift pictures to the right and crop their centre.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        side: Of the crop, in pixels.
        pixels: How far; to the left where negative.

    Returns:
        ``(N, 3, side, side)`` uint8.
    """
    top, left = centre(images.shape[2], images.shape[3], side)
    margin = abs(pixels)
    padded = F.pad(images, (margin, margin))
    start = left + margin - pixels
    return padded[:, :, top : top + side, start : start + side]


def affine(images: Tensor, side: int, *, degrees: float = 0, factor: float = 1, shear_degrees: float = 0) -> Tensor:
    """Turn, scale and shear pictures about their middle and crop their centre.

    The middle is half a pixel to the right of and below the true one, as in the torchvision of the time (0.2.1); its
    shear also shrinks a picture's height by the cosine of the angle.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        side: Of the crop, in pixels.
        degrees: To turn, clockwise.
        factor: To enlarge by.
        shear_degrees: How far vertical lines lean to the left at the bottom.

    Returns:
        ``(N, 3, side, side)`` uint8: bilinear samples, cut to whole levels.
    """
    height, width = images.shape[2:]
    matrix = _inverse_affine(height, width, math.radians(degrees), factor, math.radians(shear_degrees))
    x, y = (axis + 0.5 for axis in _grid(height, width, side))
    across = x * matrix[0] + y * matrix[1] + matrix[2]
    down = x * matrix[3] + y * matrix[4] + matrix[5]
    return _sample_as_pillow(images, across, down)


def tilt(images: Tensor, side: int, *, degrees: float) -> Tensor:
    """Tilt pictures about both axes, seen from as far away as their diagonal is long, and crop their centre.

    At 0 degrees a picture is one part in (diagonal + 1) smaller than itself: so the published geometry has it.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        side: Of the crop, in pixels.
        degrees: About the horizontal and about the vertical axis.

    Returns:
        ``(N, 3, side, side)`` uint8.
    """
    height, width = images.shape[2:]
    inverse = np.linalg.inv(_projection(height, width, math.radians(degrees)))
    x, y = _grid(height, width, side)
    across, down, depth = (x * row[0] + y * row[1] + row[2] for row in inverse.tolist())
    # Depth is never 0 here: 15 degrees leave every corner in front of the eye.
    nearer = _STEPS / depth
    return _sample_as_opencv(images, (across * nearer).round().long(), (down * nearer).round().long())


def centre(height: int, width: int, side: int) -> tuple[int, int]:
    """Return the first row and the first column of the central square, as torchvision's ``CenterCrop`` rounds them."""
    return round((height - side) / 2), round((width - side) / 2)


def _grid(height: int, width: int, side: int) -> tuple[Tensor, Tensor]:
    """Return column numbers ``(1, side)`` and row numbers ``(side, 1)`` of the central square, in float64."""
    top, left = centre(height, width, side)
    rows = torch.arange(top, top + side, dtype=torch.float64)
    columns = torch.arange(left, left + side, dtype=torch.float64)
    return columns[None], rows[:, None]


def _inverse_affine(height: int, width: int, angle: float, factor: float, shear: float) -> Sequence[float]:
    """Return the six numbers that lead from a place in the result to its source, with torchvision 0.2.1's rounding."""
    x, y = width * 0.5 + 0.5, height * 0.5 + 0.5
    leaning = angle + shear
    share = 1 / factor / (math.cos(leaning) * math.cos(angle) + math.sin(leaning) * math.sin(angle))
    a, b = share * math.cos(leaning), share * math.sin(leaning)
    c, d = share * -math.sin(angle), share * math.cos(angle)
    return a, b, a * -x + b * -y + x, c, d, c * -x + d * -y + y


def _projection(height: int, width: int, angle: float) -> np.ndarray:
    """Return the 3 × 3 matrix that takes a picture's pixels to those of its tilted image."""
    distance = math.hypot(width, height)
    cos, sin = math.cos(angle), math.sin(angle)
    # The picture lies in the plane z = 1 with its middle on the axis of view.
    lift = np.array([[1, 0, -width / 2], [0, 1, -height / 2], [0, 0, 1], [0, 0, 1]])
    about_y = np.array([[cos, 0, -sin, 0], [0, 1, 0, 0], [sin, 0, cos, 0], [0, 0, 0, 1]])
    about_x = np.array([[1, 0, 0, 0], [0, cos, -sin, 0], [0, sin, cos, 0], [0, 0, 0, 1]])
    away = np.eye(4)
    away[2, 3] = distance
    view = np.array([[distance, 0, width / 2, 0], [0, distance, height / 2, 0], [0, 0, 1, 0]])
    projection: np.ndarray = view @ away @ about_x @ about_y @ lift
    return projection


def _sample_as_pillow(images: Tensor, across: Tensor, down: Tensor) -> Tensor:
    """Interpolate between pixel centres at ``(side, side)`` places whose unit is the pixel; black where outside."""
    height, width = images.shape[2:]
    inside = (across >= 0) & (across < width) & (down >= 0) & (down < height)
    across, down = across - 0.5, down - 0.5
    left, top = across.floor().long(), down.floor().long()
    share_x, share_y = send(across - left, images.device), send(down - top, images.device)
    upper, lower = (
        _between(_pixels(images, row, left).double(), _pixels(images, row, left + 1).double(), share_x)
        for row in (top, top + 1)
    )
    return cut(_between(upper, lower, share_y)).mul_(send(inside, images.device))


def _between(first: Tensor, second: Tensor, share: Tensor) -> Tensor:
    """Go a share of the way from the first to the second, which is overwritten."""
    return second.sub_(first).mul_(share).add_(first)


def _pixels(images: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Take the pixels at ``(side, side)`` places, or those nearest to them."""
    height, width = images.shape[2:]
    places = send(rows.clamp(0, height - 1) * width + columns.clamp(0, width - 1), images.device)
    planes = images.flatten(2)
    return planes.gather(2, places.flatten().expand(*planes.shape[:2], -1)).view(*images.shape[:2], *places.shape)


def _sample_as_opencv(images: Tensor, across: Tensor, down: Tensor) -> Tensor:
    """Interpolate with whole numbers at ``(side, side)`` places given in 1/32 of a pixel; black lies all around."""
    height, width = images.shape[2:]
    left, top = across >> 5, down >> 5
    share_x, share_y = across & 31, down & 31
    total = torch.zeros((*images.shape[:2], *across.shape), dtype=torch.int32, device=images.device)
    for row, weight_y in ((top, _STEPS - share_y), (top + 1, share_y)):
        for column, weight_x in ((left, _STEPS - share_x), (left + 1, share_x)):
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            weight = send((weight_y * weight_x * inside).to(torch.int32), images.device)
            total += _pixels(images, row, column) * weight
    return (total + _STEPS * _STEPS // 2 >> 10).to(torch.uint8)
