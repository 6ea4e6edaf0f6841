"""The fourteen operations that TrivialAugment and AugMix draw from, each batched over pictures that drew it."""

import difflib
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from rugged.core.errors import ConfigError
from rugged.train.augmentations import colour
from rugged.train.augmentations.geometry import MAPS, resample
from rugged.train.augmentations.recipe import TRIVIAL

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
"""Operations on levels; with those that :data:`MAPS` lists, and identity, all that there are."""

Ranges = Mapping[str, Callable[[Tensor], Tensor]]
"""What strengths in [-1, 1] mean as an operation's magnitudes. Operations without a direction ignore the sign."""


def ledger(names: Sequence[str]) -> tuple[str, ...]:
    """The elementary operations behind those of a policy, each once, in the order given."""
    plain = (name.removesuffix("_x").removesuffix("_y") for name in names if name != "identity")
    return tuple(dict.fromkeys(plain))


def require_operations(names: Sequence[str]) -> None:
    """Refuse what is not a list of operations.

    Raises:
        ConfigError: None given, or one that there is not.
    """
    if isinstance(names, str) or not names:
        raise ConfigError(f"Expected a list of at least one operation, not {names!r}.")
    for name in names:
        if name not in TRIVIAL:
            nearest = difflib.get_close_matches(str(name), TRIVIAL, n=1)
            hint = f"Did you mean {nearest[0]!r}?" if nearest else f"There are: {', '.join(TRIVIAL)}."
            raise ConfigError(f"There is no operation {name!r}. {hint}")


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
        choices: ``(K, N)``, which of them, one after the other; -1 for none.
        strengths: ``(K, N)`` from -1 to 1.
        ranges: What strengths mean.
        smooth: Interpolate where pictures are resampled, instead of taking the nearest pixel.

    Returns:
        ``(N, 3, H, W)`` uint8, contiguous.
    """
    images = images.contiguous()
    kinds = torch.arange(-1, len(names), device=images.device)
    sizes = (choices[..., None] == kinds).sum(1).tolist()  # The one wait for the device.
    for order, strength, size in zip(choices.argsort(1), strengths, sizes, strict=True):
        # Once sorted, those of one choice are a slice: less is copied than by picking them out and putting them back.
        images, strength = images.index_select(0, order), strength.index_select(0, order)
        groups = zip(("identity", *names), torch.split(images, size), torch.split(strength, size), strict=True)
        for name, some, drawn in groups:
            if len(some) and name != "identity":
                some.copy_(_operate(name, some, ranges[name](drawn), smooth=smooth))
        images = images.index_select(0, order.argsort())
    return images


def _operate(name: str, images: Tensor, magnitudes: Tensor, *, smooth: bool) -> Tensor:
    if name in MAPS:
        return resample(images, MAPS[name](magnitudes, *images.shape[2:]), smooth=smooth)
    return COLOUR[name](images, magnitudes)
