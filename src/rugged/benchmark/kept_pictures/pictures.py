"""Small pictures kept with the results: one of each class under each corruption, and chosen ones for the galleries."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from rugged.benchmark.kept_pictures.marks import mark_of
from rugged.benchmark.routes.route import Route
from rugged.core.catalogue import CellKey
from rugged.core.errors import ConfigError, Interrupted, ResultsError
from rugged.core.files import atomic_path
from rugged.core.progress import progress, say
from rugged.core.stopping import StopRequest, stop_on_signal
from rugged.engine import chunks
from rugged.results import CLEAN, KeptPictures, Sheets, Strip, read_pictures, write_pictures
from rugged.results.pictures import Why, gallery_name, index_path, sheet_name

THUMBNAIL = 48
"""Longer side of a class's thumbnail, in pixels; less where there are very many."""

_FEWEST, _SHEET_PIXELS = 16, 16_000_000
SHOWN = 96
"""Longer side of a chosen picture: Tiny ImageNet's are kept as they are, ImageNet's shrunk."""

_QUALITY = 82
_VERSION = 1  # Of what is drawn: with another one all pictures are made anew.


class PictureKeeper:
    """Makes the pictures of a run that are missing, and anew those that depend on something that has changed.

    Args:
        folder: ``benchmark/pictures``.
        route: Where they come from.
        ids: A picture of each class, by class; empty for a class that has none.
        clean_ids: A clean picture of each class, by class; empty for a class that has none.
        strips: What the galleries show.
    """

    def __init__(
        self, folder: Path, route: Route, ids: Sequence[str], clean_ids: Sequence[str], strips: Sequence[Strip]
    ) -> None:
        conditions = route.conditions
        self._folder, self._route = folder, route
        self._places: dict[str, dict[str, int]] = {}
        height, width = fitted(conditions.size, _thumbnail_side(len(ids), 1 + len(conditions.corruptions)))
        columns = max(1, math.ceil(math.sqrt(len(ids))))
        sheets = Sheets(tuple(ids), tuple(clean_ids), conditions.middle_severity, width, height, columns)
        high, wide = fitted(conditions.size, SHOWN)
        self.index = KeptPictures(sheets, tuple(strips), wide, high)
        self._corruptions = {sheet_name(corruption): corruption for corruption in (CLEAN, *conditions.corruptions)}
        self._whys = {gallery_name(why): why for why in dict.fromkeys(strip.why for strip in strips)}

    def keep(self) -> None:
        """Make the files one by one; after an interruption those that are finished stay.

        Raises:
            Interrupted: A signal came.
        """
        wanted = self._wanted()
        saved = self._saved()
        marks = {} if saved is None else saved.files
        known = {name: mark for name, mark in wanted.items() if marks.get(name) == mark and _is_whole(self._path(name))}
        todo = [name for name in wanted if name not in known]
        if not todo and saved == replace(self.index, files=known):
            return
        write_pictures(self._folder, replace(self.index, files=known))
        try:
            with stop_on_signal() as stop, progress("Pictures for the report", len(todo), "files") as bar:
                for name in todo:
                    _require_going_on(stop)
                    if self._make(name):
                        known[name] = wanted[name]
                    bar.advance(1, name)
        finally:
            write_pictures(self._folder, replace(self.index, files=known))
        self._clear_away(known)

    def _wanted(self) -> dict[str, str]:
        """Every file, and a hash of what it depends on."""
        sheets = self.index.sheets
        size = [sheets.width, sheets.height, sheets.columns, _QUALITY]
        found = {}
        for name, corruption in self._corruptions.items():
            cell, ids = self._on_sheet(corruption)
            found[name] = self._mark([cell], ids, size)
        for name, why in self._whys.items():
            strips = self.index.chosen(why)
            cells = [cell for strip in strips for cell in strip.cells]
            found[name] = self._mark(cells, [strip.id for strip in strips], [self.index.width, self.index.height])
        return found

    def _mark(self, cells: Sequence[CellKey], ids: Sequence[str], size: Sequence[int]) -> str:
        return mark_of(self._route, _VERSION, cells, list(ids), list(size))

    def _saved(self) -> KeptPictures | None:
        try:
            return read_pictures(self._folder)
        except ResultsError:  # Damaged: then nothing is known of what lies there.
            return None

    def _make(self, name: str) -> bool:
        """Make one file; whether it could be."""
        try:
            picture = self._gallery(self._whys[name]) if name in self._whys else self._sheet(self._corruptions[name])
        except ConfigError as error:  # Frost, whose textures are no longer here. Everything is measured all the same.
            say(f"The report will lack {name}: {error}")
            return False
        with atomic_path(self._path(name)) as temporary:
            if name in self._whys:
                picture.save(temporary, "PNG")
            else:
                picture.save(temporary, "JPEG", quality=_QUALITY, optimize=True)
        return True

    def _gallery(self, why: Why) -> Image.Image:
        """Strips one below the other; pictures of one cell are made together."""
        strips, size = self.index.chosen(why), (self.index.width, self.index.height)
        places: dict[CellKey, list[tuple[int, int]]] = {}
        for row, strip in enumerate(strips):
            for column, cell in enumerate(strip.cells):
                places.setdefault(cell, []).append((row, column))
        made = Image.new("RGB", (size[0] * max(len(strip.cells) for strip in strips), size[1] * len(strips)))
        for cell, each in places.items():
            pictures = self._pictures(*cell, [strips[row].id for row, _ in each], size)
            for (row, column), picture in zip(each, pictures, strict=True):
                made.paste(picture, (column * size[0], row * size[1]))
        return made

    def _on_sheet(self, corruption: str) -> tuple[CellKey, Sequence[str]]:
        """Which cell a sheet of classes is about, and the ids of its pictures."""
        sheets = self.index.sheets
        return ((CLEAN, 0), sheets.clean_ids) if corruption == CLEAN else ((corruption, sheets.severity), sheets.ids)

    def _sheet(self, corruption: str) -> Image.Image:
        sheets, (cell, ids) = self.index.sheets, self._on_sheet(corruption)
        rows = math.ceil(len(ids) / sheets.columns)
        sheet = Image.new("RGB", (sheets.columns * sheets.width, rows * sheets.height))
        known = [place for place, image in enumerate(ids) if image]
        pictures = self._pictures(*cell, [ids[place] for place in known], (sheets.width, sheets.height))
        for place, picture in zip(known, pictures, strict=True):
            row, column = divmod(place, sheets.columns)
            sheet.paste(picture, (column * sheets.width, row * sheets.height))
        return sheet

    def _pictures(
        self, corruption: str, severity: int, ids: Sequence[str], size: tuple[int, int]
    ) -> Iterator[Image.Image]:
        """Pictures of a cell, shrunk, a chunk at a time."""
        place = self._places_of(corruption)
        rows = np.array([place[image] for image in ids], np.int64)
        for chunk in chunks(len(rows)):
            batch = self._route.pictures(corruption, severity, rows[chunk]).cpu().permute(0, 2, 3, 1).numpy()
            for pixels in batch:
                picture = Image.fromarray(np.ascontiguousarray(pixels))
                yield picture if picture.size == size else picture.resize(size, Image.Resampling.LANCZOS)

    def _places_of(self, corruption: str) -> dict[str, int]:
        """Where each picture is among those of a cell; the corrupted ones are the same everywhere."""
        kind = CLEAN if corruption == CLEAN else "corrupted"
        if kind not in self._places:
            ids = self._route.images(corruption).ids
            self._places[kind] = {image: place for place, image in enumerate(ids)}
        return self._places[kind]

    def _path(self, name: str) -> Path:
        return self._folder / name

    def _clear_away(self, known: dict[str, str]) -> None:
        """Remove pictures of an earlier choice."""
        for path in self._folder.iterdir():
            if path.name not in known and path != index_path(self._folder) and path.suffix in (".png", ".jpg"):
                path.unlink()


def _is_whole(path: Path) -> bool:
    """Whether a picture is there and can be read: one that is damaged is made anew."""
    try:
        with Image.open(path) as picture:
            picture.load()
    except (OSError, SyntaxError, ValueError):  # Pillow reports some broken PNG chunks as SyntaxError.
        return False
    return True


def _require_going_on(stop: StopRequest) -> None:
    if stop.signal_number is not None:
        raise Interrupted(
            "Stopped; everything is measured, and the report's pictures are not all made. Run the same command again "
            "to go on.",
            stop.signal_number,
        )


def _thumbnail_side(classes: int, sheets: int) -> int:
    """As large as all sheets together may be."""
    return max(_FEWEST, min(THUMBNAIL, math.isqrt(_SHEET_PIXELS // max(1, classes * sheets))))


def fitted(size: Sequence[int], side: int) -> tuple[int, int]:
    """Height and width within a square, never enlarged."""
    height, width = size
    scale = min(1.0, side / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))
