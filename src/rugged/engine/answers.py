"""How a stranger's answers become logits: it is tried before anything is asked of it."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from rugged.core.errors import ModelError
from rugged.data import ClassInfo
from rugged.engine.networks import IMAGENET_CLASSES
from rugged.models import imagenet_indices, imagenet_names

_TRIED = 2

Answer = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Read:
    """Answers that can be understood.

    Attributes:
        classes: What they are for.
        answer: ``(N, 3, H, W)`` uint8 pictures to ``(N, classes)`` float32 logits on the CPU.
        notes: What a reader must know of that, as sentences.
    """

    classes: tuple[ClassInfo, ...]
    answer: Answer
    notes: tuple[str, ...]


def read_answers(model: str, answer: Answer, wanted: tuple[ClassInfo, ...] | None, size: tuple[int, int]) -> Read:
    """Find out for how many classes a stranger answers, and whether with logits or with probabilities.

    Two black pictures are tried.

    Args:
        model: Its name, for messages.
        answer: Pictures to a value for each class.
        wanted: The classes that logits are wanted for, picked out of ImageNet's thousand where it answers for these.
            None takes as many as there are, by ImageNet's names where they are a thousand, else by numbers.
        size: Height and width of pictures.

    Raises:
        ModelError: It answers for another number of classes, or not with a value for each.
    """
    tried = answer(torch.zeros(_TRIED, 3, *size, dtype=torch.uint8)).float()
    if wanted is None and tried.ndim == 2:
        wanted = _unnamed(tried.shape[1])
    classes = wanted or ()
    of_imagenet = tried.shape == (_TRIED, IMAGENET_CLASSES) and len(classes) != IMAGENET_CLASSES
    picked = _among_imagenets(classes) if of_imagenet else None
    outputs = len(classes) if picked is None else IMAGENET_CLASSES

    def require_shape(answers: Tensor, pictures: int) -> None:
        if answers.shape != (pictures, outputs) or not outputs:
            raise ModelError(
                f"{model} answers {pictures} pictures with the shape {tuple(answers.shape)}; expected ({pictures}, "
                f"{outputs or 'classes'}), a value for each of the {outputs or ''} classes."
            )

    require_shape(tried, _TRIED)
    likely = bool((tried >= 0).all()) and torch.allclose(tried.sum(1), torch.ones(()), atol=1e-3)

    def read(images: Tensor) -> Tensor:
        answers = answer(images)
        require_shape(answers, len(images))
        values = answers.float().cpu()
        # Softmax makes the same probabilities of them again. Zeros stand for what was too small for float32.
        logits = values.clamp_min(torch.finfo(torch.float32).tiny).log() if likely else values
        return logits if picked is None else logits[:, picked]

    notes = [f"{model} answers with probabilities; their logarithms were taken for logits."] if likely else []
    if picked is not None:
        notes.append(only_some(model, IMAGENET_CLASSES, len(classes)))
    return Read(classes, read, tuple(notes))


def only_some(model: str, outputs: int, classes: int) -> str:
    """A sentence on a model that knows more classes than a data set has."""
    return (
        f"{model} answers for ImageNet-1k's {outputs:,} classes; only its answers for the {classes} of this data set "
        "count."
    )


def _unnamed(count: int) -> tuple[ClassInfo, ...]:
    if count == IMAGENET_CLASSES:
        return tuple(ClassInfo(id, name) for id, name in imagenet_names().items())
    return tuple(ClassInfo(str(number), str(number)) for number in range(count))


def _among_imagenets(classes: tuple[ClassInfo, ...]) -> list[int] | None:
    """The places of classes among ImageNet-1k's; None where some have none."""
    try:
        return imagenet_indices([info.id for info in classes])
    except ModelError:
        return None
