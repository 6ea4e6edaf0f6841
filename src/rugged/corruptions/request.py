"""What callers ask for, checked: images, names, severities, presets, seeds and ids."""

import operator
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, SupportsIndex

import numpy as np
import torch
from torch import Tensor

from rugged.core.catalogue import ALL, PARAMETERS, PRESETS, SEVERITIES, preset_for
from rugged.core.errors import CorruptionError
from rugged.core.hints import no_such
from rugged.core.selection import SETS
from rugged.corruptions import advice
from rugged.corruptions.registry import KERNELS, Corruption
from rugged.corruptions.textures import Textures, find_textures


def look_up(
    name: object,
    severity: object,
    preset: object,
    size: Sequence[int],
    textures: str | Path | Textures | None,
) -> tuple[Corruption, Mapping[str, Any]]:
    """Find the kernel and its parameters for images of a height and a width, or say what is wrong with the request."""
    if isinstance(name, str) and name in SETS:
        raise CorruptionError(f"{name!r} is a set of corruptions; expected one of them: {', '.join(SETS[name])}.")
    if not isinstance(name, str) or name not in ALL:
        raise CorruptionError(no_such("corruption", name, ALL))
    if isinstance(severity, bool) or not isinstance(severity, int | np.integer) or severity not in SEVERITIES:
        raise CorruptionError(f"severity must be a whole number from 1 to 5, not {severity!r}.")
    preset = preset_for(*size) if preset is None else preset
    if not isinstance(preset, str) or preset not in PRESETS:
        raise CorruptionError(no_such("preset", preset, PRESETS))
    kernel, parameters = KERNELS[name], PARAMETERS[preset][name][int(severity) - 1]
    if kernel.uses_textures:
        return kernel, {**parameters, "textures": find_textures(textures)}
    return kernel, parameters


def as_choices(names: object, severities: object) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """Give what is to be chosen from, corruptions and severities, each one or many, as two tuples of at least one.

    The name of a set stands for its corruptions. Beside a set none counts twice.
    """
    return _without_sets(_one_or_many("corruption", names)), _one_or_many("severity", severities)


def _without_sets(names: tuple[Any, ...]) -> tuple[Any, ...]:
    if not any(isinstance(name, str) and name in SETS for name in names):
        return names
    if not all(isinstance(name, str) for name in names):
        return names  # What is no name is refused later on, and may not be hashable.
    return tuple(dict.fromkeys(each for name in names for each in SETS.get(name, (name,))))


def _one_or_many(what: str, given: Any) -> tuple[Any, ...]:
    if isinstance(given, str | bytes):
        return (given,)
    try:
        found = tuple(given)
    except TypeError:  # One number, maybe as an array or tensor without axes, whose class says that it can be iterated.
        return (given,)
    if not found:
        raise CorruptionError(f"Expected at least one {what}, not {given!r}.")
    return found


def check_images(images: Tensor) -> None:
    """Refuse what is not a batch of pictures."""
    expected = "images must be a (N, 3, H, W) uint8 tensor"
    if not isinstance(images, Tensor):
        raise CorruptionError(f"{expected}, not {_describe(images)}.{advice.of_another_kind(images)}")
    if images.dtype != torch.uint8:
        raise CorruptionError(f"{expected}, not {_describe(images)}.{advice.of_another_type(images)}")
    if images.ndim != 4 or images.shape[1] != 3:
        raise CorruptionError(f"{expected}, not {_describe(images)}.{advice.of_another_shape(tuple(images.shape))}")
    if images.device.type == "mps":
        raise CorruptionError("corruptions compute in float64, which Apple's GPUs lack. Move the images: images.cpu().")
    if not (images.shape[2] and images.shape[3]):
        raise CorruptionError(f"the images have no pixels: their shape is {tuple(images.shape)}.")


def check_image(image: object) -> None:
    """Refuse what is not one picture."""
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


def check_random_state(random_state: object) -> None:
    """Refuse what draws another stream than the reference's."""
    if not isinstance(random_state, np.random.RandomState):
        raise CorruptionError(
            f"random_state must be a numpy.random.RandomState, not {type(random_state).__name__}: others draw other "
            "numbers than the reference. numpy.random.RandomState(seed) makes one."
        )


def check_ids(ids: Sequence[int | str] | None, count: int) -> Sequence[int | str]:
    """Give one id for each image, integers as Python's own."""
    if ids is None:
        return range(count)
    if isinstance(ids, str | bytes):
        raise CorruptionError(f"ids must name each of the {count} images; one string was given. Put it in a list.")
    if not (hasattr(ids, "__len__") and hasattr(ids, "__getitem__")):
        raise CorruptionError(f"ids must be a list or another sequence with one id an image, not {type(ids).__name__}.")
    if len(ids) != count:
        raise CorruptionError(f"there are {len(ids)} ids for {count} images; each image needs one.")
    return [name if isinstance(name, str) else as_integer(name, "an id") for name in ids]


def as_integer(value: SupportsIndex, what: str) -> int:
    """Turn an integer of any kind (NumPy's, a tensor's) into Python's, so that its hash does not tell the kind."""
    try:
        return operator.index(value)
    except TypeError:
        kinds = "an integer" if what == "seed" else "an integer or a string"
        raise CorruptionError(f"{what} must be {kinds}, not {value!r}.") from None
