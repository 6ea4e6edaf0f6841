"""Pictures mirrored, shifted, cropped, turned and partly covered, each picture by what it draws for itself."""

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from rugged.corruptions.levels import cut

_TRIES = 10


def random_flip(images: Tensor) -> Tensor:
    """Mirror each image left to right with probability one half.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.

    Returns:
        ``(N, 3, H, W)`` uint8.
    """
    columns = torch.arange(images.shape[3], device=images.device)
    flipped = torch.rand(len(images), 1, device=images.device) < 0.5
    columns = torch.where(flipped, columns.flip(0), columns)
    return images.gather(3, columns[:, None, None].expand_as(images))


def random_shift(images: Tensor, pixels: int) -> Tensor:
    """Shift each image by whole numbers of pixels, uniform in [-pixels, pixels] on both axes, mirrored at the edge.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        pixels: The farthest, 0 or more; less than the shorter side is, where that is shorter.

    Returns:
        ``(N, 3, H, W)`` uint8.
    """
    count, _, height, width = images.shape
    # One reflection has to be enough.
    reach = min(pixels, height - 1, width - 1)
    down, right = torch.randint(-reach, reach + 1, (2, count, 1), device=images.device)
    rows, columns = _reflected(down, height), _reflected(right, width)
    places = (rows[:, :, None] * width + columns[:, None]).flatten(1)
    return images.flatten(2).gather(2, places[:, None].expand(-1, 3, -1)).view(images.shape)


def random_resized_crop(
    images: Tensor, size: int, *, smallest: float = 0.08, ratio: tuple[float, float] = (3 / 4, 4 / 3)
) -> Tensor:
    """Cut a rectangle out of each image and resize it to a square: linearly, and averaging where that shrinks it.

    A box that does not fit into its image is drawn anew, up to ten times; after that it is the largest one in the
    middle whose aspect ratio is allowed.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        size: Side of the results, in pixels.
        smallest: The box's least share of the image's area; its share is uniform from there to 1.
        ratio: The least and the greatest ratio of the box's width to its height; its logarithm is uniform.

    Returns:
        ``(N, 3, size, size)`` uint8.

    Source: Szegedy et al. 2015 (arXiv:1409.4842), section 6, with the distribution of torchvision's
    ``RandomResizedCrop``.
    """
    height, width = images.shape[2:]
    wide, high = _draw_sides(images, (smallest, 1.0), ratio)
    fits = (wide > 0) & (wide <= width) & (high > 0) & (high <= height)
    wide, high, fitted = _first_that_fits(wide, high, fits)
    wide = torch.where(fitted, wide, min(width, round(height * ratio[1])))
    high = torch.where(fitted, high, min(height, round(width / ratio[0])))
    top = torch.where(fitted, _draw_below(height - high + 1), (height - high).div(2, rounding_mode="floor"))
    left = torch.where(fitted, _draw_below(width - wide + 1), (width - wide).div(2, rounding_mode="floor"))
    return _resize_boxes(images, (top, high), (left, wide), size)


def random_rotation(images: Tensor, degrees: float) -> Tensor:
    """Turn each image about its centre by an angle uniform in [-degrees, degrees]; black comes in at the corners.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        degrees: The largest angle.

    Returns:
        ``(N, 3, H, W)`` uint8: nearest neighbours, as torchvision's ``RandomRotation`` takes them by default.
    """
    angles = torch.empty(len(images), device=images.device).uniform_(-degrees, degrees)
    return resample(images, MAPS["rotate"](angles, *images.shape[2:]))


