"""Wiener deconvolution: what could be done about a blur before networks, and what a restorer is to be held against.

The filter is told more than a restorer is: which corruption it faces, at which severity, and of motion blur even in
which direction each picture was drawn out. What it must know besides, it measures on training pictures.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from rugged.core.errors import DataError
from rugged.corruptions import Corruptor, transfer_of_motion
from rugged.data import Split
from rugged.data.splits import evenly
from rugged.engine import as_batch

PICTURES = 200
"""Training pictures on which spectra are measured."""

_AT_ONCE = 1 << 20
"""Values of pictures worked on at once: what bounds the memory."""


@dataclass(frozen=True)
class Blur:
    """A corruption at one severity, which the filter is to undo.

    Attributes:
        name: Of the corruption.
        severity: 1 to 5.
        corruptor: What corrupts the pictures.
    """

    name: str
    severity: int
    corruptor: Corruptor

    @property
    def is_own(self) -> bool:
        """Whether the blur differs from picture to picture, as motion blur does, whose direction is drawn for each."""
        return self.name == "motion_blur"

    def response(self, ids: Sequence[str], size: Sequence[int], device: torch.device) -> Tensor:
        """The transfer function of each picture's motion blur, ``(N, 1, H, W)`` complex: a value for each frequency."""
        preset, seed = self.corruptor.preset, self.corruptor.seed
        found = transfer_of_motion(self.severity, preset=preset, seed=seed, ids=ids, size=size)
        return found[:, None].to(device)

    def of(self, images: Tensor, ids: Sequence[str]) -> Tensor:
        """Corrupted copies."""
        return self.corruptor(images, self.name, self.severity, ids=ids)


@dataclass(frozen=True)
class Wiener:
    """The linear filter with the least mean squared error for pictures ``y = h * x + n``.

    Its transfer function is ``conj(H) S / (|H|² S + N)``: H of the blur, S the mean power spectrum of clean pictures,
    and N that of what the blur does not explain, such as rounding, clipping and what lies beyond the edges. Pictures
    are mirrored beyond their edges, since a Fourier transform takes them for periodic.

    Attributes:
        blur: What is to be undone.
        signal: S, for each frequency of the mirrored pictures as ``torch.fft.rfft2`` has them.
        noise: N, for the same frequencies.
        response: H, for the same frequencies, complex; None where each picture has its own.

    Source: Wiener 1949, "Extrapolation, interpolation, and smoothing of stationary time series".
    """

    blur: Blur
    signal: Tensor
    noise: Tensor
    response: Tensor | None

    def restore(self, images: Tensor, ids: Sequence[str]) -> Tensor:
        """Undo the blur.

        Args:
            images: ``(N, 3, H, W)`` uint8. Not modified.
            ids: Of the pictures, by which the blur was drawn.

        Returns:
            The same shape and type.
        """
        return torch.cat([self._restore(images[part], ids[part]) for part in _parts(images.shape)])

    def _restore(self, images: Tensor, ids: Sequence[str]) -> Tensor:
        mirrored = _mirrored(images)
        size = tuple(mirrored.shape[-2:])
        response = self.blur.response(ids, size, images.device) if self.response is None else self.response
        power = response.abs().square() * self.signal + self.noise
        spectrum = torch.fft.rfft2(mirrored) * (response.conj() * self.signal / power)
        height, width = images.shape[-2:]
        top, left = height // 2, width // 2
        pictures: Tensor = torch.fft.irfft2(spectrum, s=size)[..., top : top + height, left : left + width]
        return pictures.round_().clamp_(0, 255).to(torch.uint8)


def fit_wiener(blur: Blur, split: Split, device: torch.device) -> Wiener:
    """Measure on training pictures, taken evenly over the classes, what the filter needs.

    But for motion blur, whose H is known, H is what explains the blurred pictures best: the mean of ``conj(X) Y`` over
    that of ``|X|²``.

    Args:
        blur: What is to be undone.
        split: Training pictures.
        device: Where to compute.

    Raises:
        DataError: There are none.
    """
    rows = evenly(split.labels, min(PICTURES, len(split)))
    if not len(rows):
        raise DataError("The data set has no training pictures, on which the classical filter is measured.")
    size = tuple(side + 2 * (side // 2) for side in split.images.shape[1:3])

    count = 3 * len(rows)
    signal, power, cross, unexplained = torch.zeros(4, size[0], size[1] // 2 + 1, dtype=torch.complex128, device=device)
    for part in _parts((len(rows), 3, *split.images.shape[1:3])):
        images, ids = as_batch(split.images[rows[part]], device), [split.ids[row] for row in rows[part]]
        clean, blurred = (torch.fft.rfft2(_mirrored(each)) for each in (images, blur.of(images, ids)))
        signal += clean.abs().square().sum((0, 1)) / count
        power += blurred.abs().square().sum((0, 1)) / count
        cross += (clean.conj() * blurred).sum((0, 1)) / count
        if blur.is_own:
            unexplained += (blurred - blur.response(ids, size, device) * clean).abs().square().sum((0, 1)) / count
    if blur.is_own:
        return Wiener(blur, signal.real, unexplained.real, None)
    noise = (power.real - cross.abs().square() / signal.real).clamp_(min=0)  # Of the least squares' H.
    return Wiener(blur, signal.real, noise, cross / signal.real)


def _mirrored(images: Tensor) -> Tensor:
    """``(N, 3, H, W)`` uint8 as float64, continued on all sides by half of its size: so it goes on seamlessly."""
    height, width = images.shape[-2:]
    down, across = height // 2, width // 2
    return functional.pad(images.double(), (across, across, down, down), mode="reflect")


def _parts(shape: Sequence[int]) -> Iterator[slice]:
    """Pictures that are worked on at once."""
    step = max(1, _AT_ONCE // math.prod(shape[1:]))
    return (slice(start, start + step) for start in range(0, shape[0], step))
