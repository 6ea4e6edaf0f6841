"""The same few pictures under every corruption and severity, with what each model took them for."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image

from rugged.analyze import BenchmarkedRun
from rugged.core.catalogue import display_name
from rugged.core.errors import ResultsError, RuggedError
from rugged.core.files import read_json
from rugged.report.embedding import picture_uri, read_picture
from rugged.results import CLEAN, Cell, read_cell, require_fitting

# The page's weight is decided here. Few pictures are kept to the bit; many are stored as JPEG, and shrunk if need be.
_LOSSLESS_PIXELS = 1_200_000
_MOST_PIXELS = 8_000_000
_JPEG_QUALITY = 92


@dataclass(frozen=True)
class Answer:
    """What a model took a picture for; ``style`` is the model's place in the report."""

    model: str
    style: int
    predicted: str
    probability: float
    right: bool


@dataclass(frozen=True)
class Picture:
    """One picture of a cell: a data URI, its text alternative, and the answers of the models."""

    source: str
    alternative: str
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class Row:
    """A severity: one picture a column."""

    severity: int
    pictures: tuple[Picture, ...]


@dataclass(frozen=True)
class SampleView:
    """The pictures of the page: true classes above the columns, the clean row, then the rows of each corruption.

    ``models`` are the names and styles of those whose answers are given.
    """

    truths: tuple[str, ...]
    clean: Row
    groups: tuple[tuple[str, tuple[Row, ...]], ...]
    models: tuple[tuple[str, int], ...]
    note: str


@dataclass(frozen=True)
class _Samples:
    ids: tuple[str, ...]
    clean_ids: tuple[str, ...]
    labels: tuple[int, ...]
    height: int
    width: int
    names: tuple[str, ...]


def view_samples(runs: Sequence[BenchmarkedRun]) -> SampleView | None:
    """Collect the sample pictures of the first run and every model's answers to them.

    A model benchmarked with another seed saw other noise, so its answers are left out.

    Returns:
        The pictures, or None where the benchmark kept no samples.

    Raises:
        ResultsError: Samples or predictions are missing or damaged.
    """
    subject = runs[0]
    if not (subject.folder.samples / "samples.json").exists():
        return None
    samples = _read_samples(subject)
    conditions = subject.summary.conditions
    answering = [run for run in runs if run.summary.conditions.seed == conditions.seed]
    cells = 1 + len(conditions.corruptions) * len(conditions.severities)
    storage = _Storage.for_pixels(samples.height, samples.width, cells * len(samples.ids))

    def row(corruption: str, severity: int) -> Row:
        return _row(runs, answering, samples, storage, corruption, severity)

    return SampleView(
        truths=tuple(samples.names[label] for label in samples.labels),
        clean=row(CLEAN, 0),
        groups=tuple(
            (display_name(name), tuple(row(name, severity) for severity in conditions.severities))
            for name in conditions.corruptions
        ),
        models=tuple((run.summary.model.name, runs.index(run)) for run in answering),
        note=storage.note(samples.height, samples.width),
    )


def _read_samples(run: BenchmarkedRun) -> _Samples:
    path, names = run.folder.samples / "samples.json", run.classes.shown
    try:
        table = read_json(path)
        ids, labels = tuple(map(str, table["ids"])), tuple(map(int, table["labels"]))
        clean_ids = tuple(map(str, table.get("clean_ids", ids)))  # Others, where the clean pictures are other ones.
        height, width = int(table["height"]), int(table["width"])
    except (RuggedError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise ResultsError(
            f"The samples in {path.parent} cannot be read ({error}). Run `rugged benchmark` again."
        ) from error
    if (
        not ids
        or not len(ids) == len(clean_ids) == len(labels)
        or not all(0 <= label < len(names) for label in labels)
        or height * width < 1
    ):
        raise ResultsError(
            f"{path} does not fit {run.folder.classes}, or holds no pictures. Run `rugged benchmark` again."
        )
    return _Samples(ids, clean_ids, labels, height, width, names)


def _row(
    runs: Sequence[BenchmarkedRun],
    answering: Sequence[BenchmarkedRun],
    samples: _Samples,
    storage: "_Storage",
    corruption: str,
    severity: int,
) -> Row:
    size = samples.width * len(samples.ids), samples.height
    strip = read_picture(runs[0].folder.samples / f"{corruption}-{severity}.png", size)
    own = runs[0].cells[corruption, severity]
    answers = [
        _answers(run, runs.index(run), samples, own if run is runs[0] else _read(run, corruption, severity))
        for run in answering
    ]
    what = "clean" if corruption == CLEAN else f"{display_name(corruption)}, severity {severity}"
    pictures = []
    for index, label in enumerate(samples.labels):
        left = index * samples.width
        source = storage.encode(strip.crop((left, 0, left + samples.width, samples.height)))
        pictures.append(Picture(source, f"{samples.names[label]}, {what}", tuple(given[index] for given in answers)))
    return Row(severity, tuple(pictures))


def _read(run: BenchmarkedRun, corruption: str, severity: int) -> Cell:
    cell = read_cell(run.folder.predictions, corruption, severity)
    require_fitting(run.folder, run.summary.conditions, cell)
    return cell


def _answers(run: BenchmarkedRun, style: int, samples: _Samples, cell: Cell) -> list[Answer]:
    place = {image: index for index, image in enumerate(cell.ids)}
    ids = samples.clean_ids if cell.corruption == CLEAN else samples.ids
    unknown = [image for image in ids if image not in place]
    if unknown:
        raise ResultsError(
            f"The predictions for {cell.corruption}-{cell.severity} in {run.folder.predictions} do not fit the samples"
            f" (no answer for {unknown[0]!r}). Run `rugged benchmark` again."
        )
    answers = []
    for image, label in zip(ids, samples.labels, strict=True):
        best = int(cell.top[place[image], 0])
        sure = float(cell.top_probabilities[place[image], 0])
        answers.append(Answer(run.summary.model.name, style, samples.names[best], sure, best == label))
    return answers


@dataclass(frozen=True)
class _Storage:
    """How pictures are kept in the page: as they are, or as JPEG scaled by ``scale``."""

    lossless: bool
    scale: float

    @staticmethod
    def for_pixels(height: int, width: int, pictures: int) -> "_Storage":
        total = height * width * pictures
        return _Storage(total <= _LOSSLESS_PIXELS, min(1.0, math.sqrt(_MOST_PIXELS / total)))

    def encode(self, picture: Image.Image) -> str:
        if self.lossless:
            return picture_uri(picture, quality=None)
        size = (self._side(picture.width), self._side(picture.height))
        shown = picture if size == picture.size else picture.resize(size, Image.Resampling.BOX)
        return picture_uri(shown, _JPEG_QUALITY)

    def note(self, height: int, width: int) -> str:
        if self.lossless:
            return (
                f"Pictures are {width} × {height} pixels, kept to the bit: as corrupted, before the model resizes them."
            )
        shrunk = f", shrunk to {self._side(width)} × {self._side(height)}" if self.scale < 1 else ""
        return (
            f"Pictures are {width} × {height} pixels; to keep this page small they are stored in it as JPEG of quality "
            f"{_JPEG_QUALITY}{shrunk}."
        )

    def _side(self, pixels: int) -> int:
        return max(1, round(pixels * self.scale))
