"""A few pictures as the model saw them, kept with the results so that a report can show them without the data set."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rugged.benchmark.route import Images, Route
from rugged.core.catalogue import BENCHMARK
from rugged.core.files import atomic_path, write_json
from rugged.data.splits import evenly
from rugged.results import CLEAN

_COUNT = 8


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

    def write_index(self) -> None:
        """Write ``samples.json``: ids, labels and the size of a picture, from left to right in each strip."""
        if not len(self._rows):
            (self._folder / "samples.json").unlink(missing_ok=True)
            return
        height, width = self._route.conditions.size
        index = {"ids": _ids(self._corrupted, self._rows), "labels": self._labels.tolist()}
        if self._clean_rows is not self._rows:
            index["clean_ids"] = _ids(self._clean, self._clean_rows)
        write_json(self._folder / "samples.json", {**index, "height": height, "width": width})

    def exists(self, corruption: str, severity: int) -> bool:
        """Whether a strip has been written."""
        return self._path(corruption, severity).exists()

    def write(self, corruption: str, severity: int) -> None:
        """Write one strip: the pictures side by side."""
        if not len(self._rows):
            return
        rows = self._clean_rows if corruption == CLEAN else self._rows
        images = self._route.pictures(corruption, severity, rows)
        strip = Image.fromarray(images.cpu().permute(2, 0, 3, 1).flatten(1, 2).contiguous().numpy())
        height, width = self._route.conditions.size
        if images.shape[-2:] != (height, width):  # Clean pictures of another size than the corrupted ones.
            strip = strip.resize((width * len(images), height))
        with atomic_path(self._path(corruption, severity)) as temporary:
            strip.save(temporary, format="PNG")

    def _path(self, corruption: str, severity: int) -> Path:
        return self._folder / f"{corruption}-{severity}.png"


def _of_classes(images: Images, labels: NDArray[np.int64]) -> NDArray[np.int64]:
    """An image for each label, another one where a label comes again and there is one."""
    rows = []
    for index, label in enumerate(labels):
        own = np.flatnonzero(images.labels == label)
        rows.append(own[np.count_nonzero(labels[:index] == label) % len(own)])
    return np.array(rows, np.int64)


def _ids(images: Images, rows: NDArray[np.int64]) -> list[str]:
    return [images.ids[row] for row in rows]
