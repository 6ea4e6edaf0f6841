"""JPEG compression: by libjpeg in main memory, and elsewhere by what libjpeg computes.

Of a JPEG file's making and reading only the arithmetic on pixels loses anything; the coding of its result loses
nothing, and takes most of the time. So devices without a codec do that arithmetic alone. libjpeg's is made of integers
below 2^31, which float64 holds exactly: no order of summation shows, and the bytes are the codec's.
"""

from functools import lru_cache, partial

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import pad

from rugged.core.errors import CorruptionError
from rugged.corruptions.host import in_main_memory
from rugged.corruptions.one_by_one import one_by_one

_LONGEST = 65500  # pixels of a side, libjpeg's limit
_SUBSAMPLED = (cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420)


def jpeg_compression(images: Tensor, _: None, *, quality: float) -> Tensor:
    """JPEG at a low quality, with the colours at half resolution as encoders do by default.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        quality: libjpeg's, a whole number from 1 to 100.

    Returns:
        ``(N, 3, H, W)`` uint8.

    Raises:
        CorruptionError: A side is longer than JPEG allows.

    Source: Hendrycks & Dietterich 2019 (arXiv:1903.12261), ``jpeg_compression``.
    """
    height, width = images.shape[2:]
    if max(height, width) > _LONGEST:
        raise CorruptionError(
            f"jpeg_compression needs pictures of at most {_LONGEST} pixels a side; these are {height} × {width}."
        )
    if in_main_memory(images):
        return one_by_one(partial(_through_codec, quality=int(quality)), images)
    return _computed(images, int(quality))


def _through_codec(picture: np.ndarray, out: np.ndarray, quality: int) -> None:
    """Encode and decode one ``(3, H, W)`` picture. OpenCV's order of channels is blue, green, red."""
    options = (cv2.IMWRITE_JPEG_QUALITY, quality, *_SUBSAMPLED)
    stored = cv2.imencode(".jpg", cv2.merge(tuple(picture[::-1])), options)[1]
    decoded = cv2.imdecode(stored, cv2.IMREAD_COLOR)
    assert decoded is not None
    cv2.split(decoded, tuple(out[::-1]))


# The tables of the standard's Annex K, for quality 50: 8 × 8 frequencies, row by row, of brightness and of colour.
_COARSENESS = (
    (16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29, 51,
     87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121, 120, 101,
     72, 92, 95, 98, 112, 100, 103, 99),
    (17, 18, 24, 47, 99, 99, 99, 99, 18, 21, 26, 66, 99, 99, 99, 99, 24, 26, 56, 99, 99, 99, 99, 99, 47, 66, 99, 99, 99,
     99, 99, 99, *(99,) * 32),
)  # fmt: skip
# What libjpeg's accurate integer transform makes of eight pixels: a row for each frequency, in numbers of 2^-13.
_COSINES = (
    (8192, 8192, 8192, 8192, 8192, 8192, 8192, 8192),
    (11363, 9633, 6437, 2260, -2260, -6437, -9633, -11363),
    (10703, 4433, -4433, -10703, -10703, -4433, 4433, 10703),
    (9633, -2259, -11362, -6436, 6436, 11362, 2259, -9633),
    (8192, -8192, -8192, 8192, 8192, -8192, -8192, 8192),
    (6437, -11362, 2261, 9633, -9633, -2261, 11362, -6437),
    (4433, -10704, 10704, -4433, -4433, 10704, -10704, 4433),
    (2260, -6436, 9633, -11363, 11363, -9633, 6436, -2260),
)
# Brightness, and how much bluer and redder than it; and what these two add to red, green and blue. Numbers of 2^-16.
_TO_YCC = ((19595, 38470, 7471), (-11059, -21709, 32768), (32768, -27439, -5329))
_TO_RGB = ((0, 91881), (-22554, -46802), (116130, 0))
_BLOCK = 8
_FEW = 2  # columns that are enlarged without looking at their neighbours


