"""Corruptions as a transform among torchvision's."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from torch import Tensor
from torch.utils._pytree import tree_leaves
from torchvision import tv_tensors
from torchvision.transforms import v2

from rugged.core.catalogue import SEVERITIES
from rugged.core.errors import CorruptionError
from rugged.corruptions.augmentation import corrupt_randomly
from rugged.corruptions.kinds import in_its_form
from rugged.corruptions.request import as_choices, look_up
from rugged.corruptions.textures import Textures


class Corrupt(v2.Transform):  # type: ignore[misc]  # torchvision has no types.
    """Corrupt pictures, for use in ``torchvision.transforms.v2.Compose``.

    Takes what transforms of v2 take: PIL images, uint8 tensors and TVTensors ``(…, 3, H, W)``, alone or in samples
    whose labels, boxes and masks stay as they are. Goes before ``ToDtype`` and ``Normalize``.

    The noise is drawn anew at each call, from PyTorch's generators, as other transforms draw: ``torch.manual_seed``
    and the workers of a ``DataLoader`` decide it. For the same noise each time see ``rugged.CorruptedDataset``.

    Args:
        name: One of ``rugged.corruptions.ALL``, or a set: ``"benchmark"``, ``"extra"`` or ``"all"``. Of several one is
            drawn for each picture, and for a ``Video`` one for all its frames, each of which has noise of its own.
        severity: 1 (mild) to 5; of several, one is drawn as for ``name``.
        preset: Table of parameters; ``None`` takes the one nearest to the pictures' size.
        textures: For frost, as for ``rugged.corrupt``.

    Raises:
        CorruptionError: There is no such corruption, severity or preset, or what is given is no picture.

    Example:
        >>> import torch
        >>> from torchvision.transforms import v2
        >>> from rugged import Corrupt
        >>> transform = v2.Compose([Corrupt("fog", 3), v2.ToDtype(torch.float32, scale=True)])
        >>> transform(torch.zeros(3, 64, 64, dtype=torch.uint8)).shape
        torch.Size([3, 64, 64])
    """

    def __init__(
        self,
        name: str | Sequence[str],
        severity: int | Sequence[int] = SEVERITIES,
        *,
        preset: str | None = None,
        textures: str | Path | Textures | None = None,
    ) -> None:
        super().__init__()
        self.names, self.severities = as_choices(name, severity)
        self.preset = preset
        self.textures = textures
        for each in self.names:
            for level in self.severities:  # So that a mistake is told here, not in a worker an hour later.
                _, parameters = look_up(each, level, preset, (64, 64), self.textures)
                self.textures = parameters.get("textures", self.textures)  # Found once, and not for every picture.

    def forward(self, *inputs: Any) -> Any:
        """Corrupt pictures, alone or in samples.

        Raises:
            CorruptionError: The picture is an array, which torchvision's transforms would hand on as it is.
        """
        leaves = tree_leaves(inputs)  # As torchvision takes samples apart, however they are nested.
        if any(isinstance(leaf, np.ndarray) for leaf in leaves) and not any(map(_is_picture, leaves)):
            raise CorruptionError("Corrupt takes PIL images and tensors, not arrays. Put v2.ToImage() before it.")
        return super().forward(*inputs)

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:  # noqa: ARG002 - the names that torchvision calls.
        """Corrupt a picture; boxes, masks and key points stay as they are."""
        if _is_told_apart(inpt):
            return inpt
        return in_its_form(inpt, partial(self._corrupt, alike=isinstance(inpt, tv_tensors.Video)))

    def extra_repr(self) -> str:
        """The arguments, for printing."""
        return f"name={self.names}, severity={self.severities}"

    def _corrupt(self, images: Tensor, *, alike: bool) -> Tensor:
        together = max(len(images), 1) if alike else 1
        return corrupt_randomly(
            images, self.names, self.severities, together=together, preset=self.preset, textures=self.textures
        )


def _is_told_apart(leaf: object) -> bool:
    """Whether it is one of torchvision's boxes, masks and key points."""
    return isinstance(leaf, tv_tensors.TVTensor) and not isinstance(leaf, tv_tensors.Image | tv_tensors.Video)


def _is_picture(leaf: object) -> bool:
    """Whether it may be a picture of a kind that torchvision hands to a transform, and no label."""
    return isinstance(leaf, Image.Image) or (isinstance(leaf, Tensor) and leaf.ndim >= 3 and not _is_told_apart(leaf))
