"""PRIME: random smooth transforms in frequency, in space and in colour, and mixtures of them."""

import math
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from rugged.corruptions.host import send
from rugged.train.augmentations.names import require_known
from rugged.train.augmentations.picking import take

_CHAINS = 3
_DEEPEST = 3  # transforms of a chain


def random_filter(images: Tensor, *, sigma: float = 1.0, size: int = 3) -> Tensor:
    """Convolve each picture with a kernel of its own: the identity plus normal random weights that add up to zero.

    In the paper they add up to anything, with ``sigma`` 4: what it does most is to change brightness and contrast,
    which the benchmark has corruptions for, until most values are black or white. Here each draw's mean is taken out
    of it, so flat areas keep their level, and detail alone is filtered. Only what is clipped still moves the mean.

    Args:
        images: ``(N, 3, H, W)`` uint8. Continued beyond the edges by the edge pixels. Not modified.
        sigma: Largest standard deviation of a weight, before the mean is taken out; each picture's is uniform from 0
            to this.
        size: Of the kernel, in pixels: odd.

    Returns:
        ``(N, 3, H, W)`` uint8, contiguous.

    Source: Modas et al. 2022 (arXiv:2112.13547), random filter, but for the sum of the weights.
    """
    count, device, reach = len(images), images.device, size // 2
    deviations = torch.rand(count, 1, 1, 1, device=device) * sigma
    kernels = torch.randn(count, 1, size, size, device=device) * deviations
    kernels -= kernels.mean((2, 3), keepdim=True)
    kernels[..., reach, reach] += 1
    padded = functional.pad(images.contiguous().float(), (reach,) * 4, mode="replicate")
    # Three pictures whose channels are the batch: one kernel a channel.
    filtered = functional.conv2d(padded.transpose(0, 1), kernels, groups=count).transpose(0, 1)
    return _to_bytes(filtered)


def random_warp(images: Tensor, *, strength: float = 1.0, cutoff: int = 10) -> Tensor:
    """Displace each picture's pixels by a random field of low frequencies that vanishes at the edges.

    A field is a sum of sines with normal amplitudes, those of a wave falling as its frequency rises. It keeps to
    the frequencies up to a cutoff of its own, uniform from 2 to the largest, and is so weak that lines seldom cross.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        strength: Largest displacement (root mean square over picture and draws) in units of what lets the picture
            begin to fold over, 1 / (pi cutoff) of its side; each picture's is uniform from 0 to this.
        cutoff: Largest frequency, in half waves a side, at least 2.

    Returns:
        ``(N, 3, H, W)`` uint8.

    Source: Petrini et al. 2021 (arXiv:2105.02468), as Modas et al. 2022 (arXiv:2112.13547) use it.
    """
    count, (height, width), device = len(images), images.shape[2:], images.device
    waves = torch.arange(1, cutoff + 1, device=device, dtype=torch.float32)
    radius = torch.hypot(waves[:, None], waves)
    cutoffs = torch.randint(2, cutoff + 1, (count, 1, 1), device=device)
    falling = (radius < cutoffs + 0.5) / radius
    # Of each wave's square a quarter is left in the mean over the picture, and there are two directions.
    falling *= (falling.square().sum((1, 2), keepdim=True) / 2).rsqrt()
    largest = torch.rand(count, 1, 1, device=device) * (strength / math.pi) / cutoffs
    amplitudes = torch.randn(count, 2, cutoff, cutoff, device=device) * (falling * largest)[:, None]
    x, y = ((torch.arange(side, device=device) + 0.5) / side for side in (width, height))
    fields = _sines(waves, y).T @ amplitudes @ _sines(waves, x)  # (N, 2, H, W), in sides
    grid = fields.permute(0, 2, 3, 1).mul(2)  # The sampler's sides are 2 long.
    grid[..., 0] += x * 2 - 1
    grid[..., 1] += (y * 2 - 1)[:, None]
    planes = images.contiguous().float()
    return _to_bytes(functional.grid_sample(planes, grid, padding_mode="border", align_corners=False))


