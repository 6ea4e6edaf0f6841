"""Chosen pictures and what the model took them for: by chance, surely wrong, lost as severity grows, never lost."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from rugged.analyze import BenchmarkedRun, Prediction, predictions_at
from rugged.core.catalogue import display_name
from rugged.report.embedding import file_uri, picture_uri, read_picture
from rugged.results import CLEAN, KeptPictures, RunFolder, Strip
from rugged.results.pictures import Why, gallery_name

_QUALITY = 90

_TITLES: Mapping[Why, tuple[str, str]] = {
    "random": ("Drawn at random", "Clean pictures, right and wrong as they came."),
    "mistake": (
        "The surest mistakes",
        "Clean pictures about which the model is surest and wrong. A label may be wrong.",
    ),
    "lost": (
        "Lost as severity grows",
        "A picture for each corruption, recognised before and lost about half way: of several the one that the model "
        "was surest of.",
    ),
    "last": (
        "Lost last or never",
        "Those that are recognised longest on the mean over the corruptions, each under the one that shakes the model.",
    ),
}


@dataclass(frozen=True)
class Guess:
    """One of the five most probable classes; ``right`` where it is the true one."""

    name: str
    probability: float
    right: bool


@dataclass(frozen=True)
class Exhibit:
    """A picture as it is in one cell: a data URI, its text alternative, and what the model answers."""

    source: str
    alternative: str
    where: str
    width: int
    height: int
    right: bool
    guesses: tuple[Guess, ...]


@dataclass(frozen=True)
class ExhibitRow:
    """A picture in one cell or more; ``about`` is the corruption."""

    truth: str
    about: str
    exhibits: tuple[Exhibit, ...]


@dataclass(frozen=True)
class Room:
    """Pictures that were chosen for one reason."""

    why: Why
    title: str
    lead: str
    rows: tuple[ExhibitRow, ...]


def show_pictures(subject: BenchmarkedRun, pictures: KeptPictures | None) -> tuple[Room, ...]:
    """The chosen pictures with the model's answers; none where the benchmark kept none.

    Args:
        subject: The run.
        pictures: What it kept.

    Raises:
        ResultsError: A file is missing or damaged.
    """
    if pictures is None:
        return ()
    places = {
        kind: {image: place for place, image in enumerate(subject.cells[key].ids)}
        for kind, key in (("clean", (CLEAN, 0)), ("corrupted", subject.summary.conditions.cells[1]))
    }
    rooms = []
    for why, (title, lead) in _TITLES.items():
        rows = tuple(
            _row(subject, strip, picture, places) for strip, picture in gallery_strips(subject.folder, pictures, why)
        )
        if rows:
            rooms.append(Room(why, title, lead, rows))
    return tuple(rooms)


def class_sheets(subject: BenchmarkedRun, pictures: KeptPictures | None) -> dict[str, Any]:
    """The thumbnails of the classes for the script, each sheet as a data URI; empty where there are none."""
    if pictures is None or pictures.sheet(CLEAN) is None:
        return {}
    sheets = pictures.sheets
    names = (CLEAN, *subject.summary.conditions.corruptions)
    return {
        "columns": sheets.columns,
        "width": sheets.width,
        "height": sheets.height,
        "severity": sheets.severity,
        "known": [bool(image) for image in sheets.ids],
        "sheets": [_sheet(subject.folder.pictures, pictures, name) for name in names],
    }


def _sheet(folder: Path, pictures: KeptPictures, corruption: str) -> str | None:
    name = pictures.sheet(corruption)
    if name is None:
        return None
    path, sheets = folder / name, pictures.sheets
    rows = -(-len(sheets.ids) // sheets.columns)
    read_picture(path, (sheets.columns * sheets.width, rows * sheets.height))
    return file_uri("jpeg", path.read_bytes())


def gallery_strips(folder: RunFolder, pictures: KeptPictures, why: Why) -> list[tuple[Strip, Image.Image]]:
    """The pictures that were chosen for one reason, each as a strip of its cells side by side.

    Raises:
        ResultsError: Their file is missing or damaged.
    """
    strips = pictures.gallery(why)
    if not strips:
        return []
    width, height = pictures.width * len(strips[0].severities), pictures.height
    gallery = read_picture(folder.pictures / gallery_name(why), (width, height * len(strips)))
    return [(strip, gallery.crop((0, row * height, width, (row + 1) * height))) for row, strip in enumerate(strips)]


def _row(
    subject: BenchmarkedRun, strip: Strip, picture: Image.Image, places: Mapping[str, Mapping[str, int]]
) -> ExhibitRow:
    width = picture.width // len(strip.severities)
    parts = (picture.crop((left, 0, left + width, picture.height)) for left in range(0, picture.width, width))
    answers = _answers(subject, strip, places)
    return ExhibitRow(
        truth=subject.classes.shown[strip.label],
        about="" if strip.corruption == CLEAN else display_name(strip.corruption),
        exhibits=tuple(
            exhibit(subject.classes.shown, part, answer, f"severity {answer.severity}" if answer.severity else "clean")
            for part, answer in zip(parts, answers, strict=True)
        ),
    )


def _answers(subject: BenchmarkedRun, strip: Strip, places: Mapping[str, Mapping[str, int]]) -> Iterator[Prediction]:
    for corruption, severity in strip.cells:
        place = places["clean" if corruption == CLEAN else "corrupted"][strip.id]
        yield from predictions_at(subject.cells[corruption, severity], [place])


def exhibit(names: Sequence[str], picture: Image.Image, answer: Prediction, where: str) -> Exhibit:
    """A picture with what the model answers.

    Args:
        names: Of the classes.
        picture: The picture.
        answer: To it.
        where: What was done to it.
    """
    guesses = zip(answer.top, answer.probabilities, strict=True)
    return Exhibit(
        source=picture_uri(picture, _QUALITY),
        alternative=f"{names[answer.label]}, {where}",
        where=where,
        width=picture.width,
        height=picture.height,
        right=answer.right,
        guesses=tuple(Guess(names[label], sure, label == answer.label) for label, sure in guesses),
    )
