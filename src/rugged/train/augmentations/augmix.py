"""AugMix: each picture mixed with chains of operations on it."""

from collections.abc import Sequence

import torch
from torch import Tensor

from rugged.corruptions.levels import cut
from rugged.train.augmentations.names import require_known
from rugged.train.augmentations.operations import ALL_OPERATIONS, AUGMIX_OPERATIONS, Ranges, apply_chosen, draw_signs

_LEVELS = 10
_DEEPEST = 3  # operations of a chain, where their number is drawn


def augmix(
    images: Tensor,
    *,
    severity: float = 3,
    width: int = 3,
    depth: int = -1,
    alpha: float = 1.0,
    names: Sequence[str] = AUGMIX_OPERATIONS,
    probability: float = 1.0,
) -> Tensor:
    """Mix each image with copies of it that went through chains of operations.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        severity: Strengths are uniform from 0.1 to this, of 10.
        width: Chains an image.
        depth: Operations a chain; -1 draws one, two or three for each chain.
        alpha: Of the Dirichlet distribution of the chains' weights, and of the Beta distribution of their common one.
        names: The operations to choose from; at least one. ``operations.ALL_OPERATIONS`` lists them.
        probability: That an image is treated.

    Returns:
        ``(N, 3, H, W)`` uint8.

    Raises:
        ConfigError: An unknown operation, or none.

    Source: Hendrycks et al. 2020 (arXiv:1912.02781), with the magnitudes of its authors' program.
    """
    require_known("names", names, ALL_OPERATIONS)
    count = len(images)
    deepest = _DEEPEST if depth < 1 else depth
    drawn = torch.empty(deepest, width, count, device=images.device)
    strengths = draw_signs(drawn.uniform_(0.1, severity).div_(_LEVELS))
    # Decisions are drawn on the CPU, where they are needed: nobody waits for a device.
    choices = torch.randint(len(names), drawn.shape)
    if depth < 1:
        depths = torch.randint(1, deepest + 1, (width, count))
        choices.masked_fill_(torch.arange(deepest)[:, None, None] >= depths, -1)
    # Mixing an image with copies that nothing was done to gives the image.
    choices.masked_fill_(torch.rand(count) >= probability, -1)
    copies, ranges = images.contiguous().repeat(width, 1, 1, 1), _ranges(*images.shape[2:])
    copies = apply_chosen(copies, names, choices.flatten(1), strengths.flatten(1), ranges, smooth=True)
    return _mix(images, copies.view(width, *images.shape), alpha)


def alter(images: Tensor, *, severity: float = 3, names: Sequence[str] = AUGMIX_OPERATIONS) -> Tensor:
    """Do one of AugMix's operations to each image.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        severity: Strengths are uniform from 0.1 to this, of 10.
        names: The operations to choose from; at least one.

    Returns:
        ``(N, 3, H, W)`` uint8.

    Raises:
        ConfigError: An unknown operation, or none.
    """
    require_known("names", names, ALL_OPERATIONS)
    strengths = draw_signs(torch.empty(1, len(images), device=images.device).uniform_(0.1, severity).div_(_LEVELS))
    choices = torch.randint(len(names), strengths.shape)
    ranges = _ranges(*images.shape[2:])
    return apply_chosen(images.contiguous(), names, choices, strengths, ranges, smooth=True)


def _ranges(height: int, width: int) -> Ranges:
    return {
        **dict.fromkeys(("shear_x", "shear_y"), lambda strength: 0.3 * strength),
        "translate_x": lambda strength: (width / 3 * strength).trunc(),
        "translate_y": lambda strength: (height / 3 * strength).trunc(),
        "rotate": lambda strength: (30 * strength).trunc(),
        **dict.fromkeys(
            ("brightness", "saturate", "contrast", "sharpness"), lambda strength: 0.1 + 1.8 * strength.abs()
        ),
        "posterize": lambda strength: 4 - (4 * strength.abs()).trunc(),
        "solarize": lambda strength: 256 - (256 * strength.abs()).trunc(),
        **dict.fromkeys(("autocontrast", "equalize"), lambda strength: strength),
    }


def _mix(images: Tensor, copies: Tensor, alpha: float) -> Tensor:
    """Mix images with ``(K, N, 3, H, W)`` copies: their Dirichlet mixture has a Beta share of the result."""
    share = _draw_shares(images, 2, alpha)
    weights = _draw_shares(images, len(copies), alpha) * share[1]
    mixed = images.float() * share[0]
    for copy, weight in zip(copies, weights, strict=True):
        mixed += copy.float().mul_(weight)
    return cut(mixed.round_().clamp_(max=255))


def _draw_shares(images: Tensor, parts: int, alpha: float) -> Tensor:
    """Draw weights that add up to one, for each image: ``(parts, N, 1, 1, 1)``."""
    # Checking the arguments would wait for the device.
    distribution = torch.distributions.Dirichlet(torch.full((parts,), alpha, device=images.device), validate_args=False)
    return distribution.sample((len(images),)).T[..., None, None, None]
