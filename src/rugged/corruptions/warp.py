"""Pictures resampled between their pixels: by affine maps as OpenCV samples them, and by fields of displacement.

Places are integers, fixed point in pixels, so that reflecting them at the edges loses nothing and every device finds
the same. Their layout is ``(N, 2, H, W)``, x before y.

Levels are made by a fast sampler in float32, which rounds displaced places. Those that lie too near a whole level to be
told from it are made again in the reference's own arithmetic, for its roundings decide what levels are cut to.
"""

import math
from collections.abc import Iterator
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from rugged.corruptions.host import in_main_memory, send
from rugged.corruptions.levels import constant, cut_within, to_levels, to_unit
from rugged.corruptions.places import true_places

_PARTS = 1024  # OpenCV rounds what the row and the column add to a place to 1024ths of a pixel …
_STEPS_BITS = 5  # … and their sum to 32nds

_ERROR = 2.0**-12  # of levels, by roundings in float32, ours and the reference's: twice what they can do at the most
# By how much a place is missed along an axis, as a part of the picture's side raised to a power of two: it is rounded
# to 24 bits as a distance from the edge, and on the first half of the way once more.
_PLACE_ERROR = 2.0**-25
_AT_ONCE, _AT_ONCE_ON_GPU = 1 << 16, 1 << 22  # levels settled at once, to bound memory
_MANY = 6  # where more than one value in so many is in doubt, there are even areas, and to look all values up is faster


def inverse_affine(jitter: Tensor, height: int, width: int) -> Tensor:
    """Find the affine maps that move three corners of a rectangle about the centre, and invert them.

    Args:
        jitter: ``(N, 3, 2)``: what is added to each corner's x and y, in pixels.
        height: Of the pictures, in pixels. At least 3.
        width: Of the pictures, in pixels.

    Returns:
        ``(N, 2, 3)`` float64, for each picture two rows: from a pixel (x, y, 1) of the result to its x, and to its y,
        in the picture. Zeros where the moved corners lie on one line. The same to the last bit on every device.

    Source: what OpenCV's ``getAffineTransform`` and ``invertAffineTransform`` compute together.
    """
    middle_x, middle_y, reach_x, reach_y = width // 2, height // 2, width // 3, height // 3
    right, bottom, left, top = middle_x + reach_x, middle_y + reach_y, middle_x - reach_x, middle_y - reach_y
    corners = send(torch.tensor(((right, bottom), (right, top), (left, top)), dtype=torch.float32), jitter.device)
    lower, upper, last = (corners + jitter.float()).double().unbind(1)
    # Two sides of the rectangle run along the axes, so the equations are solved already.
    along_x, along_y = (constant(2 * reach, torch.float64, jitter.device) for reach in (reach_x, reach_y))
    per_column, per_row = (upper - last) / along_x, (lower - upper) / along_y
    shift = last - per_column * left - per_row * top
    (xx, yx), (xy, yy) = per_column.unbind(1), per_row.unbind(1)
    determinant = xx * yy - xy * yx
    scale = torch.where(determinant == 0, 0, 1 / determinant)
    turned_back = torch.stack((yy, -xy, -yx, xx), 1).mul_(scale[:, None]).view(-1, 2, 2)
    shifted_back = -turned_back[..., 0] * shift[:, :1] - turned_back[..., 1] * shift[:, 1:]
    return torch.cat((turned_back, shifted_back[..., None]), 2)


