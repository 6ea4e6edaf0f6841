"""How a source was packed the last time it was asked for: these choices hold until others are made."""

from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from rugged.core import files
from rugged.core.environment import cache_directory
from rugged.core.errors import RuggedError
from rugged.data.locks import digest
from rugged.data.packed import Origin


def remember(origin: Origin) -> None:
    """Keep the choices that a pack in the cache was made with."""
    path = Path(origin.path)
    if origin != last_time(path):
        with suppress(RuggedError):  # A cache that cannot be written holds packs none the less.
            files.write_json(_file(path), asdict(origin))


def last_time(where: Path) -> Origin | None:
    """The choices of the last time; None if there was none."""
    try:
        return Origin(**files.read_json(_file(where)))
    except (RuggedError, TypeError):
        return None


def _file(where: Path) -> Path:
    path = where.resolve()
    return cache_directory() / "packed" / f"{files.short_name(path.name)}-{digest(str(path))}.json"