def random_erasing(
    images: Tensor,
    probability: float,
    *,
    area: tuple[float, float] = (0.02, 0.33),
    ratio: tuple[float, float] = (0.3, 3.3),
) -> Tensor:
    """Cover a rectangle of some images with random bytes, each pixel and channel with its own.

    A rectangle that is not smaller than its image along both axes is drawn anew, up to ten times; after that the image
    stays as it is.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        probability: That an image is treated.
        area: The rectangle's least and greatest share of the image's area; its share is uniform.
        ratio: The least and the greatest ratio of its height to its width; its logarithm is uniform.

    Returns:
        ``(N, 3, H, W)`` uint8.

    Source: Zhong et al. 2017 (arXiv:1708.04896), with the distribution of torchvision's ``RandomErasing``.
    """
    count, _, height, width = images.shape
    high, wide = _draw_sides(images, area, ratio)
    high, wide, fitted = _first_that_fits(high, wide, (high < height) & (wide < width))
    treated = fitted & (torch.rand(count, device=images.device) < probability)
    rows = _within(_draw_below(height - high + 1), high, height)
    columns = _within(_draw_below(width - wide + 1), wide, width)
    covered = (rows & treated[:, None])[:, None, :, None] & columns[:, None, None]
    # A byte changed by random bits is a random byte, and this is many times as fast as to choose between the two.
    return images ^ (_random_bytes(images) & (covered.to(torch.uint8) * 255))


def resample(images: Tensor, maps: Tensor, *, smooth: bool = False) -> Tensor:
    """Transform each image by an affine map of its own; what comes from outside is black.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        maps: ``(N, 2, 3)``: from a pixel (x, y, 1) of the result, counted from the image's centre, to its x and to its
            y in the image, counted from the same centre.
        smooth: Interpolate linearly between pixels instead of taking the nearest one.

    Returns:
        ``(N, 3, H, W)`` uint8.
    """
    height, width = images.shape[2:]
    x, y = _centred(width, images.device), _centred(height, images.device)
    # The sampler's edges are -1 and 1.
    scaled = torch.stack((maps[:, 0] * (2 / width), maps[:, 1] * (2 / height)), 1)
    # Sums, not a matrix product: hardware may round what it multiplies there to ten bits.
    across, down, offset = scaled.unsqueeze(3).unbind(2)
    grid = (down * y).unsqueeze(3) + (across * x + offset).unsqueeze(2)
    levels = grid_sample(
        images.float(),
        grid.permute(0, 2, 3, 1),
        mode="bilinear" if smooth else "nearest",
        padding_mode="zeros",
        align_corners=False,
    )
    return cut(levels.round_() if smooth else levels)


def _shear_x(slopes: Tensor, height: int, width: int) -> Tensor:  # noqa: ARG001 - all maps are made alike.
    return _maps((1, slopes, slopes * (height / 2)), (0, 1, 0))


def _shear_y(slopes: Tensor, height: int, width: int) -> Tensor:  # noqa: ARG001
    return _maps((1, 0, 0), (slopes, 1, slopes * (width / 2)))


def _rotate(degrees: Tensor, height: int, width: int) -> Tensor:  # noqa: ARG001
    radians = degrees.deg2rad()
    cosine, sine = radians.cos(), radians.sin()
    return _maps((cosine, -sine, 0), (sine, cosine, 0))


MAPS: Mapping[str, Callable[[Tensor, int, int], Tensor]] = {
    "shear_x": _shear_x,
    "shear_y": _shear_y,
    "translate_x": lambda pixels, height, width: _maps((1, 0, -pixels), (0, 1, 0)),  # noqa: ARG005
    "translate_y": lambda pixels, height, width: _maps((1, 0, 0), (0, 1, -pixels)),  # noqa: ARG005
    "rotate": _rotate,
}
"""What leads from magnitudes ``(N,)``, a height and a width to the maps that ``resample`` takes.

Slopes shear about the upper left corner, to the left and upwards where positive; pixels shift to the right and
downwards; degrees turn counterclockwise about the centre.
"""


def _maps(*rows: tuple[Tensor | float, Tensor | float, Tensor | float]) -> Tensor:
    """Stack numbers and tensors ``(N,)`` to ``(N, 2, 3)``."""
    entries = [entry for row in rows for entry in row]
    like = next(entry for entry in entries if isinstance(entry, Tensor))
    filled = [entry if isinstance(entry, Tensor) else torch.full_like(like, entry) for entry in entries]
    return torch.stack(filled, 1).view(-1, 2, 3)


