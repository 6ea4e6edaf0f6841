"""Pictures resampled between their pixels: by affine maps as OpenCV samples them, and by fields of displacement.

Places are integers, fixed point in pixels, so that reflecting them at the edges loses nothing and every device finds
the same. Their layout is ``(2, N, H, W)``, x before y, and that of colours ``(C, N, H, W)``: so that few operations
do all, and a plane holds one channel of all pictures end to end.
"""

from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

_PARTS = 1024  # OpenCV rounds what the row and the column add to a place to 1024ths of a pixel …
_STEPS_BITS = 5  # … and their sum to 32nds

Matrix = tuple[tuple[float, float, float], tuple[float, float, float]]


def inverse_affine(jitter: Tensor, height: int, width: int) -> list[Matrix]:
    """Find the affine maps that move three corners of a rectangle about the centre, and invert them.

    Args:
        jitter: ``(N, 3, 2)``: what is added to each corner's x and y, in pixels.
        height: Of the pictures, in pixels. At least 3.
        width: Likewise.

    Returns:
        For each picture two rows of three: from a pixel (x, y, 1) of the result to its x, and to its y, in the
        picture. Zeros where the moved corners lie on one line.

    Source: what OpenCV's ``getAffineTransform`` and ``invertAffineTransform`` compute together.
    """
    middle_x, middle_y, reach_x, reach_y = width // 2, height // 2, width // 3, height // 3
    right, bottom, left, top = middle_x + reach_x, middle_y + reach_y, middle_x - reach_x, middle_y - reach_y
    corners = torch.tensor(((right, bottom), (right, top), (left, top)), dtype=torch.float32)
    inverses = []
    for (x0, y0), (x1, y1), (x2, y2) in (corners + jitter.cpu().float()).tolist():
        # Two sides of the rectangle run along the axes, so the equations are solved already.
        xx, yx = (x1 - x2) / (2 * reach_x), (y1 - y2) / (2 * reach_x)
        xy, yy = (x0 - x1) / (2 * reach_y), (y0 - y1) / (2 * reach_y)
        shift_x, shift_y = x2 - xx * left - xy * top, y2 - yx * left - yy * top
        determinant = xx * yy - xy * yx
        scale = 1 / determinant if determinant else 0.0
        xx, xy, yx, yy = yy * scale, -xy * scale, -yx * scale, xx * scale
        inverses.append(((xx, xy, -xx * shift_x - xy * shift_y), (yx, yy, -yx * shift_x - yy * shift_y)))
    return inverses


def affine_places(inverses: list[Matrix], height: int, width: int, device: torch.device) -> Tensor:
    """Map the pixels of results to places in the pictures.

    Args:
        inverses: Of N pictures, from ``inverse_affine``.
        height: Of the pictures, in pixels. At least 2.
        width: Likewise.
        device: Where the result is to be.

    Returns:
        ``(2, N, H, W)`` int32: places in 32nds of a pixel, at most two lengths of the picture from its first pixel,
        either way: whole periods of the reflection are left out.
    """
    per_column, per_row, offset = np.array(inverses).transpose(2, 1, 0)[..., None]
    rows = np.rint((per_row * np.arange(height) + offset) * _PARTS) + (_PARTS >> _STEPS_BITS) // 2
    columns = np.rint(per_column * np.arange(width) * _PARTS)
    # However wild the map: each part comes to lie within half a period of zero, and their sum within one.
    half = np.array((width - 1, height - 1)).reshape(2, 1, 1) * _PARTS
    parts = ((np.remainder(part + half, 2 * half) - half).astype(np.int32) for part in (rows, columns))
    row_part, column_part = (torch.from_numpy(part).to(device) for part in parts)
    places = row_part[..., :, None] + column_part[..., None, :]
    return places.bitwise_right_shift_((_PARTS >> _STEPS_BITS).bit_length() - 1)


def sample_affine(planes: Tensor, places: Tensor) -> Tensor:
    """Interpolate linearly between pixels, continued by reflection about the edge pixels.

    Every product and sum is rounded as the reference rounds it, in its order: in flat areas, where sums should be
    whole levels, this decides which ones fall short.

    Args:
        planes: ``(C, N, H, W)`` float32.
        places: ``(2, N, H, W)``, from ``affine_places``.

    Returns:
        ``(C, N, H, W)`` float32.
    """
    height, width = planes.shape[2:]
    pixels = torch.empty((2, *places.shape), dtype=torch.int32, device=places.device)  # before and after each place
    torch.bitwise_right_shift(places, _STEPS_BITS, out=pixels[0])
    torch.add(pixels[0], 1, out=pixels[1])
    index = _index(_fold(pixels, _lengths(height - 1, width - 1, places.device), 1)).flatten()
    shares = torch.empty(pixels.shape, device=places.device)
    torch.mul(places & ((1 << _STEPS_BITS) - 1), 0.5**_STEPS_BITS, out=shares[1])
    torch.sub(1, shares[1], out=shares[0])
    weights = (shares[:, None, 1] * shares[None, :, 0]).flatten()

    result, taps = torch.empty_like(planes), torch.empty_like(weights)
    upper_left, upper_right, lower_left, lower_right = taps.view(4, -1)
    for plane, total in zip(planes.flatten(1), result.flatten(1), strict=True):
        torch.index_select(plane, 0, index, out=taps).mul_(weights)
        torch.add(upper_left, upper_right, out=total).add_(lower_left).add_(lower_right)
    return result