def colour_curve(images: Tensor, *, strength: float = 0.2, frequencies: int = 10) -> Tensor:
    """Send each channel of each picture through a random smooth tone curve that leaves black and white in their place.

    A curve is the identity plus a sum of sines with normal amplitudes, clipped.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        strength: Largest deviation of a curve from the identity (root mean square over levels and draws), as a
            fraction of white; each picture's is uniform from 0 to this.
        frequencies: Largest number of sines, of 1, 2, 3 … half waves from black to white; each picture's is uniform
            from 1 to this. With few of them, curves are nearly monotonic.

    Returns:
        ``(N, 3, H, W)`` uint8, contiguous.

    Source: Modas et al. 2022 (arXiv:2112.13547), colour jitter.
    """
    count, device = len(images), images.device
    levels = torch.linspace(0, 1, 256, device=device)
    waves = torch.arange(1, frequencies + 1, device=device, dtype=torch.float32)
    numbers = torch.randint(1, frequencies + 1, (count, 1, 1), device=device)
    # Of a sine's square half is left in the mean.
    deviations = torch.rand(count, 1, 1, device=device) * strength * (2 / numbers).sqrt()
    amplitudes = torch.randn(count, 3, frequencies, device=device) * (deviations * (waves <= numbers))
    curves = _to_bytes((amplitudes @ _sines(waves, levels)).add_(levels).mul_(255))
    places = images.contiguous().view(count, 3, -1).long()
    return curves.gather(2, places).view(images.shape)


TRANSFORMS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "random_filter": random_filter,
    "colour_curve": colour_curve,
    "elastic_transform": random_warp,
}
"""What ``prime`` mixes, by the ledger's names. The warp is a close copy of a corruption of the benchmark, and goes by
that one's name."""


def prime(images: Tensor, *, names: Sequence[str] = tuple(TRANSFORMS), probability: float = 1.0) -> Tensor:
    """Mix each picture with copies of it that went through chains of random smooth transforms.

    There are three chains, of one to three transforms, each number as likely. The chains' weights are uniform among
    those that add up to 1; so is the mixture's own weight with the picture's.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        names: Of ``TRANSFORMS``, those to choose from, each as likely as the others; at least one.
        probability: Of treating a picture at all.

    Returns:
        ``(N, 3, H, W)`` uint8, contiguous.

    Raises:
        ConfigError: An unknown name, or none.

    Source: Modas et al. 2022 (arXiv:2112.13547).
    """
    require_known("names", names, TRANSFORMS)
    # Decisions are drawn on the CPU, where they are needed: nobody waits for a device.
    treated = (torch.rand(len(images)) < probability).nonzero().flatten()
    lengths, order = torch.randint(1, _DEEPEST + 1, (_CHAINS * len(treated),)).sort(descending=True)
    result = images.clone(memory_format=torch.contiguous_format)
    if not len(treated):
        return result
    originals = take(result, treated)
    chains = take(originals, order % len(treated))  # The longest first: the first ones are still going on.
    for step in range(_DEEPEST):
        choice = torch.randint(len(names), (int((lengths > step).sum()),))
        if len(choice):
            chains[: len(choice)] = _apply(chains[: len(choice)], choice, [TRANSFORMS[name] for name in names])
    copies = take(chains, order.argsort()).view(_CHAINS, *originals.shape)
    result[send(treated, images.device)] = _mix(originals, copies)
    return result


def _apply(images: Tensor, choice: Tensor, transforms: Sequence[Callable[[Tensor], Tensor]]) -> Tensor:
    """Apply to each picture the transform that it chose, all pictures of one choice together."""
    order = choice.argsort()
    groups = torch.split(take(images, order), choice.bincount(minlength=len(transforms)).tolist())
    results = [transform(group) for transform, group in zip(transforms, groups, strict=True) if len(group)]
    return take(torch.cat(results), order.argsort())


def _mix(images: Tensor, copies: Tensor) -> Tensor:
    """Mix pictures with ``(K, N, 3, H, W)`` copies of them, by random weights: ``(N, 3, H, W)`` uint8."""
    # Intervals between events are exponential; divided by their sum, they are uniform among what adds up to 1.
    weights = (1 - torch.rand(copies.shape[:2], device=images.device)).log_().neg_().add_(1e-30)
    share = torch.rand(len(images), device=images.device)
    weights *= share / weights.sum(0)
    mixed = images * (1 - share)[:, None, None, None]
    for copy, weight in zip(copies, weights, strict=True):
        mixed += copy * weight[:, None, None, None]
    return _to_bytes(mixed)


def _sines(waves: Tensor, places: Tensor) -> Tensor:
    """Sines of so many half waves from 0 to 1, at places between: ``(waves, places)``."""
    return (waves[:, None] * places * math.pi).sin()


def _to_bytes(levels: Tensor) -> Tensor:
    """Clip and round. Overwrites ``levels``."""
    return levels.clamp_(0, 255).round_().to(torch.uint8, memory_format=torch.contiguous_format)
