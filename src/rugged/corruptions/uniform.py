"""Uniform numbers from keyed bits: fractions and integers, the same on every device."""

import math

import torch
from torch import Tensor

from rugged.corruptions.bits import Bits
from rugged.corruptions.levels import constant


def uniform(stream: Bits, shape: tuple[int, ...]) -> Tensor:
    """Draw numbers between 0 and 1.

    Args:
        stream: Random bits of N images.
        shape: Of what one image needs.

    Returns:
        ``(N, *shape)`` float32, each one of the 65,536 equally likely ``(i + 1/2) / 65536``: never 0, never 1.
    """
    return _spread(stream, shape, first=2.0**-17, step=2.0**-16)


def signed_uniform(stream: Bits, shape: tuple[int, ...]) -> Tensor:
    """Draw the same numbers, doubled, less 1: between -1 and 1, never 0."""
    return _spread(stream, shape, first=2.0**-16 - 1, step=2.0**-15)


def _spread(stream: Bits, shape: tuple[int, ...], *, first: float, step: float) -> Tensor:
    """Make float32 of halfwords, in equal steps from the first. Powers of two lose nothing."""
    numbers = stream.halfwords(math.prod(shape), torch.float32)
    torch.add(constant(first, torch.float32, numbers.device), numbers, alpha=step, out=numbers)
    return numbers.view(-1, *shape)


def integers(stream: Bits, shape: tuple[int, ...]) -> Tensor:
    """Draw whole numbers from 0 up to and without 2^31, each equally likely.

    Args:
        stream: Random bits of N images.
        shape: Of what one image needs.

    Returns:
        ``(N, *shape)`` int64.
    """
    return (stream.words(math.prod(shape)) >> 33).bitwise_and_((1 << 31) - 1).view(-1, *shape)
