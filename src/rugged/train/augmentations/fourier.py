"""Amplitude mix: a picture with some of another one's contrasts and colours, drawn with its own lines."""

import torch
from torch import Tensor

OPERATIONS = ("fourier_mix",)
"""What the training ledger lists."""


def fourier_mix(images: Tensor, *, strength: float = 1.0, probability: float = 0.5) -> Tensor:
    """Mix the amplitudes of each picture's spectrum with those of another picture of the batch; phases stay.

    Shapes live in the phases, while amplitudes hold style: light, contrast, sharpness, texture.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        strength: Largest weight of the other picture's amplitudes, 0 to 1; each picture's is uniform from 0 to this.
        probability: Of treating a picture at all. A picture alone in its batch stays as it is.

    Returns:
        ``(N, 3, H, W)`` uint8, contiguous.

    Source: Xu et al. 2021 (arXiv:2105.14075), AmplitudeMix.
    """
    # Decisions are drawn on the CPU, where they are needed: nobody waits for a device.
    treated = (torch.rand(len(images)) < probability).nonzero().flatten()
    others = (treated + torch.randint(1, max(len(images), 2), treated.shape)) % len(images)
    result = images.clone(memory_format=torch.contiguous_format)
    if not len(treated):
        return result
    treated, others = treated.to(images.device), others.to(images.device)
    spectra, strange = torch.fft.rfft2(result.index_select(0, torch.cat((treated, others))).float()).chunk(2)
    weights = torch.rand(len(treated), 1, 1, 1, device=images.device) * strength
    # Amplitudes below 1, a few 10,000ths of a level, are zeros but for rounding: they have no phase to draw with.
    factors = strange.abs().div_(spectra.abs().clamp_(min=1)).sub_(1).mul_(weights).add_(1)
    levels = torch.fft.irfft2(spectra * factors, s=images.shape[2:])
    result[treated] = levels.clamp_(0, 255).round_().to(torch.uint8)
    return result
