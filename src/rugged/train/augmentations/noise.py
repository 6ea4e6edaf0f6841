"""Noise drawn from balls of p-norms: from even over sparse to single struck values."""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from rugged.corruptions.host import send
from rugged.train.augmentations.names import require_known
from rugged.train.augmentations.picking import take

RADII: Mapping[str, float] = {"0": 0.2, "0.5": 0.042, "1": 0.065, "2": 0.09, "inf": 0.15}
"""The norms, each with its largest radius as a power mean over a picture's values, in fractions of white.

The largest radii that Siedel et al. 2024 train with on 32 x 32 pixels: 400,000, 200, 5 and 0.15. As power means they
hold for every size: the radius proper is the power mean times (3 H W) to the power of 1 / p. For p = 0 it is the share
of values struck.
"""

_LEDGER = {
    "0": "impulse_noise",
    "0.5": "impulse_noise",
    "1": "gaussian_noise",
    "2": "gaussian_noise",
    "inf": "gaussian_noise",
}


def noise_ledger(norms: Sequence[str]) -> tuple[str, ...]:
    """Names for the training ledger, each once, in the order given.

    Every norm's noise is a close copy of a corruption of the benchmark. In so many dimensions, points drawn from the
    balls of p = 1, 2 and inf are independent numbers that are added, as ``gaussian_noise`` is: Laplace's, normal and
    uniform ones, with the standard deviation of its first severities. p = 0 strikes values as ``impulse_noise`` does,
    and p = 0.5 comes near to it: a twentieth of the values has two thirds of the energy.
    """
    return tuple(dict.fromkeys(_LEDGER[norm] for norm in norms))


def p_norm_noise(
    images: Tensor, *, norms: Sequence[str] = ("inf",), strength: float = 1.0, probability: float = 1.0
) -> Tensor:
    """Add to each picture a point drawn uniformly from a ball of a p-norm, the norm and the radius drawn too.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        norms: Of ``RADII``, those to choose from, each as likely as the others; at least one. For p = 0 there is
            no addition: values turn black or white.
        strength: Largest radius in units of those of ``RADII``; each picture's is uniform from 0 to this.
        probability: Of treating a picture at all.

    Returns:
        ``(N, 3, H, W)`` uint8, contiguous.

    Raises:
        ConfigError: An unknown norm, or none.

    Source: Siedel et al. 2024 (arXiv:2305.05400), sampling after Calafiore et al. 1998 and Barthe et al. 2005.
    """
    require_known("norms", norms, RADII)
    # Decisions are drawn on the CPU, where they are needed: nobody waits for a device.
    choice = torch.randint(len(norms), (len(images),)).masked_fill_(torch.rand(len(images)) >= probability, -1)
    result = images.clone(memory_format=torch.contiguous_format)
    for index, norm in enumerate(norms):
        places = (choice == index).nonzero().flatten()
        if len(places):
            some = take(result, places)
            radii = torch.rand(len(some), 1, 1, 1, device=images.device) * (strength * RADII[norm])
            noisy = _strike(some, radii) if norm == "0" else _add(some, radii, float(norm))
            result[send(places, images.device)] = noisy
    return result


def _strike(images: Tensor, shares: Tensor) -> Tensor:
    """Turn a share of the values black or white, as likely the one as the other."""
    chance = torch.rand(images.shape, device=images.device)
    return images.masked_fill(chance < shares / 2, 0).masked_fill_(chance >= 1 - shares / 2, 255)


def _add(images: Tensor, radii: Tensor, norm: float) -> Tensor:
    """Add points of balls of so many fractions of white, as power means."""
    levels = ball_points(images.shape, norm, images.device).mul_(radii * 255).add_(images)
    return levels.clamp_(0, 255).round_().to(torch.uint8)


def ball_points(shape: Sequence[int], norm: float, device: torch.device) -> Tensor:
    """Draw a point uniformly from a ball for each picture.

    Args:
        shape: Of the result, pictures first.
        norm: p: 0.5, 1, 2 or infinity.
        device: Where.

    Returns:
        float32 of that shape: numbers x of which the mean of ``|x|**p`` over a picture is at most 1, or the largest
        ``|x|`` for infinity.
    """
    if norm == math.inf:
        return torch.rand(*shape, device=device).mul_(2).sub_(1)
    # Independent numbers g whose density falls as exp(-|g|^p), divided by the p-norm that they have together with an
    # exponential number, are uniform in the ball.
    extra = _exponential(torch.rand(shape[0], 1, 1, 1, device=device))
    if norm == 2:
        points = torch.randn(*shape, device=device)
        sums = points.square().sum((1, 2, 3), keepdim=True).add_(extra, alpha=2)
    else:
        # |g|^p is a sum of 1 / p exponential numbers, of which one comes from the number that decides the sign.
        signed = torch.rand(*shape, device=device).mul_(2).sub_(1)
        powers = _exponential(signed.abs())
        for _ in range(round(1 / norm) - 1):
            powers += _exponential(torch.rand(*shape, device=device))
        sums = powers.sum((1, 2, 3), keepdim=True).add_(extra)
        points = powers.pow_(1 / norm).copysign_(signed)
    return points.mul_((math.prod(shape[1:]) / sums).pow_(1 / norm))


def _exponential(chances: Tensor) -> Tensor:
    """Turn uniform numbers into exponential ones. Overwrites them."""
    return chances.neg_().add_(1).clamp_(min=2.0**-25).log_().neg_()  # A chance of 1 is possible; infinity is not.
