"""The pages and tiles that explanations are saved as."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from rugged.core.catalogue import ALL, display_name
from rugged.core.files import atomic_path
from rugged.core.wording import counted
from rugged.explain.activations import activations, as_grey, mean_and_strongest
from rugged.explain.attribution import is_empty
from rugged.explain.filters import depthwise_filters, first_filters
from rugged.explain.layers import Layer
from rugged.explain.measuring import Condition, Look, Measurement
from rugged.explain.methods import METHODS
from rugged.explain.opening import Opened
from rugged.explain.overlay import overlay
from rugged.explain.sheets import Cell, Row, Sheet, draw_sheet, mosaic
from rugged.results import CLEAN, Classes
from rugged.results.explanations import Panel, Tile, method_title

_TILES = 200
_TILE_SIDE = 96
_CHANNELS = 6

_METHOD, _CONDITION = "|".join(METHODS), "|".join((CLEAN, *ALL))
FILE_NAME = re.compile(
    rf"(models-({_METHOD})|methods-\d+|severities-\d+-({_METHOD})-({_CONDITION})|filters-\d+|activations-\d+"
    rf"|tiles/\d+-\d+-({_METHOD})-({_CONDITION})-\d)\.png"
)
"""The names of pages and tiles: what a run that was killed has left is known by nothing else."""


@dataclass(frozen=True)
class Pages:
    """Everything that was looked at, ready to be drawn.

    Attributes:
        measurement: What was asked.
        looks: What was found.
        classes: In label order.
        folder: Where files go.
    """

    measurement: Measurement
    looks: Sequence[Look]
    classes: Classes
    folder: Path

    def panels(self) -> Iterator[Panel]:
        """Draw the pages: methods or models side by side, then severities."""
        methods, subjects = self.measurement.methods, self.measurement.subjects
        if len(methods) > 1:
            for index, subject in enumerate(subjects):
                yield self._methods(index, subject)
        if len(methods) == 1 or len(subjects) > 1:
            for method in methods:
                yield self._models(method)
        for index, subject in enumerate(subjects):
            for method in methods:
                for corruption in dict.fromkeys(each.corruption for each in self.measurement.conditions):
                    if corruption != CLEAN:
                        yield self._severities(index, subject, method, corruption)

    def tiles(self) -> Iterator[Tile]:
        """Save each map over its picture, of as many pictures as keep the folder small."""
        count = max(1, min(self.measurement.shown, _TILES // len(self.looks)))
        for look in self.looks:
            images = self._pictures(look.condition)[:count]
            for place, (picture, heat) in enumerate(zip(images, look.maps, strict=False)):
                yield self._tile(look, place, picture, heat)

    def _tile(self, look: Look, place: int, picture: NDArray[np.uint8], heat: NDArray[np.float32]) -> Tile:
        condition, answers = look.condition, look.probabilities[place]
        predicted, target = int(answers.argmax()), int(look.targets[place])
        name = f"{place}-{look.subject}-{look.method}-{condition.corruption}-{condition.severity}.png"
        image = Image.fromarray(overlay(picture, heat))
        image.thumbnail((_TILE_SIDE, _TILE_SIDE), Image.Resampling.LANCZOS)
        save(image, self.folder / "tiles" / name)
        moved = None if look.drifts is None or np.isnan(look.drifts[place]) else float(look.drifts[place])
        empty = bool(is_empty(torch.from_numpy(heat)[None])[0])
        return Tile(
            place, look.subject, look.method, condition.corruption, condition.severity, f"tiles/{name}",
            target, predicted, float(answers[predicted]), float(answers[target]), moved, empty,
        )  # fmt: skip

    def _look(self, subject: int, method: str, condition: Condition) -> Look:
        return next(
            each for each in self.looks if (each.subject, each.method, each.condition) == (subject, method, condition)
        )

    def _pictures(self, condition: Condition) -> NDArray[np.uint8]:
        """``(shown, H, W, 3)`` under a condition."""
        pictures, shown = self.measurement.pictures, self.measurement.shown
        labels = None if pictures.labels is None else pictures.labels[:shown]
        some = replace(pictures, images=pictures.images[:shown], ids=pictures.ids[:shown], labels=labels)
        return self.measurement.under(condition, some).permute(0, 2, 3, 1).contiguous().numpy()

    def labels(self, place: int) -> tuple[str, ...]:
        """The words beside a picture."""
        pictures = self.measurement.pictures
        if pictures.labels is None:
            return (pictures.ids[place],)
        return self.classes.shown[pictures.labels[place]], pictures.ids[place]

    def _wrong(self, look: Look, place: int) -> bool:
        labels = self.measurement.pictures.labels
        return labels is not None and int(look.probabilities[place].argmax()) != labels[place]

    def _answer(self, look: Look, place: int) -> str:
        best = int(look.probabilities[place].argmax())
        mark = "wrong: " if self._wrong(look, place) else ""
        return f"{mark}{self.classes.shown[best]} {look.probabilities[place][best]:.0%}"

    def _map(self, look: Look, place: int, picture: NDArray[np.uint8]) -> Cell:
        """A map over its picture, with the answer, and below it the class explained or how far the map moved."""
        heat = look.maps[place]
        if not (heat > 0).any():
            second = "empty: nothing for it"
        elif look.drifts is not None:
            second = "no drift" if np.isnan(look.drifts[place]) else f"drift {look.drifts[place]:.2f}"
        else:
            second = f"map of {self.classes.shown[look.targets[place]]}"
        return Cell(overlay(picture, heat), (self._answer(look, place), second), self._wrong(look, place))

    def _models(self, method: str) -> Panel:
        subjects, clean = self.measurement.subjects, self._pictures(Condition())
        looks = [self._look(index, method, Condition()) for index in range(len(subjects))]
        rows = tuple(
            Row(self.labels(place), (Cell(picture), *(self._map(look, place, picture) for look in looks)))
            for place, picture in enumerate(clean)
        )
        names = tuple(subject.name for subject in subjects)
        title = f"{method_title(method)}: " + (names[0] if len(names) == 1 else f"{len(names)} models side by side")
        sheet = Sheet(title, self._note(), ("Picture", *names), rows)
        pictures = f"{counted(len(rows), 'picture')}, one to a row"
        seen = f"{pictures}; beside it its {method_title(method)} map by {', '.join(names)}."
        return self._save(sheet, f"models-{method}.png", Panel("models", title, seen, "", method=method))

    def _methods(self, index: int, subject: Opened) -> Panel:
        methods, clean = self.measurement.methods, self._pictures(Condition())
        looks = [self._look(index, method, Condition()) for method in methods]
        rows = tuple(
            Row(self.labels(place), (Cell(picture), *(self._map(look, place, picture) for look in looks)))
            for place, picture in enumerate(clean)
        )
        names = tuple(map(method_title, methods))
        title = f"Methods side by side: {subject.name}"
        sheet = Sheet(title, self._note(), ("Picture", *names), rows)
        pictures = f"{counted(len(rows), 'picture')}, one to a row"
        seen = f"{pictures}; beside it the maps of {subject.name} by {', '.join(names)}."
        return self._save(sheet, f"methods-{index}.png", Panel("methods", title, seen, "", model=subject.name))

    def _severities(self, index: int, subject: Opened, method: str, corruption: str) -> Panel:
        conditions = [each for each in self.measurement.conditions if each.corruption in (CLEAN, corruption)]
        columns = [(self._look(index, method, each), self._pictures(each)) for each in conditions]
        rows: list[Row] = []
        for place in range(len(columns[0][1])):
            shown = tuple(Cell(pictures[place]) for _, pictures in columns)
            maps = tuple(self._map(look, place, pictures[place]) for look, pictures in columns)
            rows += [Row(self.labels(place), shown), Row((), maps)]
        heads = tuple("clean" if each.corruption == CLEAN else f"severity {each.severity}" for each in conditions)
        what = display_name(corruption)
        title = f"Where the attention goes under {what}: {subject.name}, {method_title(method)}"
        drifts = ", ".join(
            f"{np.nanmean(look.drifts):.2f}" if look.drifts is not None and not np.isnan(look.drifts).all() else "none"
            for look, _ in columns[1:]
        )
        seen = f"Pictures in rows, clean and under {what}, with their maps. Mean drift by severity: {drifts}."
        sheet = Sheet(title, self._note(), heads, tuple(rows))
        panel = Panel("severities", title, seen, "", subject.name, method, corruption)
        return self._save(sheet, f"severities-{index}-{method}-{corruption}.png", panel)

    def _note(self) -> str:
        target = self.measurement.target
        whose = {"predicted": "the class predicted for the clean picture", "label": "the true class"}.get(
            str(target), "" if isinstance(target, str) else self.classes.shown[target]
        )
        drift = " Drift: 1 - correlation with the clean map." if len(self.measurement.conditions) > 1 else ""
        return f"Bright: speaks for {whose}; each map by its own scale.{drift}"

    def _save(self, sheet: Sheet, name: str, panel: Panel) -> Panel:
        return save_panel(sheet, self.folder / name, panel)


def save_panel(sheet: Sheet, path: Path, panel: Panel) -> Panel:
    """Draw and save a page, and name its file in the panel."""
    save(draw_sheet(sheet), path)
    return replace(panel, file=path.name)


def save(image: Image.Image, path: Path) -> None:
    """Write a PNG atomically, in all its colours: a palette shared by a page would show one map in two ways."""
    with atomic_path(path) as temporary:
        image.save(temporary, format="PNG")


def filter_panel(subject: Opened, path: Path) -> Panel | None:
    """A page of the first layer's filters, and of the first depthwise layers'; None where there are neither."""
    first = first_filters(subject.network.module)
    layers = [*([first] if first else []), *depthwise_filters(subject.network.module)]
    if not layers:
        return None
    cells = []
    for _, filters in layers:
        scale = max(1, round(24 / filters.shape[1]))
        cells.append(Cell(mosaic(filters, 8, scale, 2)))
    rows = tuple(
        Row((name, f"{len(filters)} filters of {filters.shape[1]} x {filters.shape[2]}"), (cell,))
        for (name, filters), cell in zip(layers, cells, strict=True)
    )
    title = f"Filters: {subject.name}"
    note = "Grey is zero; each filter by its own scale. In colour those that see the picture, in grey one channel each."
    seen = f"Filters of {', '.join(name for name, _ in layers)} as small pictures."
    return save_panel(Sheet(title, note, ("",), rows), path, Panel("filters", title, seen, "", model=subject.name))


def activation_panel(
    measurement: Measurement, index: int, labels: Callable[[int], tuple[str, ...]], path: Path
) -> Panel:
    """A page of what layers answer to the first picture: the mean over channels, and the strongest channels.

    Args:
        measurement: Whose first picture is taken.
        index: Position of the network.
        labels: Gives the words beside a picture.
        path: The PNG file.
    """
    subject, layers = measurement.subjects[index], measurement.activations[index]
    images = measurement.pictures.images[:1]
    picture = images[0].permute(1, 2, 0).contiguous().numpy()
    rows = [Row(labels(0), (Cell(picture),) + (None,) * _CHANNELS)]
    for layer in layers:
        rows.append(_activation_row(layer, activations(subject.network, images, layer)[0], picture))
    heads = ("mean", *(f"channel {place + 1}" for place in range(_CHANNELS)))
    title = f"Activations: {subject.name}"
    note = "Each map from its lowest value, black, to its highest, white: the mean over channels, then the strongest."
    seen = f"Maps of {', '.join(layer.name for layer in layers)} for one picture."
    panel = Panel("activations", title, seen, "", model=subject.name)
    return save_panel(Sheet(title, note, heads, tuple(rows)), path, panel)


def _activation_row(layer: Layer, maps: torch.Tensor, picture: NDArray[np.uint8]) -> Row:
    grey = as_grey(mean_and_strongest(maps, _CHANNELS))
    size = (picture.shape[1], picture.shape[0])
    cells = [Cell(np.asarray(Image.fromarray(each).resize(size, Image.Resampling.NEAREST))) for each in grey]
    free = (None,) * (1 + _CHANNELS - len(cells))
    return Row((layer.name, f"{layer.side} x {layer.side}, {len(maps)} channels"), (*cells, *free))
