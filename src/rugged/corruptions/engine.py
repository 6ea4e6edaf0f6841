"""Corrupting batches of images, and replaying the reference."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rugged.core.memory import keep_freed_memory
from rugged.corruptions.bits import Bits
from rugged.corruptions.defaults import plain_defaults
from rugged.corruptions.host import values_at_once
from rugged.corruptions.registry import Corruption
from rugged.corruptions.request import as_integer, check_ids, check_image, check_images, check_random_state, look_up
from rugged.corruptions.streams import Stream, stream_keys
from rugged.corruptions.textures import Textures


@plain_defaults()
def corrupt(
    images: Tensor,
    name: str,
    severity: int,
    *,
    preset: str | None = None,
    seed: int = 0,
    ids: Sequence[int | str] | None = None,
    textures: str | Path | Textures | None = None,
) -> Tensor:
    """Corrupt images.

    An image's result depends on its pixels, its id and the arguments alone: not on the rest of the batch, its order,
    its memory layout, or the call's number. Memory beyond the result stays small, however large the batch.

    Args:
        images: ``(N, 3, H, W)`` uint8, RGB, on the CPU or a CUDA GPU, in any memory layout. Not modified.
        name: One of ``ALL``.
        severity: 1 (mild) to 5. Not always monotonic: severities are the published ones.
        preset: Table of parameters, one of ``PRESETS``; ``None`` takes the one nearest to the images' size.
        seed: Any integer; another seed gives other draws.
        ids: What names each image, integers or strings (``7`` and ``"7"`` differ); equal ids share their draws.
            ``None`` numbers the images 0 … N-1.
        textures: What frost lays over the images, as ``find_textures`` takes it: a folder of the published
            photographs, ``"procedural"``, or what that function returned. ``None`` looks in ``RUGGED_TEXTURES``, then
            in the cache, and draws ice, with a warning, where there is none. Nothing is downloaded.

    Returns:
        ``(N, 3, H, W)`` uint8, contiguous, on the images' device.

    Raises:
        CorruptionError: An argument is not one of the above.

    Example:
        >>> import torch
        >>> from rugged import corrupt
        >>> images = torch.full((2, 3, 64, 64), 128, dtype=torch.uint8)
        >>> noisy = corrupt(images, "gaussian_noise", 3, ids=["cat/1", "cat/2"])
        >>> torch.equal(noisy[1:], corrupt(images[1:], "gaussian_noise", 3, ids=["cat/2"]))  # Alone it is the same.
        True
    """
    check_images(images)
    kernel, parameters = look_up(name, severity, preset, images.shape[2:], textures)
    seed, names = as_integer(seed, "seed"), check_ids(ids, len(images))

    def bits(start: int, stop: int) -> Stream:
        return Stream(stream_keys(name, int(severity), seed, names[start:stop]), images.device)

    return in_parts(images, kernel, parameters, bits)


def in_parts(
    images: Tensor,
    kernel: Corruption,
    parameters: Mapping[str, Any],
    bits: Callable[[int, int], Bits],
    result: Tensor | None = None,
) -> Tensor:
    """Draw and apply for a few images at a time, so that what is worked on stays in cache and memory stays bounded.

    Args:
        images: ``(N, 3, H, W)`` uint8. Not modified, unless they are the result.
        kernel: What to apply.
        parameters: Its physical parameters.
        bits: Gives the source of random bits for the images from one position up to another.
        result: Where to write. ``None`` makes room, or takes what the kernel makes of all images at once.

    Returns:
        ``(N, 3, H, W)`` uint8, contiguous.
    """

    def part(start: int, stop: int) -> Tensor:
        some = images[start:stop].contiguous()
        draws = kernel.draw(bits(start, stop), some, **parameters) if kernel.draw else None
        return kernel.apply(some, draws, **parameters)

    keep_freed_memory()
    count, most = len(images), max(1, values_at_once(images, kernel.at_once) // math.prod(images.shape[1:]))
    parts = -(-count // most)
    if result is None and parts == 1:
        return part(0, count)
    result = torch.empty(images.shape, dtype=torch.uint8, device=images.device) if result is None else result
    for index in range(parts):
        start, stop = index * count // parts, (index + 1) * count // parts
        result[start:stop] = part(start, stop)
    return result


@plain_defaults()
def replay(
    image: np.ndarray,
    name: str,
    severity: int,
    *,
    preset: str,
    random_state: np.random.RandomState,
    textures: str | Path | Textures | None = None,
) -> np.ndarray:
    """Corrupt one image with the random numbers that the reference would draw.

    Args:
        image: ``(H, W, 3)`` uint8, RGB. Not modified.
        name: One of ``ALL``.
        severity: 1 to 5.
        preset: Table of parameters, one of ``PRESETS``.
        random_state: Drawn from as the reference draws from NumPy's global state. Advances.
        textures: As for ``corrupt``.

    Returns:
        ``(H, W, 3)`` uint8: what the reference returns, all but one value in 10,000 at most identical and none off
        by more than one level.

    Raises:
        CorruptionError: An argument is not one of the above.
    """
    check_image(image)
    check_random_state(random_state)
    kernel, parameters = look_up(name, severity, preset, image.shape[:2], textures)
    draws = kernel.replay(random_state, image, **parameters) if kernel.replay else None
    batch = torch.from_numpy(image.transpose(2, 0, 1)[None].copy())
    return kernel.apply(batch, draws, **parameters)[0].permute(1, 2, 0).contiguous().numpy()
