"""From a picture of any size to the square frames of a sequence, as the generators of ImageNet-P go there."""

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from rugged.perturbations.catalogue import Framing
from rugged.perturbations.geometry import centre


@dataclass(frozen=True, eq=False)
class View:
    """A batch of pictures on its way to the frame.

    Attributes:
        original: ``(N, 3, H, W)`` uint8: the pictures as they came.
        whole: ``(N, 3, h, w)``: resized, with the margins that a shift or a turn brings into view.
        frame: ``(N, 3, side, side)``: the centre of ``whole``, which is the picture undisturbed.
        framing: What they are framed by.
    """

    original: Tensor
    whole: Tensor
    frame: Tensor
    framing: Framing


def look(images: Tensor, framing: Framing) -> View:
    """Resize pictures and crop their centre.

    Args:
        images: ``(N, 3, H, W)`` uint8.
        framing: The frame.
    """
    whole = resize(images, framing)
    return View(images, whole, crop(whole, framing.side), framing)


def resize(images: Tensor, framing: Framing) -> Tensor:
    """Resize the shorter side with Pillow's antialiased bilinear filter, as torchvision's ``Resize`` does.

    Pictures whose shorter side has the length already, or that of the frame, are returned as they are: a picture cut
    to the frame before is not blown up to be cut again.

    Args:
        images: ``(N, 3, H, W)`` uint8, on any device; resized on the CPU.
        framing: The frame.
    """
    height, width = images.shape[2:]
    shorter = min(height, width)
    if shorter in (framing.shorter, framing.side):
        return images
    size = (framing.shorter * width // shorter, framing.shorter * height // shorter)
    result = np.empty((len(images), size[1], size[0], 3), dtype=np.uint8)
    for picture, place in zip(images.permute(0, 2, 3, 1).cpu().contiguous().numpy(), result, strict=True):
        place[:] = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR))
    return torch.from_numpy(result).permute(0, 3, 1, 2).contiguous().to(images.device)


def crop(images: Tensor, side: int) -> Tensor:
    """Crop the central square of ``side`` pixels, contiguous."""
    top, left = centre(images.shape[2], images.shape[3], side)
    return images[:, :, top : top + side, left : left + side].contiguous()
