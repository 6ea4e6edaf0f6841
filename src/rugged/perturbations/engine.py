"""Making the sequences of batches of pictures."""

from collections.abc import Sequence

import torch
from torch import Tensor

from rugged.core.memory import keep_freed_memory
from rugged.corruptions.defaults import plain_defaults
from rugged.corruptions.host import values_at_once
from rugged.corruptions.request import as_integer, check_ids, check_images
from rugged.corruptions.streams import Stream, stream_keys
from rugged.perturbations.catalogue import COURSES, PRESETS, compares_with_first
from rugged.perturbations.framing import look
from rugged.perturbations.request import check_difficulty, check_name, choose_preset
from rugged.perturbations.sequences import RUNS

_IN_CACHE = 1 << 19  # values that stay in a CPU's cache


@plain_defaults()
def perturb(
    images: Tensor,
    name: str,
    *,
    preset: str | None = None,
    difficulty: int = 1,
    seed: int = 0,
    ids: Sequence[int | str] | None = None,
) -> Tensor:
    """Make a perturbation sequence of every picture.

    A picture's sequence depends on its pixels, its id and the arguments alone: not on the rest of the batch, its order
    or its memory layout. So a large set can be handed over in pieces of any size; memory beyond the result stays small.

    Args:
        images: ``(N, 3, H, W)`` uint8, RGB, on the CPU or a CUDA GPU. Not modified. The shorter side is resized
            and the centre cropped to the preset's frame; pictures that are cut to the frame already stay as they are.
            Larger ones have margins that come into view when they are moved, as in the published sequences.
        name: One of ``ALL_SEQUENCES``.
        preset: Which published set: ``"cifar32"``, ``"tiny64"`` or ``"imagenet224"``. ``None`` takes the one whose
            frames are nearest to the pictures' size.
        difficulty: 1 to 3. Noise is stronger at 2 and 3. The other sequences have the same frames at every difficulty;
            what differs is how far apart those lie that are compared (``stride``).
        seed: Any integer; another seed gives other draws.
        ids: What names each picture, integers or strings; equal ids share their draws. ``None`` numbers the pictures.

    Returns:
        ``(N, F, 3, side, side)`` uint8 on the pictures' device, ``F`` as ``frames_of`` says. The first frame of a
        noise sequence and of zoom_blur is the clean picture.

    Raises:
        CorruptionError: An argument is not one of the above.
    """
    check_images(images)
    check_name(name)
    check_difficulty(difficulty)
    preset = choose_preset(preset, images.shape[2:])
    framing, course = PRESETS[preset], COURSES[preset][name]
    # Of its own name, so that no frame shares its draws with a corruption; only noise depends on the difficulty.
    strength = int(difficulty) if compares_with_first(name) else 1
    keys = stream_keys(f"{name} sequence", strength, as_integer(seed, "seed"), check_ids(ids, len(images)))
    shape = (len(images), course.frames, 3, framing.side, framing.side)
    result = torch.empty(shape, dtype=torch.uint8, device=images.device)
    keep_freed_memory()
    largest = max(images[:1].numel(), 3 * framing.shorter**2)
    step = max(1, values_at_once(images, _IN_CACHE) // largest)
    for start in range(0, len(images), step):
        part = slice(start, start + step)
        view = look(images[part].contiguous(), framing)
        stream = Stream(keys[part], images.device)
        for number, frame in enumerate(RUNS[name](view, stream, course, strength)):
            result[part, number] = frame
    return result
