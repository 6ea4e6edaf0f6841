"""The fourteen operations that TrivialAugment and AugMix draw from, each batched over pictures that drew it."""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from rugged.train.augmentations import colour
from rugged.train.augmentations.geometry import MAPS, resample
from rugged.train.augmentations.picking import take

COLOUR: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "brightness": colour.brightness,
    "saturate": colour.saturate,
    "contrast": colour.contrast,
    "sharpness": colour.sharpness,
    "posterize": colour.posterize,
    "solarize": colour.solarize,
    "autocontrast": lambda images, _: colour.autocontrast(images),
    "equalize": lambda images, _: colour.equalize(images),
}
"""Operations on levels."""

ALL_OPERATIONS = ("identity", *MAPS, *COLOUR)
"""Those of TrivialAugment."""

AUGMIX_OPERATIONS = (
    "shear_x", "shear_y", "translate_x", "translate_y", "rotate", "posterize", "solarize", "autocontrast", "equalize",
)  # fmt: skip
"""Those that no corruption of the benchmark resembles."""

Ranges = Mapping[str, Callable[[Tensor], Tensor]]
"""What strengths in [-1, 1] mean as an operation's magnitudes. Operations without a direction ignore the sign."""


def policy_ledger(names: Sequence[str]) -> tuple[str, ...]:
    """Names for the training ledger, each once: the elementary operations behind those of a policy, in their order.

    Sharpness is two of them. Below 1 its factors blur, about as the first severity of ``defocus_blur`` does.
    """
    plain = (name.removesuffix("_x").removesuffix("_y") for name in names if name != "identity")
    elementary = (("sharpness", "defocus_blur") if name == "sharpness" else (name,) for name in plain)
    return tuple(dict.fromkeys(name for some in elementary for name in some))


def draw_signs(strengths: Tensor) -> Tensor:
    """Give each strength a direction, as likely the one as the other."""
    return torch.where(torch.rand_like(strengths) < 0.5, -strengths, strengths)


def apply_chosen(
    images: Tensor, names: Sequence[str], choices: Tensor, strengths: Tensor, ranges: Ranges, *, smooth: bool
) -> Tensor:
    """Apply to each image the operations that it chose, to all images of one choice together.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified.
        names: The operations.
        choices: ``(K, N)`` on the CPU, which of them, one after the other; -1 for none.
        strengths: ``(K, N)`` from -1 to 1, on the images' device.
        ranges: What strengths mean.
        smooth: Interpolate where pictures are resampled, instead of taking the nearest pixel.

    Returns:
        ``(N, 3, H, W)`` uint8, contiguous.
    """
    images = images.contiguous()
    sizes = (choices[..., None] == torch.arange(-1, len(names))).sum(1).tolist()
    for order, strength, size in zip(choices.argsort(1), strengths, sizes, strict=True):
        # Once sorted, those of one choice are a slice: less is copied than by picking them out and putting them back.
        images, strength = take(images, order), take(strength, order)
        groups = zip(("identity", *names), torch.split(images, size), torch.split(strength, size), strict=True)
        for name, some, drawn in groups:
            if len(some) and name != "identity":
                some.copy_(_operate(name, some, ranges[name](drawn), smooth=smooth))
        images = take(images, order.argsort())
    return images


def _operate(name: str, images: Tensor, magnitudes: Tensor, *, smooth: bool) -> Tensor:
    if name in MAPS:
        return resample(images, MAPS[name](magnitudes, *images.shape[2:]), smooth=smooth)
    return COLOUR[name](images, magnitudes)
