"""What a blur does to each frequency of a picture, for those who would undo it."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from rugged.corruptions.motion import draw_motion_blur, line_offsets, line_weights
from rugged.corruptions.request import as_integer, check_ids, look_up
from rugged.corruptions.streams import Stream, stream_keys


def transfer_of_motion(
    severity: int, *, preset: str, seed: int, ids: Sequence[int | str], size: Sequence[int]
) -> Tensor:
    """The transfer functions of motion blur, whose direction is drawn for each picture.

    Args:
        severity: 1 to 5.
        preset: Table of parameters.
        seed: As for :func:`rugged.corruptions.corrupt`.
        ids: Of N pictures, as for :func:`rugged.corruptions.corrupt`.
        size: Height and width of the pictures, taken for periodic.

    Returns:
        ``(N, H, W // 2 + 1)`` complex128 on the CPU, by which ``torch.fft.rfft2`` of a picture is multiplied.

    Raises:
        CorruptionError: An argument is not one of the above.
    """
    _, parameters = look_up("motion_blur", severity, preset, size, None)
    keys = stream_keys("motion_blur", int(severity), as_integer(seed, "seed"), check_ids(ids, len(ids)))
    stream = Stream(keys, torch.device("cpu"))
    degrees = draw_motion_blur(stream, torch.empty(0)).numpy()
    length = 2 * math.ceil(parameters["radius"]) + 1
    weights = np.array(line_weights(length, parameters["sigma"]), np.float64)
    offsets = line_offsets(degrees, length)[:, : len(weights)]
    # A pixel takes up what lies at its offset, so a point appears at the offset's opposite.
    places = -offsets % np.array(size)
    spread = np.zeros((len(degrees), *size))
    pictures = np.arange(len(degrees))[:, None]
    np.add.at(spread, (pictures, places[..., 0], places[..., 1]), weights / weights.sum())
    transfer: Tensor = torch.fft.rfft2(torch.from_numpy(spread))
    return transfer
