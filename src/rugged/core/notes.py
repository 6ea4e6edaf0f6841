"""Notes that go with figures: what changes their meaning is shown, how pictures were prepared is counted."""

from collections.abc import Iterable

FITTED = "Fitted to one size: the shorter side resized (bicubic, antialiased), then the centre cropped."

# Not "enlarged": pictures that had fewer pixels are blurred before any corruption is.
_CHANGES = ("converted", "turned", "laid", "reduced", "cropped")
_PREPARED = (FITTED, *(f"Pictures {change} " for change in _CHANGES))


def prepared(change: str, count: int) -> str:
    """The note on how some pictures were prepared, such as ``Pictures converted from palette to RGB: 15.`` of 15."""
    return f"Pictures {change}: {count:,}."


def preparations(notes: Iterable[str]) -> list[str]:
    """Those that say how pictures were prepared as every model's are, and change no figure's meaning."""
    return [note for note in notes if note.startswith(_PREPARED)]


def warnings(notes: Iterable[str]) -> list[str]:
    """All the others."""
    return [note for note in notes if not note.startswith(_PREPARED)]


def folded(notes: Iterable[str]) -> list[str]:
    """Warnings first, then preparations: as they are where there is one, else as one line that counts them."""
    notes = list(notes)
    ways = preparations(notes)
    if len(ways) > 1:
        ways = [f"Data: {len(ways)} preparations of the pictures (conversions and sizes), see `rugged data info`."]
    return [*warnings(notes), *ways]