def _centred(length: int, device: torch.device) -> Tensor:
    return torch.arange(length, dtype=torch.float32, device=device) - (length - 1) / 2


def _reflected(shifts: Tensor, length: int) -> Tensor:
    """Return where shifted pixels ``(N, length)`` come from, for shifts ``(N, 1)`` of less than the length."""
    places = (torch.arange(length, device=shifts.device) + shifts).abs()
    return (length - 1) - (places - (length - 1)).abs()


def _draw_sides(images: Tensor, area: tuple[float, float], ratio: tuple[float, float]) -> tuple[Tensor, Tensor]:
    """Draw rectangles, ten for each image: lengths ``(10, N)`` in whole pixels, the first over the second the ratio."""
    count, _, height, width = images.shape
    areas = torch.empty(_TRIES, count, device=images.device).uniform_(*area).mul_(height * width)
    ratios = torch.empty_like(areas).uniform_(math.log(ratio[0]), math.log(ratio[1])).exp_()
    return (areas * ratios).sqrt_().round_().long(), (areas / ratios).sqrt_().round_().long()


def _first_that_fits(first: Tensor, second: Tensor, fits: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Choose among ten tries: both lengths of the first one that fits, any where none does, and whether one did."""
    chosen = fits.byte().argmax(0, keepdim=True)
    return first.gather(0, chosen)[0], second.gather(0, chosen)[0], fits.any(0)


def _draw_below(limits: Tensor) -> Tensor:
    """Draw whole numbers, uniform from 0 to one less than each limit."""
    return (torch.rand(limits.shape, device=limits.device) * limits).long()


def _within(first: Tensor, lengths: Tensor, total: int) -> Tensor:
    """Mark the places of intervals: ``(N,)`` each to ``(N, total)``."""
    places = torch.arange(total, device=first.device) - first[:, None]
    return (places >= 0) & (places < lengths[:, None])


def _random_bytes(images: Tensor) -> Tensor:
    """Draw uniform bytes of the images' shape, eight of them at a time."""
    words = torch.randint(-(2**63), 2**63 - 1, ((images.numel() + 7) // 8,), device=images.device)
    return words.view(torch.uint8)[: images.numel()].view(images.shape)


def _resize_boxes(
    images: Tensor, vertical: tuple[Tensor, Tensor], horizontal: tuple[Tensor, Tensor], size: int
) -> Tensor:
    """Resize a box of each image, given by its first pixels and lengths ``(N,)``, to ``(N, 3, size, size)`` uint8.

    Each axis in turn, as products of matrices: the same work whatever the boxes, and little beside any network's.
    """
    count, channels, height, width = images.shape
    down, across = _weights(*vertical, height, size), _weights(*horizontal, width, size)
    # With channels between rows and columns, one product an image is enough for either axis.
    lines = images.transpose(1, 2).reshape(count, height * channels, width).float()
    narrow = torch.bmm(lines, across.mT).view(count, height, channels * size)
    levels = torch.bmm(down, narrow).round_().clamp_(0, 255)
    return cut(levels).view(count, size, channels, size).transpose(1, 2).contiguous()


def _weights(first: Tensor, lengths: Tensor, total: int, size: int) -> Tensor:
    """Weigh ``total`` pixels of a line for ``size`` new ones that resize a part of it: ``(N, size, total)``, sums 1.

    Linear interpolation where the part is stretched; where it shrinks, triangles as wide as two new pixels.
    """
    scale = lengths[:, None, None] / size
    centres = (torch.arange(size, device=first.device)[:, None] + 0.5) * scale
    places = torch.arange(total, device=first.device) - first[:, None, None]
    weights = (1 - (places + 0.5 - centres).abs() / scale.clamp(min=1)).clamp_(min=0)
    weights *= (places >= 0) & (places < lengths[:, None, None])
    return weights / weights.sum(2, keepdim=True)
