"""What a model expects and what it answers, kept in the model file itself."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from numbers import Integral

import torch
from torch import Tensor
from torch.nn import functional

from rugged.core.errors import ModelError
from rugged.models.metadata import Entry

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)

LARGEST_INPUT = 10_000
"""Side of an input. No square picture that is read is as large; a file of somebody's may claim more than the memory."""


@dataclass(frozen=True)
class ModelSpec:
    """Everything needed to use a model besides its weights.

    Attributes:
        architecture: ``source/name``, as ``rugged.models.build`` takes it.
        classes: Class ids in the order of the outputs.
        class_names: Their human names, in the same order.
        input_size: Side of the square input in pixels, at most ``LARGEST_INPUT``; pictures of another size are resized
            to it, bilinearly.
        mean: Per channel, subtracted after scaling to [0, 1].
        std: Per channel, divided by; above 0.
        training_operations: The ledger: what training did to the images, by catalogue name for corruptions.

    Raises:
        ModelError: Names, sizes or numbers that no model has.
    """

    architecture: str
    classes: tuple[str, ...]
    class_names: tuple[str, ...]
    input_size: int
    mean: tuple[float, ...] = IMAGENET_MEAN
    std: tuple[float, ...] = IMAGENET_STD
    training_operations: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("classes", "class_names", "mean", "std"):
            value = getattr(self, name)
            if isinstance(value, str) or not isinstance(value, Sequence):
                raise ModelError(f"{name} is {value!r}; expected a tuple.")
            object.__setattr__(self, name, tuple(value))
        if not isinstance(self.input_size, Integral):
            raise ModelError(f"input_size is {self.input_size!r}; expected a whole number of pixels.")
        if len(self.class_names) != len(self.classes):
            raise ModelError(
                f"class_names has {len(self.class_names)} names; expected {len(self.classes)}, as classes."
            )
        if not 1 <= self.input_size <= LARGEST_INPUT:
            raise ModelError(f"input_size is {self.input_size}; expected 1 to {LARGEST_INPUT:,}.")
        for name, values in (("mean", self.mean), ("std", self.std)):
            if len(values) != 3 or not all(map(math.isfinite, values)):
                raise ModelError(f"{name} is {list(values)}; expected three numbers.")
        if not min(self.std) > 0:
            raise ModelError(f"std is {list(self.std)}; expected numbers above 0, since pictures are divided by them.")


_ENTRY = Entry("rugged.model", ModelSpec, format=1, what="model")

to_metadata = _ENTRY.write
from_metadata = _ENTRY.read


def preprocess(images: Tensor, spec: ModelSpec) -> Tensor:
    """Resize, scale and normalise a batch on its own device.

    Args:
        images: ``(N, 3, H, W)`` in levels, 0 to 255: uint8, or float32 through which gradients can flow. Not modified.
        spec: The model's expectations.

    Returns:
        ``(N, 3, S, S)`` float32 in channels-last memory format, which convolutions run fastest on.
    """
    values = images.to(torch.float32, memory_format=torch.channels_last)
    size = (spec.input_size, spec.input_size)
    if values.shape[-2:] != size:
        values = functional.interpolate(values, size, mode="bilinear", antialias=True, align_corners=False)
    scale, shift = _normalisation(spec.mean, spec.std, values.device)
    return values.mul(scale).sub_(shift)


@lru_cache
def _normalisation(mean: tuple[float, ...], std: tuple[float, ...], device: torch.device) -> tuple[Tensor, Tensor]:
    """What levels are multiplied by, and what is then subtracted. Kept, since a device waits for every new number."""
    with torch.inference_mode(False):  # Made for inference, they could not serve a gradient later.
        scale = torch.tensor([1 / (255 * s) for s in std], device=device)
        shift = torch.tensor([m / s for m, s in zip(mean, std, strict=True)], device=device)
    return scale.view(1, 3, 1, 1), shift.view(1, 3, 1, 1)
