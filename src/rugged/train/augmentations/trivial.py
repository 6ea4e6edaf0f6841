"""TrivialAugment: one operation of one strength for each picture."""

from collections.abc import Sequence

import torch
from torch import Tensor

from rugged.train.augmentations.names import require_known
from rugged.train.augmentations.operations import ALL_OPERATIONS, Ranges, apply_chosen, draw_signs

_STEPS = 30  # from no strength to the greatest

_RANGES: Ranges = {
    **dict.fromkeys(("shear_x", "shear_y"), lambda strength: 0.99 * strength),
    **dict.fromkeys(("translate_x", "translate_y"), lambda strength: (32 * strength).trunc()),
    "rotate": lambda strength: 135 * strength,
    **dict.fromkeys(("brightness", "saturate", "contrast", "sharpness"), lambda strength: 1 + 0.99 * strength),
    "posterize": lambda strength: 8 - (6 * strength.abs()).round(),
    "solarize": lambda strength: 255 * (1 - strength.abs()),
    **dict.fromkeys(("autocontrast", "equalize"), lambda strength: strength),
}


def trivial_augment(images: Tensor, *, names: Sequence[str] = ALL_OPERATIONS, probability: float = 1.0) -> Tensor:
    """Apply one operation of one strength to each image, all drawn uniformly.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        names: The operations to choose from; at least one. ``operations.ALL_OPERATIONS`` lists them.
        probability: That an image is treated.

    Returns:
        ``(N, 3, H, W)`` uint8.

    Raises:
        ConfigError: An unknown operation, or none.

    Source: Müller & Hutter 2021 (arXiv:2103.10158), the wide space; magnitudes and arithmetic of torchvision's
    ``TrivialAugmentWide``.
    """
    require_known("names", names, ALL_OPERATIONS)
    count = len(images)
    # Decisions are drawn on the CPU, where they are needed: nobody waits for a device.
    choices = torch.randint(len(names), (1, count)).masked_fill_(torch.rand(count) >= probability, -1)
    strengths = draw_signs(torch.randint(_STEPS + 1, (1, count), device=images.device) / _STEPS)
    return apply_chosen(images, names, choices, strengths, _RANGES, smooth=False)
