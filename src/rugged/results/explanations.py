"""Saved explanations: panels to look at, tiles to lay out anew, and figures. Read without torch.

A folder of explanations holds ``index.json``, which is written last, and the PNG files that it names.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

from rugged.core.configuration import from_plain, to_plain
from rugged.core.errors import ResultsError, RuggedError
from rugged.core.files import read_json, write_json

FORMAT: Literal[1] = 1

INDEX = "index.json"

_METHODS = {
    "grad_cam": "Grad-CAM",
    "saliency": "Saliency",
    "integrated_gradients": "Integrated gradients",
    "guided_backprop": "Guided backprop",
    "occlusion": "Occlusion",
}


def method_title(method: str) -> str:
    """What people call a method of explanation."""
    return _METHODS.get(method, method)


@dataclass(frozen=True)
class ExplainedModel:
    """A network that was looked into.

    Attributes:
        name: What panels call it; unique among them.
        architecture: Such as ``timm/resnet10t``.
        sha256: Of its file or weights.
        layer: The layer of its Grad-CAM maps, with their size: ``layer4 (8 × 8)``; None where none were made.
    """

    name: str
    architecture: str
    sha256: str | None = None
    layer: str | None = None


@dataclass(frozen=True)
class ExplainedPicture:
    """A picture; ``label`` is its class, where that is known."""

    id: str
    label: int | None = None


@dataclass(frozen=True)
class Panel:
    """A page of pictures with words in it.

    Attributes:
        kind: ``models`` (pictures × models), ``methods`` (pictures × methods), ``severities`` (pictures × severities of
            a corruption), ``filters`` or ``activations``.
        title: One line.
        alternative: What is to be seen, for those who cannot see it.
        file: PNG, relative to the folder.
        model: Whose; None for all.
        method: Of which method; None for several or none.
        corruption: Under which; None for clean pictures.
    """

    kind: Literal["models", "methods", "severities", "filters", "activations"]
    title: str
    alternative: str
    file: str
    model: str | None = None
    method: str | None = None
    corruption: str | None = None


@dataclass(frozen=True)
class Tile:
    """The map of one picture under one condition, laid over it, with what the model answered.

    Attributes:
        picture: Position among ``Explanations.pictures``.
        model: Position among ``Explanations.models``.
        method: Of explanation.
        corruption: ``clean`` or a corruption.
        severity: 0 for clean.
        file: PNG of the map over the picture, relative to the folder.
        target: The class that is explained.
        predicted: The class with the highest probability.
        probability: Of the predicted class, in [0, 1].
        target_probability: Of the target, in [0, 1].
        drift: From the clean picture's map, in [0, 2]; None for clean, and where a map is empty or the same everywhere.
        empty: Whether nothing in the map is positive: the tile is the picture alone.
    """

    picture: int
    model: int
    method: str
    corruption: str
    severity: int
    file: str
    target: int
    predicted: int
    probability: float
    target_probability: float
    drift: float | None = None
    empty: bool = False


@dataclass(frozen=True)
class DriftResult:
    """How far maps move from the clean ones under a corruption: one minus Pearson's correlation, as a mean.

    Attributes:
        model: Position among ``Explanations.models``.
        method: Of explanation.
        corruption: Which.
        severity: 1 to 5.
        images: How many pictures the mean is over, n.
        undefined: How many have no drift, since one of their maps is empty or the same everywhere.
        mean: In [0, 2]; None where no picture has one.
        interval: 95% bootstrap interval of the mean, over pictures; None where these are too few.
    """

    model: int
    method: str
    corruption: str
    severity: int
    images: int
    undefined: int
    mean: float | None = None
    interval: tuple[float, ...] | None = None


@dataclass(frozen=True)
class PointingResult:
    """How often maps are highest on the object, where its outline is known. Shares in [0, 1].

    Attributes:
        model: Position among ``Explanations.models``.
        method: Of explanation.
        images: How many pictures, n.
        share: Of all.
        interval: 95% bootstrap interval of it.
        correct_images: How many of them the model classifies right.
        centre_share: Of all, for always pointing at the middle of the picture.
        off_centre_images: How many pictures have something else than the object in their middle.
        correct_share: Of those that are classified right; None where there are none.
        off_centre_share: Of those with something else in their middle, where pointing there has 0; None where there are
            none.
    """

    model: int
    method: str
    images: int
    share: float
    interval: tuple[float, ...]
    correct_images: int
    centre_share: float
    off_centre_images: int
    correct_share: float | None = None
    off_centre_share: float | None = None


@dataclass(frozen=True)
class Explanations:
    """The content of ``index.json``.

    Attributes:
        models: In the order given.
        classes: Names in label order, told apart.
        pictures: Those in panels and tiles.
        source: Where they come from: ``the validation split of builtin``.
        targets: Which class was explained: ``predicted`` on the clean picture, ``label``, or a class's name.
        methods: Of explanation.
        panels: To look at, in the order in which they should be.
        tiles: One for each picture, model, method and condition that was kept.
        drifts: Figures over all pictures that were measured, not only those shown.
        pointing: Where outlines are known.
        preset: Severity table.
        seed: Of the corruptions.
        textures: For frost; ``none`` without.
        command: That made them.
        notes: What a reader must know.
        format: Of this file.
    """

    models: tuple[ExplainedModel, ...]
    classes: tuple[str, ...]
    pictures: tuple[ExplainedPicture, ...]
    source: str
    targets: str
    methods: tuple[str, ...]
    panels: tuple[Panel, ...]
    tiles: tuple[Tile, ...]
    drifts: tuple[DriftResult, ...] = ()
    pointing: tuple[PointingResult, ...] = ()
    preset: str = ""
    seed: int = 0
    textures: str = "none"
    command: str = ""
    notes: tuple[str, ...] = ()
    format: Literal[1] = field(default=FORMAT)

    @property
    def files(self) -> Iterator[str]:
        """Every file that belongs to them, relative to the folder."""
        yield from (panel.file for panel in self.panels)
        yield from (tile.file for tile in self.tiles)


def write_explanations(folder: Path, explanations: Explanations) -> None:
    """Write ``index.json`` atomically, after the files that it names."""
    write_json(folder / INDEX, to_plain(explanations))


def read_explanations(folder: Path) -> Explanations:
    """Read the index of a folder of explanations.

    Args:
        folder: ``rugged.results.RunFolder.explanations``, or where ``--out`` put them.

    Raises:
        ResultsError: There is none, it cannot be read, or a file that it names is missing or lies elsewhere.
    """
    path = folder / INDEX
    if not path.exists():
        raise ResultsError(f"{path} does not exist: there are no explanations yet. Run `rugged explain` first.")
    try:
        explanations = from_plain(Explanations, read_json(path), source=str(path))
    except RuggedError as error:
        raise ResultsError(
            f"{path} is not an index of explanations of format {FORMAT} ({error}). Run `rugged explain` again."
        ) from error
    for name in explanations.files:
        if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts or not (folder / name).is_file():
            raise ResultsError(f"{path} names {name}, which is not in its folder. Run `rugged explain` again.")
    _require_places(explanations, path)
    return explanations


def _require_places(explanations: Explanations, path: Path) -> None:
    """Refuse a tile or figure of a model, picture or class that is not listed."""
    models, pictures = range(len(explanations.models)), range(len(explanations.pictures))
    classes = range(len(explanations.classes))
    tiles = explanations.tiles
    known = [tile.picture in pictures and {tile.target, tile.predicted} <= set(classes) for tile in tiles]
    named = [tile.model for tile in tiles]
    named += [drift.model for drift in explanations.drifts]
    named += [pointing.model for pointing in explanations.pointing]
    if not all(known) or not all(each in models for each in named):
        raise ResultsError(f"{path} has a tile or a figure of what it does not list. Run `rugged explain` again.")
