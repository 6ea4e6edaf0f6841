"""Small pictures kept with the results, so that a report shows them without the data set.

Two kinds lie in ``benchmark/pictures``. *Sheets* hold one thumbnail for each class, a sheet for the clean pictures and
one for each corruption, as JPEG. *Galleries* hold chosen pictures, one below the other, each in a few cells side by
side, as PNG: a file for each reason to choose a picture.
"""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from rugged.core.catalogue import CellKey
from rugged.core.configuration import from_plain
from rugged.core.errors import ResultsError, RuggedError
from rugged.core.files import read_json, write_json
from rugged.results.predictions import CLEAN

FORMAT: Literal[1] = 1

Why = Literal["random", "mistake", "lost", "last", "restored"]
"""Why a picture was chosen: by chance, as a confident mistake, as lost on the way, as lost last or never, or by its
place alone to be shown restored."""


@dataclass(frozen=True)
class Sheets:
    """One picture of each class. Thumbnail ``i`` lies in row ``i // columns``, column ``i % columns`` of every sheet.

    Attributes:
        ids: Of the pictures, by class; empty for a class that has none.
        clean_ids: Of those on the clean sheet: others, where the clean pictures are not those that were corrupted.
        severity: Of the corrupted sheets.
        width: Of a thumbnail in pixels.
        height: Of a thumbnail in pixels.
        columns: Thumbnails in a row.
    """

    ids: tuple[str, ...]
    clean_ids: tuple[str, ...]
    severity: int
    width: int
    height: int
    columns: int


@dataclass(frozen=True)
class Strip:
    """One chosen picture in a few cells.

    Attributes:
        why: Why it was chosen.
        id: Of the picture.
        label: Its class.
        corruption: Under which it is shown; ``"clean"`` where under none.
        severities: At which, from left to right; 0 is the clean picture. The same for all of one reason.
    """

    why: Why
    id: str
    label: int
    corruption: str
    severities: tuple[int, ...]

    @property
    def cells(self) -> list[CellKey]:
        """The cells that it shows the picture in."""
        return [(self.corruption if severity else CLEAN, severity) for severity in self.severities]


@dataclass(frozen=True)
class KeptPictures:
    """The index of the kept pictures.

    Attributes:
        sheets: One picture of each class.
        strips: Chosen pictures.
        width: Of a chosen picture in pixels.
        height: Of a chosen picture in pixels.
        files: Of each file that is there, what it depends on, as a hash.
        format: Of this index.
    """

    sheets: Sheets
    strips: tuple[Strip, ...]
    width: int
    height: int
    files: dict[str, str] = field(default_factory=dict)
    format: Literal[1] = FORMAT

    def gallery(self, why: Why) -> list[Strip]:
        """The strips of a gallery, from above; none where it was not made."""
        return self.chosen(why) if gallery_name(why) in self.files else []

    def chosen(self, why: Why) -> list[Strip]:
        """The strips that were chosen for one reason, whether they were made or not."""
        return [strip for strip in self.strips if strip.why == why]

    def sheet(self, corruption: str) -> str | None:
        """The file of a sheet; None where it was not made."""
        name = sheet_name(corruption)
        return name if name in self.files else None


def sheet_name(corruption: str) -> str:
    """The file of the sheet of a corruption, or of the clean pictures."""
    return f"classes-{corruption}.jpg"


def gallery_name(why: Why) -> str:
    """The file of the pictures that were chosen for one reason."""
    return f"{why}.png"


def index_path(folder: Path) -> Path:
    """Where the index of a folder of pictures lies."""
    return folder / "index.json"


def write_pictures(folder: Path, pictures: KeptPictures) -> None:
    """Write the index atomically. It names files that are there, so that it is the checkpoint of their making."""
    write_json(index_path(folder), asdict(pictures))


def read_pictures(folder: Path) -> KeptPictures | None:
    """Read the index; None where the benchmark kept no pictures, as before it did so.

    Raises:
        ResultsError: It is damaged.
    """
    path = index_path(folder)
    if not path.exists():
        return None
    try:
        pictures = from_plain(KeptPictures, read_json(path), source=str(path))
        if not _can_be_laid_out(pictures):
            raise ResultsError("its sizes do not fit")
        return pictures
    except RuggedError as error:
        raise ResultsError(
            f"The pictures in {folder} cannot be read ({error}). Run `rugged benchmark` again: it makes them anew."
        ) from error


def _can_be_laid_out(pictures: KeptPictures) -> bool:
    """Whether every picture has a place, and all strips of a reason are equally long."""
    sheets = pictures.sheets
    lengths = {(strip.why, len(strip.severities)) for strip in pictures.strips}
    return (
        min(sheets.width, sheets.height, sheets.columns, pictures.width, pictures.height) > 0
        and len(sheets.ids) == len(sheets.clean_ids)
        and len(lengths) == len({why for why, _ in lengths})
        and all(length > 0 for _, length in lengths)
    )
