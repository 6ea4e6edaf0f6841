"""A classifier to ask from Python."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rugged.core.errors import ConfigError, ModelError
from rugged.data import ClassInfo
from rugged.engine import Device, Precision, make_fabric, open_subject
from rugged.engine.restoring import open_restorer
from rugged.models import DEFAULT, ModelSpec
from rugged.predict.pictures import Pictures, Pixels, each_picture
from rugged.results import place_of

BATCH = 64
"""Pictures that are read and answered together."""

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Guess:
    """One class that a picture may be of.

    Attributes:
        id: Of the class, such as ``n01443537``.
        name: What a person calls it.
        probability: In [0, 1].
    """

    id: str
    name: str
    probability: float


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a classifier makes of one picture: the most probable classes, the first one being the answer."""

    top: tuple[Guess, ...]

    @property
    def best(self) -> Guess:
        """The most probable class."""
        return self.top[0]


@dataclass(frozen=True)
class Classifier:
    """A classifier that is ready to answer. ``load`` makes one.

    Pictures may be paths, PIL images, uint8 arrays ``(H, W, 3)`` or ``(N, H, W, 3)``, a uint8 tensor ``(N, 3, H, W)``,
    or a list of paths, images and arrays. They may be of any size: the centre is cropped to a square, a larger one is
    reduced to the model's input, and the rest is the model's own preprocessing. So a picture gives what the benchmark
    measured where its data set was packed at the size of that input from pictures as large or larger, without
    ``--resize``, or holds pictures as they are, no larger than that.

    Attributes:
        answer: ``(N, 3, H, W)`` uint8 to ``(N, classes)`` float32 logits. What is to happen to pictures before the
            network sees them is composed with it.
        classes: What the logits are for.
        spec: What the model expects, and what it was trained with.
        notes: What a reader of its answers must know.

    Example:
        >>> import numpy as np
        >>> from rugged import Classifier
        >>> classifier = Classifier.load("runs/mine")
        >>> [prediction] = classifier.predict(np.zeros((64, 64, 3), np.uint8), top=3)
        >>> len(prediction.top)
        3
        >>> prediction.best.name in [info.name for info in classifier.classes]
        True
        >>> classifier.probabilities(np.zeros((2, 64, 64, 3), np.uint8)).shape
        (2, 10)
    """

    answer: Callable[[Tensor], Tensor]
    classes: tuple[ClassInfo, ...]
    spec: ModelSpec
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Classifier({self.spec.architecture!r}, {len(self.classes):,} classes)"

    @classmethod
    def load(
        cls,
        model: str | Path = DEFAULT,
        *,
        restore: str | Path | None = None,
        device: Device = "auto",
        precision: Precision = "fp32",
    ) -> "Classifier":
        """Make a model ready.

        Args:
            model: A run folder; a model file; the name of a model that comes with rugged, as the default is;
                ``hf://user/name``; an ``.onnx`` file; or an architecture, with its published ImageNet weights.
            restore: A restorer that pictures pass through first, as it was trained by ``rugged restore train``: its
                run folder or its file.
            device: Where it runs.
            precision: Of convolutions and matrix products.

        Raises:
            ConfigError: The device or the precision is not to be had here, or onnxruntime is missing.
            ModelError: There is no such model, or it cannot be loaded.
        """
        name = place_of(model, None).name
        fabric = make_fabric(device, precision, tuned=False)
        subject = open_subject(model, name, None, fabric)
        ids, names = zip(*((info.id, info.name) for info in subject.classes), strict=True)
        facts = subject.facts
        spec = subject.spec or ModelSpec(facts.architecture, ids, names, facts.input_size)
        notes = (subject.note,) if subject.note else ()
        if restore is None:
            return cls(subject.answer, subject.classes, spec, notes)
        restorer = open_restorer(Path(restore), fabric)
        told = f"Pictures pass through the restorer {restore} ({restorer.sha256[:12]}…) first."
        return cls(lambda images: subject.answer(restorer.restore(images)), subject.classes, spec, (*notes, told))

    def predict(self, images: Pictures, top: int = 5) -> list[Prediction]:
        """The most probable classes of each picture.

        Args:
            images: One or more pictures.
            top: How many classes; at most all of them.

        Returns:
            One prediction a picture, in their order.

        Raises:
            ConfigError: ``top`` is below 1.
            DataError: Something that is no picture, or cannot be read.
            ModelError: The model's answer is no number.
        """
        require_top(top)
        return [Prediction(best) for logits in self._answers(images) for best in top_guesses(logits, self.classes, top)]

    def probabilities(self, images: Pictures) -> NDArray[np.float32]:
        """The probability of every class for each picture.

        Returns:
            ``(N, classes)``, in [0, 1], each row summing to 1.

        Raises:
            DataError: Something that is no picture, or cannot be read.
            ModelError: The model's answer is no number.
        """
        parts = [logits.double().softmax(1).float().numpy() for logits in self._answers(images)]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.classes)), np.float32)

    def judge(self, pictures: Sequence[Pixels]) -> Tensor:
        """Logits ``(N, classes)`` on the CPU for a batch of squares, which may differ in size.

        Raises:
            ModelError: The model's answer is no number.
        """
        found = torch.empty(len(pictures), len(self.classes))
        for size in {picture.shape for picture in pictures}:
            rows = [row for row, picture in enumerate(pictures) if picture.shape == size]
            batch = torch.from_numpy(np.stack([pictures[row] for row in rows])).permute(0, 3, 1, 2)
            logits = self.answer(batch)
            if not logits.isfinite().all():
                raise ModelError(
                    f"{self.spec.architecture} answers with values that are no numbers. Its weights are "
                    "damaged, or they are too large for the precision; try --precision fp32."
                )
            found[rows] = logits
        return found

    def _answers(self, images: Pictures) -> Iterator[Tensor]:
        for batch in batches(each_picture(images, self.spec.input_size)):
            yield self.judge(batch)


def top_guesses(logits: Tensor, classes: Sequence[ClassInfo], top: int) -> list[tuple[Guess, ...]]:
    """The most probable classes of each picture.

    Args:
        logits: ``(N, classes)`` on the CPU. They rank, as in the benchmark, since probabilities far below the largest
            are all 0; equal ones rank by class index.
        classes: What they are for.
        top: How many classes; at most all of them.
    """
    probabilities = logits.double().softmax(1)
    ranked = torch.argsort(logits, dim=1, descending=True, stable=True)[:, :top]
    return [
        tuple(Guess(classes[place].id, classes[place].name, float(own[place])) for place in places)
        for own, places in zip(probabilities, ranked.tolist(), strict=True)
    ]


def require_top(top: int) -> None:
    """Refuse what is no number of classes.

    Raises:
        ConfigError: It is.
    """
    if not hasattr(top, "__index__") or top < 1:
        raise ConfigError(f"top is {top!r}; expected a whole number, at least 1.")


def batches(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Lists of ``BATCH`` items, the last one shorter."""
    rest = iter(items)
    while batch := list(islice(rest, BATCH)):
        yield batch
