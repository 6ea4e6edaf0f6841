"""The models of the playground: anything that can be benchmarked, with the names of the classes it answers for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rugged.core.errors import ModelError
from rugged.data import ClassInfo, Dataset
from rugged.engine import Fabric, class_infos
from rugged.engine.foreign import read_onnx_spec
from rugged.engine.subject import Subject, open_subject
from rugged.explain import Layer, find_layer
from rugged.models import imagenet_names, located, read_spec
from rugged.results import RunFolder, place_of


@dataclass(frozen=True)
class Player:
    """A model that answers.

    Attributes:
        name: What a person calls it.
        subject: The model, ready.
        classes: What its outputs mean, in their order.
        layer: That Grad-CAM looks at; None where it cannot look at all.
        notes: What a reader must know of it, as sentences.
    """

    name: str
    subject: Subject
    classes: tuple[ClassInfo, ...]
    layer: Layer | None
    notes: tuple[str, ...]


def open_players(models: Sequence[str], dataset: Dataset, fabric: Fabric) -> tuple[Player, ...]:
    """Make models ready to answer, each for its own classes.

    Args:
        models: As ``rugged.engine.open_subject`` takes them.
        dataset: Where samples come from. Published networks answer for its classes where these are ImageNet's, else for
            all thousand; what brings no names (others' ONNX files, and callables) must answer for its classes.
        fabric: Device and precision.

    Raises:
        ModelError: There is no such model, or it cannot be loaded.
    """
    names = [place_of(model, None).name for model in models]
    if len(set(names)) < len(names):  # The same name in two folders: only the paths tell them apart.
        names = list(models)
    players = []
    for model, name in zip(models, names, strict=True):
        classes = _classes(model, dataset)
        subject = open_subject(model, name, replace(dataset, classes=classes), fabric)
        layer, fault = _layer(subject)
        notes = [fault]
        if classes == dataset.classes and subject.facts.architecture != "callable":  # Whose note is about measuring.
            notes.append(subject.note)
        if {info.id for info in classes}.isdisjoint(info.id for info in dataset.classes):
            notes.append(
                f"The samples are of {dataset.name}, whose classes {name} does not know. Drop a picture of your own, "
                "or start with --data and the data that it was trained on."
            )
        players.append(Player(name, subject, classes, layer, tuple(filter(None, notes))))
    return tuple(players)


def _layer(subject: Subject) -> tuple[Layer | None, str]:
    """Where Grad-CAM looks, or why it cannot."""
    if subject.network is None:
        return None, f"{subject.facts.name} only answers: there is no network inside for Grad-CAM to look at."
    try:
        return find_layer(subject.network), ""
    except ModelError as error:
        return None, str(error)


def _classes(model: str, dataset: Dataset) -> tuple[ClassInfo, ...]:
    path = Path(located(model))
    file = RunFolder(path).model if path.is_dir() else path
    if file.suffix == ".safetensors":
        return class_infos(read_spec(file))
    if file.suffix == ".onnx" and (spec := read_onnx_spec(file)) is not None:
        return class_infos(spec)
    thousand = imagenet_names()
    theirs = all(info.id in thousand for info in dataset.classes)
    if theirs or file.suffix == ".onnx" or ":" in model:
        return dataset.classes
    return tuple(ClassInfo(id, name) for id, name in thousand.items())


def side_for_drops(players: Sequence[Player], dataset: Dataset) -> int:
    """The side of the square that a dropped picture is fitted to: as the data set, or the first model's own."""
    first = players[0]
    return min(dataset.size) if first.classes == dataset.classes else first.subject.facts.input_size