def displaced_places(fields: Tensor, alpha: float) -> tuple[Tensor, int]:
    """Displace the places of pixels, and reflect about the edges of pictures where that leads beyond.

    Args:
        fields: ``(N, 2, H, W)`` float64, from -1 to 1: displacements along x and along y.
        alpha: Displacement where a field is 1, in pixels.

    Returns:
        The places, ``(2, N, H, W)`` int32, none before the first or after the last pixel, and the number of their
        bits after the binary point: as many as fit.
    """
    height, width = fields.shape[2:]
    doublings = 1
    while min(height, width) << doublings < min(height, width) + alpha + 1:
        doublings += 1
    bits = 30 - (max(height, width) << doublings).bit_length()
    places = torch.empty((2, len(fields), height, width), dtype=torch.int32, device=fields.device)
    places.copy_((fields * (alpha * (1 << bits))).transpose(0, 1))
    # Half a pixel is added while reflecting: there, the edges are whole numbers.
    for along, own in zip(places, _centres(height, width, bits, fields.device), strict=True):
        along.add_(own)
    lengths = _lengths(height << bits, width << bits, fields.device)
    _fold(places, lengths, doublings).sub_(1 << bits - 1).clamp_(min=0)
    return torch.minimum(places, lengths - (1 << bits), out=places), bits


def sample_displaced(planes: Tensor, places: Tensor, bits: int) -> Tensor:
    """Interpolate linearly between pixels.

    Args:
        planes: ``(C, N, H, W)`` float64, at least 2 pixels along each axis.
        places: ``(2, N, H, W)``, from ``displaced_places``.
        bits: Likewise.

    Returns:
        ``(C, N, H, W)`` float64.
    """
    height, width = planes.shape[2:]
    # The pixel before a place, never the last one of a line, and the way from there to the place.
    pixels = torch.minimum(places >> bits, _lengths(height - 2, width - 2, places.device))
    right_share, lower_share = (places - (pixels << bits)).double().mul_(0.5**bits).flatten(1)
    index = _index(pixels[None])[0, 0].flatten()
    result = torch.empty_like(planes)
    corners = [torch.empty_like(right_share) for _ in range(3)]
    for plane, upper in zip(planes.flatten(1), result.flatten(1), strict=True):
        for step, out in zip((0, 1, width, width + 1), (upper, *corners), strict=True):
            torch.index_select(plane[step:], 0, index, out=out)
        upper_right, lower, lower_right = corners
        upper.lerp_(upper_right, right_share).lerp_(lower.lerp_(lower_right, right_share), lower_share)
    return result


def _fold(places: Tensor, edges: Tensor, doublings: int) -> Tensor:
    """Reflect integers at 0 and at ``edges``, in place, where none is farther from 0 than ``edges * 2**doublings``."""
    places.abs_()
    for power in range(doublings, 0, -1):
        torch.minimum(places, (edges << power) - places, out=places)
    return places


def _index(pixels: Tensor) -> Tensor:
    """Combine K choices of columns with K choices of rows, ``(K, 2, N, H, W)``, overwritten.

    Returns:
        ``(K, K, N, H, W)`` int64, rows first: where the pixels stand in a plane.
    """
    count, height, width = pixels.shape[2:]
    columns, rows = pixels.unbind(1)
    first = torch.arange(count, dtype=torch.int32, device=pixels.device) * (height * width)
    return (rows.mul_(width).add_(first.view(-1, 1, 1))[:, None] + columns).long()


@lru_cache
def _lengths(height: int, width: int, device: torch.device) -> Tensor:
    return torch.tensor((width, height), dtype=torch.int32, device=device).view(2, 1, 1, 1)


@lru_cache
def _centres(height: int, width: int, bits: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the places of columns, ``(W,)``, and rows, ``(H, 1)``, half a pixel farther, in fixed point: int32."""
    columns, rows = ((torch.arange(length) << bits) + (1 << bits - 1) for length in (width, height))
    return columns.to(device, torch.int32), rows.view(-1, 1).to(device, torch.int32)
