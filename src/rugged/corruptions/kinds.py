"""Pictures in the forms that torchvision and data sets hand them around, corrupted in their own form."""

from collections.abc import Callable
from typing import TypeVar, cast

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchvision import tv_tensors

from rugged.core.errors import CorruptionError
from rugged.corruptions.request import check_image

Picture = TypeVar("Picture")


def in_its_form(picture: Picture, corrupted: Callable[[Tensor], Tensor]) -> Picture:
    """Corrupt a picture and give it back as what it was; a PIL image of another mode becomes RGB.

    Args:
        picture: A PIL image; a uint8 array ``(H, W, 3)``; or a uint8 tensor ``(…, 3, H, W)``, torchvision's own kinds
            of it included. Not modified.
        corrupted: Takes and gives ``(N, 3, H, W)`` uint8.

    Raises:
        CorruptionError: It is none of these, or a PIL image of more than 8 bits, which Pillow would cut off.
    """
    if isinstance(picture, Image.Image):
        _require_levels(picture)
        values = _corrupt_array(np.array(picture.convert("RGB")), corrupted)
        return cast(Picture, Image.fromarray(values))
    if isinstance(picture, np.ndarray):
        check_image(picture)
        return cast(Picture, _corrupt_array(picture, corrupted))
    if isinstance(picture, Tensor) and picture.is_floating_point():
        raise CorruptionError(
            f"The picture is a tensor of {picture.dtype}; expected uint8. Corrupt before converting to floating point."
        )
    if isinstance(picture, Tensor) and picture.ndim >= 3:
        plain = picture.as_subclass(Tensor)
        result = corrupted(plain.reshape(-1, *plain.shape[-3:])).reshape(plain.shape)
        is_special = isinstance(picture, tv_tensors.TVTensor)
        return cast(Picture, tv_tensors.wrap(result, like=picture) if is_special else result)
    corrupted(cast(Tensor, picture))  # Which says what is wrong with it.
    raise AssertionError("an image of a kind that nothing else takes")


def _require_levels(picture: Image.Image) -> None:
    if picture.mode.startswith("I") or picture.mode == "F":
        raise CorruptionError(
            f"The picture's mode is {picture.mode}, whose levels are not those of 8 bits. Scale it to RGB first; "
            "`rugged data pack` does so for files of 16 bits."
        )


def _corrupt_array(values: np.ndarray, corrupted: Callable[[Tensor], Tensor]) -> np.ndarray:
    # A copy, since PyTorch warns of arrays that cannot be written, such as a PIL image's.
    batch = torch.from_numpy(np.array(values, order="C"))[None].permute(0, 3, 1, 2)
    return corrupted(batch)[0].permute(1, 2, 0).contiguous().numpy()
