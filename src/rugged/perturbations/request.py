"""What callers ask for, checked: sequences, presets and difficulties."""

from collections.abc import Collection, Mapping, Sequence
from numbers import Integral

from rugged.core.errors import CorruptionError
from rugged.core.hints import no_such
from rugged.core.selection import require_list
from rugged.perturbations.catalogue import (
    ALL_SEQUENCES,
    DIFFICULTIES,
    EXTRA_SEQUENCES,
    PRESETS,
    SEQUENCES,
    preset_for,
)

SETS: Mapping[str, tuple[str, ...]] = {
    "ten": SEQUENCES,
    "extra": EXTRA_SEQUENCES,
    "all": ALL_SEQUENCES,
}
"""Names that stand for several sequences."""


def choose_sequences(names: Sequence[str]) -> tuple[str, ...]:
    """Resolve names of sequences and of sets of them, each sequence once, in the catalogue's order.

    Raises:
        ConfigError: One text was given in place of a list.
        CorruptionError: None given, or one that is neither.
    """
    require_list(names, "sequences")
    if not names:
        raise CorruptionError(f"No sequence was named. There are: {', '.join(ALL_SEQUENCES)}; and {', '.join(SETS)}.")
    chosen: set[str] = set()
    for name in names:
        if name not in SETS:
            check_name(name, SETS)
        chosen.update(SETS.get(name, (name,)))
    return tuple(name for name in ALL_SEQUENCES if name in chosen)


def check_name(name: str, also: Collection[str] = ()) -> None:
    """Refuse what is no sequence; ``also`` names what else was possible."""
    if name not in ALL_SEQUENCES:
        raise CorruptionError(no_such("perturbation sequence", name, (*ALL_SEQUENCES, *also)))


def check_difficulty(difficulty: object) -> None:
    """Refuse what is no difficulty."""
    whole = isinstance(difficulty, Integral) and not isinstance(difficulty, bool)
    if not whole or difficulty not in DIFFICULTIES:
        raise CorruptionError(f"difficulty must be 1, 2 or 3, not {difficulty!r}.")


def choose_preset(preset: object, size: Sequence[int]) -> str:
    """Give the preset that was named, or the one for pictures of a height and a width."""
    if preset is None:
        return preset_for(*size)
    if not isinstance(preset, str) or preset not in PRESETS:
        raise CorruptionError(no_such("preset with sequences", preset, PRESETS))
    return preset
