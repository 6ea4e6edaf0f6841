"""Corrupting batches of images, and replaying the reference."""

import difflib
import math
import operator
from collections.abc import Collection, Sequence
from typing import SupportsIndex

import numpy as np
import torch
from torch import Tensor

from rugged.core.catalogue import ALL, PARAMETERS, PRESETS, SEVERITIES, Parameters, preset_for
from rugged.core.errors import CorruptionError
from rugged.corruptions.registry import AVAILABLE, KERNELS, Corruption
from rugged.corruptions.streams import Stream, stream_keys

_AT_ONCE = 1 << 25  # values corrupted at once on an accelerator: enough to keep it busy, bounded for its memory


def corrupt(
    images: Tensor,
    name: str,
    severity: int,
    *,
    preset: str | None = None,
    seed: int = 0,
    ids: Sequence[int | str] | None = None,
) -> Tensor:
    """Corrupt images.

    An image's result depends on its pixels, its id and the arguments alone: not on the rest of the batch, its order,
    its memory layout, or the call's number. Memory beyond the result stays small, however large the batch.

    Args:
        images: ``(N, 3, H, W)`` uint8, RGB, on any device, in any memory layout. Not modified.
        name: One of ``AVAILABLE``.
        severity: 1 (mild) to 5. Not always monotonic: severities are the published ones.
        preset: Table of parameters, one of ``PRESETS``; ``None`` takes the one nearest to the images' size.
        seed: Any integer; another seed gives other draws.
        ids: What names each image, integers or strings (``7`` and ``"7"`` differ); equal ids share their draws.
            ``None`` numbers the images 0 … N-1.

    Returns:
        ``(N, 3, H, W)`` uint8, contiguous, on the images' device.

    Raises:
        CorruptionError: An argument is not one of the above.
    """
    _check_images(images)
    kernel, parameters = _look_up(name, severity, preset, *images.shape[2:])
    keys = stream_keys(name, int(severity), _integer(seed, "seed"), _check_ids(ids, len(images)))
    result = torch.empty(images.shape, dtype=torch.uint8, device=images.device)
    at_once = kernel.at_once if images.device.type == "cpu" else _AT_ONCE
    step = max(1, at_once // math.prod(images.shape[1:]))
    for start in range(0, len(images), step):
        part = images[start : start + step].contiguous()
        draws = kernel.draw(Stream(keys[start : start + step], images.device), part, **parameters)
        result[start : start + step] = kernel.apply(part, draws, **parameters)
    return result


def replay(
    image: np.ndarray, name: str, severity: int, *, preset: str, random_state: np.random.RandomState
) -> np.ndarray:
    """Corrupt one image with the random numbers that the reference would draw.

    Args:
        image: ``(H, W, 3)`` uint8, RGB. Not modified.
        name: One of ``AVAILABLE``.
        severity: 1 to 5.
        preset: Table of parameters, one of ``PRESETS``.
        random_state: Drawn from as the reference draws from NumPy's global state. Advances.

    Returns:
        ``(H, W, 3)`` uint8: what the reference returns, all but a few values in 10,000 identical and none off by more
        than one level.

    Raises:
        CorruptionError: An argument is not one of the above.
    """
    _check_image(image)
    kernel, parameters = _look_up(name, severity, preset, *image.shape[:2])
    draws = kernel.replay(random_state, image, **parameters)
    batch = torch.from_numpy(image.transpose(2, 0, 1)[None].copy())
    return kernel.apply(batch, draws, **parameters)[0].permute(1, 2, 0).contiguous().numpy()


def _look_up(name: str, severity: object, preset: str | None, height: int, width: int) -> tuple[Corruption, Parameters]:
    """Find the kernel and its parameters, or say what is wrong with the request."""
    if name not in ALL:
        raise CorruptionError(f"there is no corruption {name!r}.{_nearest(name, ALL)} There are: {', '.join(ALL)}.")
    if name not in KERNELS:
        raise CorruptionError(f"{name} is not available yet; available: {', '.join(AVAILABLE)}.")
    if isinstance(severity, bool) or not isinstance(severity, int | np.integer) or severity not in SEVERITIES:
        raise CorruptionError(f"severity must be a whole number from 1 to 5, not {severity!r}.")
    preset = preset_for(height, width) if preset is None else preset
    if preset not in PRESETS:
        raise CorruptionError(
            f"there is no preset {preset!r}.{_nearest(preset, PRESETS)} There are: {', '.join(PRESETS)}."
        )
    return KERNELS[name], PARAMETERS[preset][name][int(severity) - 1]


def _nearest(name: object, names: Collection[str]) -> str:
    close = difflib.get_close_matches(str(name), names, n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def _check_images(images: Tensor) -> None:
    expected = "images must be a (N, 3, H, W) uint8 tensor"
    if not isinstance(images, Tensor):
        raise CorruptionError(f"{expected}, not {_describe(images)}. torch.from_numpy makes one of an array.")
    if images.dtype != torch.uint8:
        raise CorruptionError(f"{expected}, not {_describe(images)}. Corrupt before converting to floating point.")
    if images.ndim != 4 or images.shape[1] != 3:
        hint = " Channels come second: permute(0, 3, 1, 2)." if images.ndim == 4 and images.shape[3] == 3 else ""
        raise CorruptionError(f"{expected}, not {_describe(images)}.{hint}")
    if not (images.shape[2] and images.shape[3]):
        raise CorruptionError(f"the images have no pixels: their shape is {tuple(images.shape)}.")


def _check_image(image: object) -> None:
    expected = "image must be one (H, W, 3) uint8 array"
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise CorruptionError(f"{expected}, not {_describe(image)}.")
    if not image.size:
        raise CorruptionError(f"the image has no pixels: its shape is {image.shape}.")


def _describe(value: object) -> str:
    """Say what was given: shape and dtype of arrays and tensors, the type of anything else."""
    if isinstance(value, Tensor | np.ndarray):
        return f"one of shape {tuple(value.shape)} and dtype {value.dtype}"
    return type(value).__name__


def _check_ids(ids: Sequence[int | str] | None, count: int) -> Sequence[int | str]:
    if ids is None:
        return range(count)
    if isinstance(ids, str | bytes):
        raise CorruptionError(f"ids must name each of the {count} images; one string was given. Put it in a list.")
    if len(ids) != count:
        raise CorruptionError(f"there are {len(ids)} ids for {count} images; each image needs one.")
    return [name if isinstance(name, str) else _integer(name, "an id") for name in ids]


def _integer(value: SupportsIndex, what: str) -> int:
    """Turn an integer of any kind (NumPy's, a tensor's) into Python's, so that its hash does not tell the kind."""
    try:
        return operator.index(value)
    except TypeError:
        kinds = "an integer" if what == "seed" else "an integer or a string"
        raise CorruptionError(f"{what} must be {kinds}, not {value!r}.") from None