def _computed(images: Tensor, quality: int) -> Tensor:
    """Do what libjpeg does to the pixels of ``(N, 3, H, W)`` pictures."""
    height, width = images.shape[2:]
    planes = _matrix(_TO_YCC, 16, images.device) @ images.flatten(2).double()
    # Half is added before rounding down; for the colours a little less, and the middle of their range.
    planes[:, 0].add_(0.5)
    planes[:, 1:].add_(128.5 - 2**-16)
    planes = planes.floor_().view(images.shape)
    light = _through_frequencies(planes[:, :1], _coarseness(0, quality, images.device))
    colours = _through_frequencies(_halve(planes[:, 1:]), _coarseness(1, quality, images.device))
    colours = colours[..., : (width + 1) // 2]  # what repeats the last column has no part in what follows
    tints = _double(colours)[..., :height, :width].sub(128).flatten(2)
    added = (_matrix(_TO_RGB, 16, images.device) @ tints).add_(0.5).floor_().view(images.shape)
    return added.add_(light).clamp_(0, 255).to(torch.uint8)


def _halve(planes: Tensor) -> Tensor:
    """Take the means of 2 × 2 pixels, halves rounded down in even columns and up in odd ones."""
    planes = pad(planes, (0, planes.shape[3] % 2, 0, planes.shape[2] % 2), mode="replicate")
    rows = planes[:, :, ::2] + planes[:, :, 1::2]
    # The last column of pixels is repeated up to a whole block, not the last mean: odd and even ones differ.
    missing = -rows.shape[3] % (2 * _BLOCK)
    rows = pad(rows, (0, missing, 0, 0), mode="replicate")
    means = rows[..., ::2] + rows[..., 1::2]
    means[..., ::2].add_(1)
    means[..., 1::2].add_(2)
    return means.mul_(0.25).floor_()


def _double(planes: Tensor) -> Tensor:
    """Enlarge to 2 × 2 pixels each, three parts of the nearest pixel to one of the next."""
    if planes.shape[3] <= _FEW:
        return planes.repeat_interleave(2, 2).repeat_interleave(2, 3)
    for axis, borders in ((2, (0, 0, 1, 1)), (3, (1, 1, 0, 0))):
        size = planes.shape[axis]
        around = pad(planes, borders, mode="replicate")
        sides = torch.stack((around.narrow(axis, 0, size), around.narrow(axis, 2, size)), axis + 1)
        planes = sides.add_(planes.unsqueeze(axis + 1), alpha=3).flatten(axis, axis + 1)
    planes[..., ::2].add_(8)
    planes[..., 1::2].add_(7)
    return planes.mul_(1 / 16).floor_()


def _through_frequencies(planes: Tensor, coarseness: Tensor) -> Tensor:
    """Round the frequencies of blocks of 8 × 8 pixels: ``(N, C, H, W)`` levels to the same."""
    height, width = planes.shape[2:]
    blocks = pad(planes, (0, -width % _BLOCK, 0, -height % _BLOCK), mode="replicate").sub_(128)
    shape = blocks.shape
    rows, columns = (-1, _BLOCK), (-1, _BLOCK, shape[3])  # the same memory, seen as rows and as columns of blocks
    forwards, onwards, backwards = (_matrix(_COSINES, bits, planes.device) for bits in (11, 15, 18))
    values = _rounded(blocks.view(rows) @ forwards.T)
    values = _rounded(onwards @ values.view(columns))
    _round_to(values.view(-1, _BLOCK, shape[3] // _BLOCK, _BLOCK), coarseness)
    values = _rounded(forwards.T @ values)
    values = _rounded(values.view(rows) @ backwards)
    return values.view(shape)[..., :height, :width].add_(128).clamp_(0, 255)


def _round_to(frequencies: Tensor, coarseness: Tensor) -> None:
    """Replace frequencies, in eighths, by the nearest multiples of their coarseness; halves away from zero."""
    step, half, whole = coarseness
    frequencies.add_(torch.copysign(half, frequencies)).div_(whole).trunc_().mul_(step)


def _rounded(values: Tensor) -> Tensor:
    return values.add_(0.5).floor_()


@lru_cache
def _matrix(rows: tuple[tuple[int, ...], ...], bits: int, device: torch.device) -> Tensor:
    """Return numbers of ``2**-bits``."""
    return torch.tensor(rows, dtype=torch.float64).mul_(0.5**bits).to(device)


@lru_cache
def _coarseness(table: int, quality: int, device: torch.device) -> Tensor:
    """Return the steps in which frequencies are stored, and 4 and 8 of them, for a row of blocks: ``(3, 8, 1, 8)``."""
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    steps = [min(max((each * percent + 50) // 100, 1), 255) for each in _COARSENESS[table]]
    times = torch.tensor((1, 4, 8))[:, None] * torch.tensor(steps)
    return times.view(3, _BLOCK, 1, _BLOCK).to(device, torch.float64)
