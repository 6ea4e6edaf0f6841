"""Uniform numbers from keyed bits: fractions and integers, the same on every device."""

import math

import torch
from torch import Tensor

from rugged.corruptions.bits import Bits

_FEW = 1 << 8  # up to here 16 bits a number suffice: no value is favoured by more than one part in 256


def uniform(stream: Bits, shape: tuple[int, ...]) -> Tensor:
    """Draw numbers between 0 and 1.

    Args:
        stream: Random bits of N images.
        shape: Of what one image needs.

    Returns:
        ``(N, *shape)`` float32, each one of the 65,536 equally likely ``(i + 1/2) / 65536``: never 0, never 1.
    """
    halfwords = stream.halfwords(math.prod(shape))
    return halfwords.to(torch.float32).add_(0.5).mul_(2.0**-16).view(-1, *shape)


def integers(stream: Bits, shape: tuple[int, ...], low: int, high: int) -> Tensor:
    """Draw whole numbers from ``low`` up to and without ``high``, a range of at most 2^31.

    Args:
        stream: Random bits of N images.
        shape: Of what one image needs.
        low: The least.
        high: One more than the greatest.

    Returns:
        ``(N, *shape)`` int64.
    """
    count, choices = math.prod(shape), high - low
    if choices <= _FEW:
        numbers = (stream.halfwords(count).mul_(choices) >> 16).to(torch.int64)
    else:
        numbers = ((stream.words(count) >> 32) & 0xFFFFFFFF).mul_(choices) >> 32
    return numbers.add_(low).view(-1, *shape)
