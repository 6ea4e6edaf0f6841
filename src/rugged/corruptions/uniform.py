"""Uniform numbers from keyed bits: fractions and integers, the same on every device."""

import math

import torch
from torch import Tensor

from rugged.corruptions.bits import Bits


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


def integers(stream: Bits, shape: tuple[int, ...]) -> Tensor:
    """Draw whole numbers from 0 up to and without 2^31, each equally likely.

    Args:
        stream: Random bits of N images.
        shape: Of what one image needs.

    Returns:
        ``(N, *shape)`` int64.
    """
    return (stream.words(math.prod(shape)) >> 33).bitwise_and_((1 << 31) - 1).view(-1, *shape)
