"""The networks and the pictures that a command names."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rugged.core.errors import ConfigError, DataError, ModelError
from rugged.core.files import sha256_file
from rugged.core.hints import did_you_mean, nearest
from rugged.data import ClassInfo, Dataset, decode_image
from rugged.data.decode import BadImageError
from rugged.data.sources.trees import read_file
from rugged.data.splits import evenly
from rugged.engine import Fabric, Network, class_infos, own_network, published_network
from rugged.models import located, resolve
from rugged.results import RunFolder, place_of


@dataclass(frozen=True)
class Subject:
    """A network to look into; ``sha256`` of its file, None for published weights."""

    name: str
    network: Network
    sha256: str | None


@dataclass(frozen=True, eq=False)
class Pictures:
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


def open_subjects(models: Sequence[str], dataset: Dataset | None, fabric: Fabric) -> list[Subject]:
    """Load networks, each under a name of its own.

    Args:
        models: Run folders, model files, or architectures with published weights.
        dataset: Whose classes they tell apart; None takes those of the first one's file.
        fabric: Device and precision.

    Raises:
        ConfigError: None was named.
        ModelError: One cannot be loaded or looked into, or they tell other classes apart.
    """
    if not models:
        raise ConfigError("Name at least one model: a run folder, a model file, or an architecture.")
    subjects: list[Subject] = []
    for model in models:
        subject = _open(model, dataset, fabric)
        again = sum(each.name.partition(" (")[0] == subject.name for each in subjects)
        name = f"{subject.name} ({again + 1})" if again else subject.name
        subjects.append(Subject(name, subject.network, subject.sha256))
    first = subjects[0]
    for subject in subjects[1:]:
        if dataset is None and subject.network.spec.classes != first.network.spec.classes:
            raise ModelError(f"{subject.name} tells other classes apart than {first.name}. Explain them one by one.")
    return subjects


def _open(model: str, dataset: Dataset | None, fabric: Fabric) -> Subject:
    name = place_of(model, None).name
    model = str(located(model))
    path = RunFolder(Path(model)).model if Path(model).is_dir() else Path(model)
    if path.suffix == ".safetensors":
        return Subject(name, own_network(path, dataset, fabric), sha256_file(path))
    if path.suffix == ".onnx" or ":" in model:
        raise ModelError(
            f"{model} only answers: nobody can look inside. Explanations need a run folder, a model file of rugged's, "
            "or an architecture by name."
        )
    try:
        architecture = resolve(model)
    except ModelError as error:
        raise ModelError(f"There is no run folder or model file {model}. {error}") from error
    if dataset is None:
        raise ConfigError(f"{model} is an architecture: say with --data whose classes it is to tell apart.")
    return Subject(name, published_network(architecture, dataset, fabric), None)


def classes_of(subjects: Sequence[Subject], dataset: Dataset | None) -> tuple[ClassInfo, ...]:
    """The classes in label order."""
    if dataset is not None:
        return dataset.classes
    return class_infos(subjects[0].network.spec)


def find_class(wanted: str, classes: Sequence[ClassInfo]) -> int:
    """The label of a class, by its id or its name.

    Raises:
        ConfigError: There is no such class, or several have this name.
    """
    found = [label for label, info in enumerate(classes) if wanted in (info.id, info.name)]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(classes[label].id for label in found)
        raise ConfigError(f"{len(found)} classes are called {wanted!r}. Name one by its id: {ids}.")
    names = [each for info in classes for each in dict.fromkeys((info.id, info.name))]
    otherwise = f"The first are {', '.join(info.name for info in classes[:5])}."
    raise ConfigError(f"There is no class {wanted!r}. {did_you_mean(nearest(wanted, names, 3), otherwise)}")


def choose_pictures(dataset: Dataset, count: int, ids: Sequence[str] = ()) -> Pictures:
    """Take validation pictures of a data set: those named, or ``count`` of them evenly over the classes.

    Raises:
        ConfigError: A count below 1.
        DataError: There is no picture of an id, or none at all.
    """
    split = dataset.val
    if count < 1:
        raise ConfigError(f"The count is {count}; expected at least 1 picture.")
    if not len(split):
        raise DataError(f"{dataset.name} has no validation pictures to explain. Name files with --pictures.")
    places = {name: place for place, name in enumerate(split.ids)}
    missing = [name for name in ids if name not in places]
    if missing:
        raise DataError(
            f"There is no validation picture {missing[0]!r} in {dataset.name}; its ids look like {split.ids[0]!r}."
        )
    chosen = split.take([places[name] for name in ids] if ids else evenly(split.labels, count))
    images = torch.from_numpy(np.array(chosen.images)).permute(0, 3, 1, 2).contiguous()
    return Pictures(images, chosen.ids, chosen.labels, f"the validation split of {dataset.name}")


def read_pictures(files: Sequence[Path], side: int) -> Pictures:
    """Read picture files as a data set of ``side`` × ``side`` pixels would hold them: fitted to it and cropped.

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
    return Pictures(images, tuple(file.stem for file in files), None, "files")
