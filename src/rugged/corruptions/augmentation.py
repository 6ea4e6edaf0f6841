"""Corruption as augmentation: each picture of a batch a corruption and a severity of its own.

The kernels are those of the benchmark; only the random bits come from elsewhere. Training need not draw the same for
the same picture, so the bits are PyTorch's own, made on the device: its seed decides, and no key is hashed. Which
pictures get which corruption is drawn on the CPU.
"""

from collections.abc import Sequence
from numbers import Integral, Real
from pathlib import Path

import torch
from torch import Tensor

from rugged.core.catalogue import SEVERITIES
from rugged.core.errors import CorruptionError
from rugged.corruptions.defaults import plain_defaults
from rugged.corruptions.engine import in_parts
from rugged.corruptions.host import send
from rugged.corruptions.request import as_choices, check_images, look_up
from rugged.corruptions.textures import Textures


class DeviceStream:
    """Random bits from PyTorch's generator of a device, in the form that kernels draw from.

    Args:
        count: Images to draw for, N.
        device: Where the bits are made and returned.
    """

    def __init__(self, count: int, device: torch.device) -> None:
        self.count = count
        self.device = device

    def words(self, count: int) -> Tensor:
        """Return ``(N, count)`` words of 64 bits, as int64 bit patterns."""
        return torch.randint(-(2**63), 2**63 - 1, (self.count, count), device=self.device)

    def halfwords(self, count: int, dtype: torch.dtype) -> Tensor:
        """Return ``(N, count)`` whole numbers, uniform on 0 … 65535, as a type that holds them."""
        return torch.randint(0, 1 << 16, (self.count, count), dtype=dtype, device=self.device)


@plain_defaults()
def corrupt_randomly(
    images: Tensor,
    names: str | Sequence[str],
    severities: int | Sequence[int] = SEVERITIES,
    *,
    probability: float = 1.0,
    together: int = 1,
    preset: str | None = None,
    textures: str | Path | Textures | None = None,
) -> Tensor:
    """Give each image one corruption and one severity, drawn from PyTorch's generators.

    ``torch.manual_seed`` decides everything: the CPU's generator which image gets which, that of the images' device the
    noise. Images that drew the same corruption and severity are corrupted together, so a large batch costs less an
    image than a small one.

    Args:
        images: ``(N, 3, H, W)`` uint8, RGB, on the CPU or a CUDA GPU. Not modified.
        names: The corruption, or those to choose from, each as likely as the others; the sets ``"benchmark"``,
            ``"extra"`` and ``"all"`` stand for theirs.
        severities: The severity, or those to choose from, each as likely as the others.
        probability: Of corrupting an image at all, 0 to 1.
        together: How many images, on average at least, are to share a corruption and severity. The fewer pairs a batch
            draws from, the fewer kernels a GPU has to be told of; for an image each pair stays as likely as the others.
        preset: Table of parameters; ``None`` takes the one nearest to the images' size.
        textures: As for ``rugged.corruptions.corrupt``.

    Returns:
        ``(N, 3, H, W)`` uint8 on the images' device.

    Raises:
        CorruptionError: An argument is not one of the above.
    """
    check_images(images)
    names, severities = as_choices(names, severities)
    if not isinstance(probability, Real) or not 0 <= probability <= 1:
        raise CorruptionError(f"Expected a probability from 0 to 1, not {probability!r}.")
    if not isinstance(together, Integral) or together < 1:
        raise CorruptionError(f"Expected at least 1 image to be corrupted together, not {together!r}.")
    size = images.shape[2:]
    kernels = [look_up(name, severity, preset, size, textures) for name in names for severity in severities]
    device = images.device
    # Drawn on the CPU, where the groups must be known: nobody waits for a device.
    chosen = (torch.rand(len(images), dtype=torch.float32) < probability).nonzero().flatten()
    if together > 1:
        drawn = torch.randperm(len(kernels))[: max(1, len(chosen) // together)]
        kernels = [kernels[index] for index in drawn.tolist()]
    choice, order = torch.randint(0, len(kernels), (len(chosen),)).sort()
    places = send(chosen[order], device)
    result = images.clone(memory_format=torch.contiguous_format)
    some = result.index_select(0, places)  # Those of one choice lie one behind the other.
    for (kernel, parameters), group in zip(
        kernels, torch.split(some, choice.bincount(minlength=len(kernels)).tolist()), strict=True
    ):
        if len(group):
            in_parts(group, kernel, parameters, lambda start, stop: DeviceStream(stop - start, device), group)
    return result.index_copy_(0, places, some)
