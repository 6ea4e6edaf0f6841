"""What changes a picture's colours and nothing else."""

from torch import Tensor

from rugged.corruptions.hsv import adjust_hsv, shift_value


def brightness(images: Tensor, _: None, *, shift: float) -> Tensor:
    """More light, or less: a shift of the value channel in HSV.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        shift: Added to the value channel, as a fraction of white; negative darkens.

    Returns:
        ``(N, 3, H, W)`` uint8.

    Source: Hendrycks & Dietterich 2019 (arXiv:1903.12261), ``brightness``.
    """
    return shift_value(images, shift)


def saturate(images: Tensor, _: None, *, factor: float, shift: float) -> Tensor:
    """Paler or gaudier colours: the saturation channel in HSV, scaled and shifted.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        factor: The saturation is multiplied by this.
        shift: Added to it then. More than 0 tints greys red, the hue they have in HSV.

    Returns:
        ``(N, 3, H, W)`` uint8.

    Source: Hendrycks & Dietterich 2019 (arXiv:1903.12261), ``saturate``.
    """
    return adjust_hsv(images, saturation_factor=factor, saturation_shift=shift)