def affine_places(inverses: Tensor, height: int, width: int) -> Tensor:
    """Map the pixels of results to places in the pictures.

    Args:
        inverses: Of N pictures, from ``inverse_affine``.
        height: Of the pictures, in pixels. At least 2.
        width: Of the pictures, in pixels.

    Returns:
        ``(N, 2, H, W)`` int32: places in 32nds of a pixel, at most two lengths of the picture from its first pixel,
        either way: whole periods of the reflection are left out.
    """
    device = inverses.device
    per_column, per_row, offset = inverses[..., None].unbind(2)
    rows = per_row * torch.arange(height, dtype=torch.float64, device=device) + offset
    columns = per_column * torch.arange(width, dtype=torch.float64, device=device)
    parts = torch.cat((rows, columns), 2).mul_(_PARTS).round_()
    parts[..., :height] += (_PARTS >> _STEPS_BITS) // 2
    # However wild the map: each part comes to lie within half a period of zero, and their sum within one.
    half = _lengths(height - 1, width - 1, device)[:, 0].double().mul_(_PARTS)
    parts = parts.add_(half).remainder_(2 * half).sub_(half).to(torch.int32)
    places = parts[..., :height, None] + parts[..., None, height:]
    return places.bitwise_right_shift_((_PARTS >> _STEPS_BITS).bit_length() - 1)


def displaced_places(fields: Tensor, alpha: float) -> tuple[Tensor, int]:
    """Displace the places of pixels, and reflect about the edges of pictures where that leads beyond.

    Args:
        fields: ``(N, 2, H, W)`` float64, from -1 to 1: displacements along x and along y. Overwritten.
        alpha: Displacement where a field is 1, in pixels.

    Returns:
        The places, ``(N, 2, H, W)`` int32, none before the first or after the last pixel's centre, counted from the
        edge half a pixel before the first; and the number of their bits after the binary point: as many as fit.
    """
    height, width = fields.shape[2:]
    doublings = 1
    while min(height, width) << doublings < min(height, width) + alpha + 1:
        doublings += 1
    bits = 30 - (max(height, width) << doublings).bit_length()
    half = 1 << bits - 1
    places = torch.empty(fields.shape, dtype=torch.int32, device=fields.device)
    places.copy_(fields.mul_(alpha * (1 << bits)))
    reach = math.ceil(alpha) + 1  # Pixels from an edge on, none leads beyond it. A GPU folds all in fewer operations.
    axes = zip(places.unbind(1), _centres(height, width, bits, fields.device), (width, height), (2, 1), strict=True)
    for along, centres, length, axis in axes:
        along.add_(centres)
        whole = 2 * reach >= length or not in_main_memory(fields)
        ends = (along,) if whole else (along.narrow(axis, 0, reach), along.narrow(axis, length - reach, reach))
        for end in ends:
            end.copy_(_fold_at(end, length << bits, doublings).clamp_(half, (length << bits) - half))
    return places, bits


def warp(images: Tensor, affine: Tensor, displaced: tuple[Tensor, int] | None = None) -> Tensor:
    """Interpolate linearly between pixels, once or twice, and cut to bytes.

    Each byte is what the reference's arithmetic makes it: in float32 by the affine map, of pictures that go on beyond
    their edges by reflection about the edge pixels; then in float64 at displaced places.

    Args:
        images: ``(N, C, H, W)`` uint8, contiguous, at least 2 pixels along each axis. Not modified.
        affine: ``(N, 2, H, W)``, from ``affine_places``.
        displaced: From ``displaced_places``: where to look at what the affine maps make. ``None`` shows it as it is.

    Returns:
        ``(N, C, H, W)`` uint8.
    """
    height, width = images.shape[2:]
    inside = _fold(affine, height - 1 << _STEPS_BITS, width - 1 << _STEPS_BITS, 1)
    moved = _sample(images, inside, 0.5**_STEPS_BITS, 0.5)
    if not displaced:
        result, doubtful = cut_within(moved, _ERROR)
        wanted = true_places(doubtful)
        if len(wanted) * _MANY > result.numel():
            wanted = _settle_even(result, _between_even(images, affine), None, doubtful)
        for some in torch.split(wanted, _at_once(images)):
            result.view(-1)[some] = to_levels(_move(images, affine, some, some.new_zeros(1, 1))[0])
        return result
    places, bits = displaced
    error = _ERROR + 2 * 255 * _PLACE_ERROR * _power(max(height, width))
    result, doubtful = cut_within(_sample(moved, places, 0.5**bits, 0), error)
    wanted = true_places(doubtful)
    if len(wanted) * _MANY > result.numel():
        wanted = _settle_even(result, _between_even(images, affine), displaced, doubtful)
    for some in torch.split(wanted, _at_once(images)):
        _settle(result, images, affine, moved, displaced, some)
    return result


