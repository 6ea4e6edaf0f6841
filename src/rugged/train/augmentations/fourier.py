"""Amplitude mix: a picture with some of another one's contrasts and textures, drawn with its own lines."""

import torch
from torch import Tensor

from rugged.corruptions.host import send
from rugged.train.augmentations.picking import take


def fourier_mix(images: Tensor, *, strength: float = 1.0, probability: float = 0.5) -> Tensor:
    """Mix the amplitudes of each picture's spectrum with those of another picture of the batch; phases stay.

    Shapes live in the phases, while amplitudes hold style: contrast, sharpness, texture. Unlike in the paper, each
    channel keeps the amplitude at frequency zero, its mean level: to mix that, too, is to change brightness, by more
    than 20 levels in a third of the pictures, and the benchmark has a corruption for it. Only what is clipped at black
    and white still moves the mean.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        strength: Largest weight of the other picture's amplitudes, 0 to 1; each picture's is uniform from 0 to this.
        probability: Of treating a picture at all. A picture alone in its batch stays as it is.

    Returns:
        ``(N, 3, H, W)`` uint8, contiguous.

    Source: Xu et al. 2021 (arXiv:2105.14075), AmplitudeMix, but for the mean level.
    """
    # Decisions are drawn on the CPU, where they are needed: nobody waits for a device.
    treated = (torch.rand(len(images)) < probability).nonzero().flatten()
    others = (treated + torch.randint(1, max(len(images), 2), treated.shape)) % len(images)
    result = images.clone(memory_format=torch.contiguous_format)
    if not len(treated):
        return result
    spectra, strange = torch.fft.rfft2(take(result, torch.cat((treated, others))).float()).chunk(2)
    weights = torch.rand(len(treated), 1, 1, 1, device=images.device) * strength
    # Amplitudes below 1, a few 10,000ths of a level, are zeros but for rounding: they have no phase to draw with.
    factors = strange.abs().div_(spectra.abs().clamp_(min=1)).sub_(1).mul_(weights).add_(1)
    factors[..., 0, 0] = 1
    levels = torch.fft.irfft2(spectra * factors, s=images.shape[2:])
    result[send(treated, images.device)] = levels.clamp_(0, 255).round_().to(torch.uint8)
    return result
