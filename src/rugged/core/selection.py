"""Which corruptions and severities a user means."""

import os
from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral

from rugged.core.catalogue import ALL, BENCHMARK, EXTRA, PRESETS, SEVERITIES, preset_for
from rugged.core.errors import ConfigError
from rugged.core.hints import did_you_mean, nearest, no_such

SETS: Mapping[str, tuple[str, ...]] = {"benchmark": BENCHMARK, "extra": EXTRA, "all": ALL}
"""Names that stand for several corruptions."""


def require_list(given: object, what: str, where: str = "") -> None:
    """Refuse one text or path where several things are wanted: it would be taken letter by letter.

    Args:
        given: What was given.
        what: Of what a list is wanted, for the message: "corruptions".
        where: A recipe's key that gave it, likewise.

    Raises:
        ConfigError: It is a text or a path, or nothing that has parts.
    """
    said = f"{where}: " if where else ""
    if _has_parts(given):
        return
    if isinstance(given, str | bytes | os.PathLike):
        kind = "path" if isinstance(given, os.PathLike) else "text"
        raise ConfigError(f"{said}Expected a list of {what}, not the {kind} {str(given)!r}. Write [{str(given)!r}].")
    raise ConfigError(f"{said}Expected a list of {what}, not {given!r}.")


def choose_corruptions(names: Sequence[str], where: str = "") -> tuple[str, ...]:
    """Resolve names of corruptions and of sets of them, each corruption once, in the catalogue's order.

    Args:
        names: What was given.
        where: A recipe's key that gave it, for messages.

    Raises:
        ConfigError: None given, or one that is neither.
    """
    require_list(names, "corruptions", where)
    said, every = f"{where}: " if where else "", f"There are: {', '.join(ALL)}; and the sets {', '.join(SETS)}."
    if not names:
        raise ConfigError(f"{said}No corruption was named. {every}")
    chosen: set[str] = set()
    for name in names:
        if name not in ALL and name not in SETS:
            raise ConfigError(f"{said}{name!r} is no corruption. {did_you_mean(nearest(name, (*ALL, *SETS)), every)}")
        chosen.update(SETS.get(name, (name,)))
    return tuple(name for name in ALL if name in chosen)


def choose_preset(preset: str | None, height: int, width: int) -> str:
    """Check the name of a preset; for None give the one for pictures of ``height`` × ``width`` pixels.

    Raises:
        ConfigError: There is no such preset.
    """
    if preset is not None and preset not in PRESETS:
        raise ConfigError(no_such("preset", preset, PRESETS))
    return preset or preset_for(height, width)


def choose_severities(severities: Iterable[int], where: str = "Severities") -> tuple[int, ...]:
    """Check severities and put them in rising order, each once.

    Args:
        severities: What was given.
        where: A recipe's key that gave it, for messages.

    Raises:
        ConfigError: None given, or one outside 1 to 5.
    """
    if not _has_parts(severities):
        raise ConfigError(f"{where} are {severities!r}; expected a list of some of 1 to 5.")
    given = list(severities)
    if not given or any(not _is_severity(each) for each in given):
        raise ConfigError(f"{where} are {', '.join(map(str, given)) or 'none'}; expected some of 1 to 5.")
    return tuple(severity for severity in SEVERITIES if severity in given)


def check_limit(limit: int | None, name: str = "limit") -> None:
    """See that a limit to the number of images leaves some, or that another number is at least 1.

    Args:
        limit: None is no limit.
        name: What the caller calls it, for the message.

    Raises:
        ConfigError: It is below 1, or no whole number.
    """
    if limit is not None and (isinstance(limit, bool) or not isinstance(limit, Integral) or limit < 1):
        raise ConfigError(f"The {name} is {limit!r}; expected at least 1, and a whole number.")


def _has_parts(given: object) -> bool:
    return isinstance(given, Iterable) and not isinstance(given, str | bytes | os.PathLike)


def _is_severity(value: object) -> bool:
    return not isinstance(value, bool) and isinstance(value, Integral) and value in SEVERITIES