def _at_once(images: Tensor) -> int:
    return _AT_ONCE if in_main_memory(images) else _AT_ONCE_ON_GPU


def _sample(planes: Tensor, places: Tensor, unit: float, first: float) -> Tensor:
    """Interpolate linearly between pixels, in float32.

    From bytes, at places in 32nds of a pixel, nothing is rounded.

    Args:
        planes: ``(N, C, H, W)``.
        places: ``(N, 2, H, W)`` int32, none before the first or after the last pixel.
        unit: Of places, in pixels: a power of two.
        first: What is to be added to places to count them from the edge half a pixel before the first, in pixels.

    Returns:
        ``(N, C, H, W)`` float32.
    """
    # The sampler scales places from -1 … 1 to pixels, which rounds nothing where sides are powers of two. So it is told
    # that they are: planes run on into the next, and the last one into zeros. No place is there.
    count, channels, height, width = planes.shape
    side = _power(max(height, width))
    beyond = (side - height) * width + side - width
    if beyond:
        values = torch.empty(planes.numel() + beyond, dtype=torch.float32, device=planes.device)
        values[: planes.numel()].view(planes.shape).copy_(planes)
        values[planes.numel() :] = 0
    else:
        values = planes.float()
    square = values.as_strided((count, channels, side, side), (channels * height * width, height * width, width, 1))
    grid = places.float()
    torch.add(constant(2 * first / side - 1, torch.float32, planes.device), grid, alpha=2 * unit / side, out=grid)
    sampled: Tensor = grid_sample(square, grid.permute(0, 2, 3, 1), padding_mode="zeros", align_corners=False)
    return sampled


