"""The networks and the pictures that a command names."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rugged.core.errors import ConfigError, DataError, ModelError
from rugged.core.selection import check_limit
from rugged.data import Dataset, decode_image
from rugged.data.decode import BadImageError
from rugged.data.sources.trees import read_file
from rugged.data.splits import evenly
from rugged.engine import Fabric, Network, class_infos, open_subject
from rugged.results import Classes, place_of


@dataclass(frozen=True)
class Opened:
    """A network to look into: ``name`` is its own among them, ``sha256`` that of its file or weights."""

    name: str
    network: Network
    sha256: str


@dataclass(frozen=True, eq=False)
class ChosenPictures:
    """Pictures to look at.

    Attributes:
        images: ``(N, 3, H, W)`` uint8.
        ids: What their corruption is keyed by.
        labels: ``(N,)`` int64; None where nobody knows.
        source: Where they come from, for a reader.
    """

    images: Tensor
    ids: tuple[str, ...]
    labels: NDArray[np.int64] | None
    source: str


def open_networks(models: Sequence[str], dataset: Dataset | None, fabric: Fabric) -> list[Opened]:
    """Load networks, each under a name of its own.

    Args:
        models: Run folders, model files, or architectures with published weights.
        dataset: Whose classes they tell apart; None takes those of the first one.
        fabric: Device and precision.

    Raises:
        ConfigError: None was named.
        ModelError: One cannot be loaded or looked into, or they tell other classes apart.
    """
    if not models:
        raise ConfigError("Name at least one model: a run folder, a model file, or an architecture.")
    opened: list[Opened] = []
    for model in models:
        name = place_of(model, None).name
        subject = open_subject(model, name, dataset, fabric)
        if subject.network is None:
            raise ModelError(
                f"{model} only answers: nobody can look inside. Explanations need a run folder, a model file of "
                "rugged's, or an architecture by name."
            )
        again = sum(each.name.partition(" (")[0] == name for each in opened)
        opened.append(Opened(f"{name} ({again + 1})" if again else name, subject.network, subject.facts.sha256))
    first = opened[0]
    for other in opened[1:]:
        if dataset is None and other.network.spec.classes != first.network.spec.classes:
            raise ModelError(f"{other.name} tells other classes apart than {first.name}. Explain them one by one.")
    return opened


def classes_of(opened: Sequence[Opened], dataset: Dataset | None) -> Classes:
    """The classes in label order."""
    infos = class_infos(opened[0].network.spec) if dataset is None else dataset.classes
    return Classes(tuple(info.id for info in infos), tuple(info.name for info in infos))


def choose_pictures(dataset: Dataset, count: int, ids: Sequence[str] = ()) -> ChosenPictures:
    """Take validation pictures of a data set: those named, or ``count`` of them evenly over the classes.

    Raises:
        ConfigError: A count below 1, or no whole number.
        DataError: There is no picture of an id, or none at all.
    """
    split = dataset.val
    check_limit(count, "count")
    if not len(split):
        raise DataError(f"{dataset.name} has no validation pictures to explain. Name files with --pictures.")
    places = {name: place for place, name in enumerate(split.ids)}
    missing = [name for name in ids if name not in places]
    if missing:
        raise DataError(
            f"There is no validation picture {missing[0]!r} in {dataset.name}; its ids look like {split.ids[0]!r}."
        )
    if len(set(ids)) < len(ids):
        twice = next(name for place, name in enumerate(ids) if name in ids[:place])
        raise ConfigError(f"The picture {twice!r} was named twice: it would count as two. Name each once.")
    chosen = split.take([places[name] for name in ids] if ids else evenly(split.labels, count))
    images = torch.from_numpy(np.array(chosen.images)).permute(0, 3, 1, 2).contiguous()
    return ChosenPictures(images, chosen.ids, chosen.labels, f"the validation split of {dataset.name}")


def read_pictures(files: Sequence[Path], side: int) -> ChosenPictures:
    """Read picture files as a data set of ``side`` × ``side`` pixels would hold them: fitted to it and cropped.

    Their ids are their names without ending; of those that share one, the paths.

    Raises:
        DataError: One cannot be read, or is not a picture.
    """
    found = []
    for file in files:
        try:
            found.append(torch.from_numpy(np.array(decode_image(read_file(file), side).pixels)))
        except BadImageError as error:
            raise DataError(f"{file} cannot be explained: {error}. Name another picture.") from error
    images = torch.stack(found).permute(0, 3, 1, 2).contiguous()
    shared = Counter(file.stem for file in files)
    ids = tuple(file.stem if shared[file.stem] == 1 else str(file) for file in files)
    return ChosenPictures(images, ids, None, "files")
