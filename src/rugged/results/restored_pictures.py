"""Pictures before and after a restorer, kept with its predictions so that a report shows them without the data set."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from rugged.core.configuration import from_plain
from rugged.core.errors import ResultsError, RuggedError
from rugged.core.files import read_json, write_json
from rugged.results.pictures import Strip

FORMAT: Literal[1] = 1


@dataclass(frozen=True)
class RestoredPictures:
    """The index of one PNG, in which a row is a picture: in each of its cells as it is, and beside that restored.

    Attributes:
        strips: The pictures and their cells, from above.
        width: Of a picture in pixels.
        height: Of a picture in pixels.
        mark: Hash of what the file depends on.
        format: Of this index.
    """

    strips: tuple[Strip, ...]
    width: int
    height: int
    mark: str
    format: Literal[1] = field(default=FORMAT)

    @property
    def columns(self) -> int:
        """How many pictures stand side by side."""
        return max(2 * len(strip.severities) for strip in self.strips)


def restored_path(folder: Path) -> Path:
    """The PNG, in the folder of a variant's predictions."""
    return folder / "restored.png"


def write_restored(folder: Path, pictures: RestoredPictures) -> None:
    """Write the index atomically, after the PNG that it describes."""
    write_json(_index(folder), asdict(pictures))


def read_restored(folder: Path) -> RestoredPictures | None:
    """Read the index; None where no pictures were kept.

    Raises:
        ResultsError: It is damaged.
    """
    path = _index(folder)
    if not path.exists():
        return None
    try:
        pictures = from_plain(RestoredPictures, read_json(path), source=str(path))
        if not pictures.strips or min(pictures.width, pictures.height, pictures.columns) < 1:
            raise ResultsError("it names no pictures")
        return pictures
    except RuggedError as error:
        raise ResultsError(
            f"{path} cannot be read ({error}). Run `rugged benchmark` with --restore again: it makes it anew."
        ) from error


def _index(folder: Path) -> Path:
    return folder / "restored.json"
