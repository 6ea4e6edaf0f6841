"""Which of the measured cells a question is about."""

from collections.abc import Mapping, Sequence

from rugged.core.catalogue import ALL, BENCHMARK
from rugged.core.errors import ConfigError
from rugged.core.hints import suggest
from rugged.results import CLEAN, Cell

Cells = Mapping[tuple[str, int], Cell]
"""A model's predictions, keyed by (corruption, severity); clean is ``("clean", 0)``."""


def corruptions_of(cells: Cells) -> tuple[str, ...]:
    """The corruptions that were measured, in the catalogue's order."""
    found = {name for name, _ in cells}
    return tuple(name for name in ALL if name in found)


def averaged(cells: Cells) -> tuple[str, ...]:
    """What means are over: the benchmark's corruptions that were measured; else the extra ones."""
    found = corruptions_of(cells)
    return tuple(name for name in found if name in BENCHMARK) or found


def severities_of(cells: Cells, corruption: str | None = None) -> tuple[int, ...]:
    """The severities at which a corruption, or any, was measured, rising; clean's 0 is not one of them."""
    found = {severity for name, severity in cells if name != CLEAN and corruption in (None, name)}
    return tuple(sorted(found))


def select(cells: Cells, corruption: str | None = None, severity: int | None = None) -> list[Cell]:
    """The cells of one corruption, of one severity, of both, or all that means are over.

    Args:
        cells: What was measured.
        corruption: Its name, or ``"clean"``; None for all that means are over (``averaged``), without clean.
        severity: 0 means clean; None for every severity.

    Raises:
        ConfigError: None of these was measured.
    """
    if corruption == CLEAN or severity == 0:
        return [_clean(cells, corruption, severity)]
    _require_measured("corruption", corruption, (CLEAN, *corruptions_of(cells)))
    _require_measured("severity", severity, (0, *severities_of(cells, corruption)))
    names = averaged(cells) if corruption is None else (corruption,)
    keys = [(name, each) for name in names for each in severities_of(cells, name) if severity in (None, each)]
    if not keys:
        raise ConfigError("Only clean predictions were measured. Run `rugged benchmark` with corruptions.")
    return [cells[key] for key in keys]


def _clean(cells: Cells, corruption: str | None, severity: int | None) -> Cell:
    if corruption not in (None, CLEAN) or severity not in (None, 0):
        raise ConfigError(f"{corruption} at severity {severity} is none: clean has severity 0, corruptions 1 to 5.")
    if (CLEAN, 0) not in cells:
        raise ConfigError("The clean predictions are missing. Run `rugged benchmark` again.")
    return cells[CLEAN, 0]


def _require_measured(what: str, wanted: str | int | None, known: Sequence[str | int]) -> None:
    if wanted is not None and wanted not in known:
        names = list(map(str, known))
        guess = suggest(wanted, names) if isinstance(wanted, str) else ""
        raise ConfigError(
            f"The {what} {wanted} was not measured. {guess} Measured: {', '.join(names)}.".replace("  ", " ")
        )


def restrict(cells: Cells, corruption: str | None = None, severity: int | None = None) -> dict[tuple[str, int], Cell]:
    """Clean and the cells of one corruption, of one severity, or of both, as if no others had been measured.

    Raises:
        ConfigError: None of these was measured, or clean was asked for, which is always there.
    """
    select(cells)  # Refused where clean alone was measured: there is nothing to name then.
    names, levels = corruptions_of(cells), severities_of(cells, corruption)
    for what, wanted, own, known in (("corruption", corruption, CLEAN, names), ("severity", severity, 0, levels)):
        if wanted == own:
            raise ConfigError(f"Clean stands beside every corruption. Name one of: {', '.join(map(str, known))}.")
        _require_measured(what, wanted, known)
    chosen = select(cells, corruption, severity)
    clean = {key: cell for key, cell in cells.items() if key[0] == CLEAN}
    return clean | {(cell.corruption, cell.severity): cell for cell in chosen}
