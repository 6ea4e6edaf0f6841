"""What a variant is made from, and what it must be able to do."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from torch import Tensor

from rugged.benchmark.routes.route import Images
from rugged.core.errors import ModelError
from rugged.core.stopping import StopRequest
from rugged.data import Dataset
from rugged.engine import Fabric, Network
from rugged.engine.subject import Subject

TakePictures = Callable[[slice], Tensor]
"""From places among a cell's images to the pictures, ``(N, 3, H, W)`` uint8."""

Answer = Callable[[Tensor, slice], Tensor]
"""From pictures, and their places among the cell's images, to ``(N, classes)`` logits on the CPU."""


@dataclass(frozen=True)
class Setting:
    """A classifier and the pictures it is measured on.

    Attributes:
        fabric: Device, precision, and the processes that share the work.
        subject: The classifier.
        dataset: The data set; a variant that learns something learns it from training pictures.
        images: How many the smallest cell is about.
        seed: Of the keyed random streams.
    """

    fabric: Fabric
    subject: Subject
    dataset: Dataset
    images: int
    seed: int

    def network(self, variant: str, why: str) -> Network:
        """The network inside the classifier.

        Raises:
            ModelError: Nobody can look into it.
        """
        if self.subject.network is None:
            facts = self.subject.facts
            raise ModelError(
                f"The variant {variant} needs {why}, and {facts.name} ({facts.architecture}) gives nothing but "
                f"answers. Measure it without {variant}, or give a run folder, a model file or an architecture."
            )
        return self.subject.network


class Variant(Protocol):
    """Another way to answer."""

    @property
    def name(self) -> str:
        """On the command line and in tables."""

    @property
    def how(self) -> str:
        """What was done, in a sentence or two with every number that it depends on."""

    @property
    def facts(self) -> Mapping[str, Any]:
        """What answers depend on besides the classifier and the pictures, as JSON has it: saved cells bear it."""

    @property
    def clean_only(self) -> bool:
        """Whether it says something of clean pictures alone."""

    def answering(self, pictures: TakePictures, images: Images, stop: StopRequest) -> AbstractContextManager[Answer]:
        """Get ready for one cell, and give what answers for its pictures. All processes do so together.

        Args:
            pictures: The cell's.
            images: Which they are.
            stop: Looked at where getting ready takes long.
        """