def _between_even(images: Tensor, affine: Tensor) -> Tensor:
    """Make what the affine maps make of images over 255, as ``_move`` does, between four pixels of one level.

    Returns:
        ``(N, C, H, W)`` float32; not a number where the four pixels are not of one level.
    """
    height, width = images.shape[2:]
    levels = images.short()
    corner = images[..., :-1, :-1]
    for other in (images[..., :-1, 1:], images[..., 1:, :-1], images[..., 1:, 1:]):
        levels[..., :-1, :-1].masked_fill_(corner != other, 256)
    levels, known = levels.flatten(2), _of_one_level(images.device)
    even = torch.empty(images.shape, dtype=torch.float32, device=images.device)
    rows = max(1, _at_once(images) // (len(images) * width))
    for places, out in zip(torch.split(affine, rows, 2), torch.split(even, rows, 2), strict=True):
        before = places >> _STEPS_BITS
        first, second = (_fold(each, height - 1, width - 1, 1) for each in (before, before + 1))
        column, row = torch.minimum(first, second).long().unbind(1)  # a reflection turns the two about
        pixels = (row.mul_(width).add_(column)).flatten(1)[:, None].expand(-1, images.shape[1], -1)
        ways = places & (1 << _STEPS_BITS) - 1
        way = ways[:, 1].mul_(1 << _STEPS_BITS).add_(ways[:, 0])[:, None]
        index = levels.gather(2, pixels).view(out.shape).long().mul_(1 << 2 * _STEPS_BITS).add_(way)
        out.copy_(known.take(index))
    return even


@lru_cache(maxsize=2)
def _of_one_level(device: torch.device) -> Tensor:
    """What ``_move`` makes of four pixels of one level, which is not always the level: it rounds.

    Returns:
        ``(257, 32, 32)`` float32: by the level, and by how far below and right of the first pixel it looks, in steps;
        not a number for a level of 256.
    """
    way = torch.arange(1 << _STEPS_BITS, dtype=torch.float32, device=device).mul_(0.5**_STEPS_BITS)
    unit = to_unit(torch.arange(256, dtype=torch.uint8, device=device), torch.float32)[:, None, None]
    taps = (unit * (down[:, None] * across) for down in (1 - way, way) for across in (1 - way, way))
    upper_left, upper_right, lower_left, lower_right = taps
    moved = upper_left + upper_right + lower_left + lower_right
    return torch.cat((moved, moved.new_full((1, *moved.shape[1:]), math.nan)))


def _settle_even(result: Tensor, even: Tensor, displaced: tuple[Tensor, int] | None, doubtful: Tensor) -> Tensor:
    """Make bytes anew where all that they are made of is even, in the reference's arithmetic, without a search.

    Args:
        result: ``(N, C, H, W)`` uint8, to write to.
        even: From ``_between_even``.
        displaced: As for ``warp``.
        doubtful: ``(N, C, H, W)`` bool: which to make.

    Returns:
        Places of those that are still to be made.
    """
    rows = max(1, _at_once(result) // (len(result) * result.shape[3]))
    values = torch.split(even, rows, 2) if displaced is None else _displace(even, displaced, rows)
    for some, value, open_ones in zip(
        torch.split(result, rows, 2), values, torch.split(doubtful, rows, 2), strict=True
    ):
        known = open_ones & ~value.isnan()
        torch.where(known, to_levels(value.nan_to_num_(0)), some, out=some)
        open_ones &= ~known
    return true_places(doubtful)


def _displace(moved: Tensor, displaced: tuple[Tensor, int], rows: int) -> Iterator[Tensor]:
    """Interpolate ``(N, C, H, W)`` between pixels in float64, so many rows at a time: float32."""
    places, bits = displaced
    count, channels, height, width = moved.shape
    last = _lengths(height - 2, width - 2, moved.device)
    corners = _corners(width, moved.device)[..., None, None]
    planes = moved.flatten(2)[:, :, None].expand(-1, -1, 4, -1)
    for some in torch.split(places, rows, 2):
        place = some - (1 << bits - 1)
        before = torch.minimum(place >> bits, last)
        ways = (place - (before << bits)).double().mul_(0.5**bits)
        first = before[:, 1].long().mul_(width).add_(before[:, 0])
        index = (first + corners).movedim(0, 1).flatten(2)[:, None].expand(-1, channels, -1, -1)
        four = planes.gather(3, index).double().movedim(2, 0).reshape(4, -1)
        pairs = ways.movedim(1, 0)[:, :, None].expand(-1, -1, channels, -1, -1).reshape(2, -1)
        yield _between(four, pairs).float().view(count, channels, -1, width)


def _settle(
    result: Tensor, images: Tensor, affine: Tensor, moved: Tensor, displaced: tuple[Tensor, int], wanted: Tensor
) -> None:
    """Make bytes anew: where places were rounded too much, and what is still in doubt in the reference's arithmetic.

    Args:
        result: ``(N, C, H, W)`` uint8, to write to.
        images: As for ``warp``.
        affine: As for ``warp``.
        moved: ``(N, C, H, W)`` float32, what the affine maps make of the images.
        displaced: As for ``warp``.
        wanted: ``(M,)`` int64, places in the result.
    """
    steps, ways = _surroundings(displaced, wanted, images.shape)
    levels = _between(moved.take(wanted + steps).double(), ways)
    result.view(-1)[wanted], doubtful = cut_within(levels, _ERROR)
    rest = true_places(doubtful)
    wanted, steps, ways = wanted[rest], steps[:, rest], ways[:, rest]
    result.view(-1)[wanted] = to_levels(_between(_move(images, affine, wanted, steps).double(), ways).float())


def _surroundings(displaced: tuple[Tensor, int], wanted: Tensor, shape: torch.Size) -> tuple[Tensor, Tensor]:
    """Find the four pixels between which displaced places lie.

    Returns:
        The steps to them from the pixels that are displaced, counted in pixels, ``(4, M)`` int64; and how far, right
        and down, the places lie from the first of them, ``(2, M)`` float64.
    """
    height, width = shape[2:]
    places, bits = displaced
    place = places.take(_axes(wanted, shape)).sub_(1 << bits - 1)
    # The pixel before a place, never the last one of a line, and the way from there to the place.
    before = torch.minimum(place >> bits, _lengths(height - 2, width - 2, wanted.device)[:, 0])
    ways = (place - (before << bits)).double().mul_(0.5**bits)
    return before[1] * width + before[0] - wanted % (height * width) + _corners(width, wanted.device), ways


def _axes(wanted: Tensor, shape: torch.Size) -> Tensor:
    """Tell where x and y of ``(M,)`` values of pictures ``(N, C, H, W)`` stand among places ``(N, 2, H, W)``."""
    _, channels, height, width = shape
    plane = wanted.div(height * width, rounding_mode="floor")
    picture = plane.div(channels, rounding_mode="floor")
    x_axis = (2 * picture - plane).mul_(height * width).add_(wanted)
    return torch.stack((x_axis, x_axis + height * width))


def _between(four: Tensor, ways: Tensor) -> Tensor:
    """Interpolate linearly between four neighbours, ``(4, M)``, ``(2, M)`` ways from the first: right and down."""
    left_pair, right_pair = four.view(2, 2, -1).unbind(1)
    upper, lower = (right_pair - left_pair).mul_(ways[0]).add_(left_pair)
    between: Tensor = (lower - upper).mul_(ways[1]).add_(upper)
    return between


def _move(images: Tensor, affine: Tensor, wanted: Tensor, steps: Tensor) -> Tensor:
    """Interpolate images over 255 by their affine maps, in float32: products of pixels and weights, added row by row.

    Args:
        images: As for ``warp``.
        affine: As for ``warp``.
        wanted: ``(M,)`` int64, places in all images.
        steps: From there to K pixels that are made for each, ``(K, M)`` int64.

    Returns:
        ``(K, M)`` float32.
    """
    height, width = images.shape[2:]
    places = affine.take(_axes(wanted, images.shape)[:, None] + steps)
    before = places >> _STEPS_BITS
    columns, rows = _fold(torch.stack((before, before + 1)), height - 1, width - 1, 1).unbind(1)
    plane = wanted.div(height * width, rounding_mode="floor")
    pixels = (rows.mul_(width)[:, None] + columns) + plane * (height * width)  # rows first
    way = (places & (1 << _STEPS_BITS) - 1).float().mul_(0.5**_STEPS_BITS)
    across, down = torch.stack((1 - way, way), 1)
    taps = to_unit(images.take(pixels), torch.float32).mul_(down[:, None] * across)
    upper_left, upper_right, lower_left, lower_right = taps.flatten(0, 1)
    total: Tensor = upper_left + upper_right + lower_left + lower_right
    return total


def _fold(places: Tensor, height: int, width: int, doublings: int) -> Tensor:
    """Reflect places at 0 and at a height and a width, where none is farther from 0 than these ``* 2**doublings``."""
    return _fold_at(places, _lengths(height, width, places.device), doublings)


def _fold_at(places: Tensor, length: Tensor | int, doublings: int) -> Tensor:
    """Do the same along one axis, or along both by a tensor of two lengths."""
    places = places.abs()
    for power in range(doublings, 0, -1):
        torch.minimum(places, (length << power) - places, out=places)
    return places


def _power(side: int) -> int:
    """Return the first power of two from ``side`` on."""
    return 1 << (side - 1).bit_length()


@lru_cache
def _lengths(height: int, width: int, device: torch.device) -> Tensor:
    return torch.tensor((width, height), dtype=torch.int32, device=device).view(2, 1, 1)


@lru_cache
def _corners(width: int, device: torch.device) -> Tensor:
    """Return the steps from a pixel to itself, its right, lower and lower right neighbours: ``(4, 1)``."""
    return torch.tensor((0, 1, width, width + 1), device=device)[:, None]


@lru_cache
def _centres(height: int, width: int, bits: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return the places of columns and rows, half a pixel farther, in fixed point: ``(W,)`` and ``(H, 1)`` int32."""
    columns, rows = (
        ((torch.arange(length) << bits) + (1 << bits - 1)).to(device, torch.int32) for length in (width, height)
    )
    return columns, rows[:, None]
