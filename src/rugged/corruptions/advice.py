"""How pictures in another form are made into a batch: a line of code for what was given."""

from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

_FORMS: tuple[tuple[tuple[int | None, ...], str], ...] = (
    ((3, None, None), "images[None] makes a batch of one picture"),
    ((None, None, 3), "images.permute(2, 0, 1)[None] puts the channels first and makes a batch of one picture"),
    ((None, None), "images.expand(1, 3, -1, -1) makes a batch of one grey picture"),
    ((None, None, None, 3), "images.permute(0, 3, 1, 2) puts the channels second"),
    ((None, 1, None, None), "images.expand(-1, 3, -1, -1) makes grey pictures RGB"),
    ((None, 4, None, None), "images[:, :3] leaves out the transparency"),
    ((None, None, 3, None, None), "images.flatten(0, 1) makes one batch of all frames"),
)
"""What to do with tensors of these shapes, where None is any length; the first that fits counts."""


def of_another_kind(value: Any) -> str:
    """What makes a batch of something that is no tensor; empty where nothing is known to."""
    if isinstance(value, np.ndarray):
        if value.ndim == 4 and value.shape[3] == 3:
            return " Write torch.from_numpy(images).permute(0, 3, 1, 2)."
        if value.ndim == 3 and value.shape[2] == 3:
            return " Write torch.from_numpy(image).permute(2, 0, 1)[None]."
        return " Write torch.from_numpy(images)."
    if isinstance(value, Image.Image):
        return " Write torchvision.transforms.functional.pil_to_tensor(image.convert('RGB'))[None]."
    if isinstance(value, list | tuple) and value:
        if all(isinstance(each, Tensor) for each in value):
            return " torch.stack(images) makes one of tensors of one size."
        return " Make a tensor of each picture, then torch.stack(images)."
    return ""


def of_another_type(values: Tensor) -> str:
    """What gives the levels of a tensor as bytes."""
    if values.dtype == torch.bool:
        return " images.to(torch.uint8) * 255 makes black and white of it."
    if values.is_complex() or not values.numel():
        return ""
    low, high = values.min().item(), values.max().item()
    if not 0 <= low <= high <= 255:
        return " Give levels from 0 to 255, as they are before pictures are normalised."
    if not values.is_floating_point():
        return " Write images.to(torch.uint8)."
    whole = "(images * 255).round()" if high <= 1 else "images.round()"
    return f" Write {whole}.to(torch.uint8)."


def of_another_shape(shape: tuple[int, ...]) -> str:
    """What makes a batch of a tensor of bytes of another shape; empty where nothing is known to."""
    for form, advice in _FORMS:
        if len(form) == len(shape) and all(wanted in (None, side) for wanted, side in zip(form, shape, strict=True)):
            return f" {advice}."
    return ""
