"""Lists given on the command line, checked."""

import difflib

from rugged.core.catalogue import ALL, SEVERITIES
from rugged.core.errors import ConfigError
from rugged.corruptions import AVAILABLE


def parse_corruptions(text: str | None) -> tuple[str, ...]:
    """Names separated by commas; None is every corruption that exists.

    Raises:
        ConfigError: A name that is not a corruption, or not one that exists yet.
    """
    if text is None:
        return AVAILABLE
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if name not in AVAILABLE:
            nearest = difflib.get_close_matches(name, AVAILABLE, n=1)
            hint = f"Did you mean {nearest[0]}?" if nearest else f"Available: {', '.join(AVAILABLE)}."
            state = "is not available yet" if name in ALL else "is no corruption"
            raise ConfigError(f"--corruptions: {name!r} {state}. {hint}")
    if not names:
        raise ConfigError(f"--corruptions is empty. Available: {', '.join(AVAILABLE)}.")
    return names


def parse_severities(text: str) -> tuple[int, ...]:
    """Whole numbers from 1 to 5 separated by commas, in rising order without repeats.

    Raises:
        ConfigError: Anything else.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    allowed = {str(severity): severity for severity in SEVERITIES}
    if not parts or any(part not in allowed for part in parts):
        raise ConfigError(f"--severities is {text!r}; expected numbers from 1 to 5 separated by commas, e.g. 1,3,5.")
    return tuple(sorted({allowed[part] for part in parts}))
