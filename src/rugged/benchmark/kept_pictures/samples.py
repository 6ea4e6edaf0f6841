"""A few pictures as the model saw them, kept with the results so that a report can show them without the data set."""

from collections.abc import Collection, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rugged.benchmark.kept_pictures.marks import mark_of
from rugged.benchmark.routes.route import Images, Route
from rugged.core.catalogue import BENCHMARK, CellKey
from rugged.core.errors import ConfigError, RuggedError
from rugged.core.files import atomic_path, read_json, write_json
from rugged.core.progress import say
from rugged.data.splits import evenly
from rugged.results import CLEAN

_COUNT = 8
_VERSION = 1  # Of what is drawn: with another one it is drawn anew.


class SampleStrips:
    """The same pictures under every corruption and severity, one PNG strip a cell.

    Args:
        folder: ``benchmark/samples``.
        route: Where they come from; they are taken evenly over its classes. Where the clean pictures are not those
            that were corrupted, others of the same classes stand for them; where they have no class in common, as in a
            quick look at a picture or two, no samples are kept.
    """

    def __init__(self, folder: Path, route: Route) -> None:
        self._folder = folder
        self._route = route
        self._clean, self._corrupted = route.images(CLEAN), route.images(BENCHMARK[0])
        known = np.flatnonzero(np.isin(self._corrupted.labels, self._clean.labels))
        self._rows = known[evenly(self._corrupted.labels[known], _COUNT)]
        self._labels = self._corrupted.labels[self._rows]
        same = self._clean.ids == self._corrupted.ids
        self._clean_rows = self._rows if same else _of_classes(self._clean, self._labels)

    def keep(self, measured_anew: Collection[CellKey]) -> None:
        """Make the strips that are missing, or depend on something that has changed, and those that are asked for.

        Args:
            measured_anew: Cells whose strips are made in any case.
        """
        if not len(self._rows):
            self._index.unlink(missing_ok=True)
            return
        wanted = {key: self._mark(*key) for key in self._route.conditions.cells}
        saved = self._saved_marks()
        known = {
            key: mark
            for key, mark in wanted.items()
            if key not in measured_anew
            and (saved is None or saved.get(_name(*key)) == mark)
            and self._path(*key).exists()
        }
        self._write_index(known)  # Before the strips: after an interruption those that are not named are made anew.
        try:
            for key in wanted:
                if key not in known:
                    self._write(*key)
        except ConfigError as error:  # Frost, whose textures are no longer here. Everything is measured all the same.
            self._index.unlink()
            say(f"The report will lack samples: {error}")
            return
        self._write_index(wanted)

    def _saved_marks(self) -> Mapping[str, str] | None:
        """By what each strip is known; None where an earlier version of rugged has kept none."""
        try:
            index = read_json(self._index)
        except RuggedError:  # None there, or damaged.
            return {}
        marks = index.get("marks") if isinstance(index, dict) else {}
        return marks if marks is None or isinstance(marks, dict) else {}

    def _mark(self, corruption: str, severity: int) -> str:
        images, rows = self._of_cell(corruption)
        return mark_of(self._route, _VERSION, [(corruption, severity)], _ids(images, rows), self._route.conditions.size)

    def _write_index(self, marks: Mapping[CellKey, str]) -> None:
        """Write ``samples.json``: ids, labels and the size of a picture, from left to right in each strip."""
        height, width = self._route.conditions.size
        index = {"ids": _ids(self._corrupted, self._rows), "labels": self._labels.tolist()}
        if self._clean_rows is not self._rows:
            index["clean_ids"] = _ids(self._clean, self._clean_rows)
        named = {_name(*key): mark for key, mark in marks.items()}
        write_json(self._index, {**index, "height": height, "width": width, "marks": named})

    def _write(self, corruption: str, severity: int) -> None:
        """Write one strip: the pictures side by side."""
        images = self._route.pictures(corruption, severity, self._of_cell(corruption)[1])
        strip = Image.fromarray(images.cpu().permute(2, 0, 3, 1).flatten(1, 2).contiguous().numpy())
        height, width = self._route.conditions.size
        if images.shape[-2:] != (height, width):  # Clean pictures of another size than the corrupted ones.
            strip = strip.resize((width * len(images), height))
        with atomic_path(self._path(corruption, severity)) as temporary:
            strip.save(temporary, format="PNG")

    def _of_cell(self, corruption: str) -> tuple[Images, NDArray[np.int64]]:
        """The images of a cell, and which of them are in its strip."""
        return (self._clean, self._clean_rows) if corruption == CLEAN else (self._corrupted, self._rows)

    @property
    def _index(self) -> Path:
        return self._folder / "samples.json"

    def _path(self, corruption: str, severity: int) -> Path:
        return self._folder / f"{_name(corruption, severity)}.png"


def _name(corruption: str, severity: int) -> str:
    return f"{corruption}-{severity}"


def _of_classes(images: Images, labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """An image for each label, another one where a label comes again and there is one."""
    rows = []
    for index, label in enumerate(labels):
        own = np.flatnonzero(images.labels == label)
        rows.append(own[np.count_nonzero(labels[:index] == label) % len(own)])
    return np.array(rows, np.int64)


def _ids(images: Images, rows: NDArray[np.int64]) -> list[str]:
    return [images.ids[row] for row in rows]
