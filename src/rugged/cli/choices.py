"""Lists given on the command line. What they name is checked before anything is imported that takes seconds."""

from rugged.core.errors import ConfigError
from rugged.core.selection import choose_corruptions, choose_severities


def parse_names(text: str) -> tuple[str, ...]:
    """Names separated by commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def parse_numbers(text: str) -> tuple[int, ...]:
    """Whole numbers separated by commas.

    Raises:
        ConfigError: Something else.
    """
    try:
        return tuple(int(part) for part in parse_names(text))
    except ValueError as error:
        raise ConfigError(f"{text!r} is not a list of whole numbers separated by commas, such as 1,3,5.") from error


def parse_corruptions(text: str) -> tuple[str, ...]:
    """Names of corruptions and of sets of them, separated by commas.

    Raises:
        ConfigError: None given, or one that is neither.
    """
    return choose_corruptions(parse_names(text))


def parse_severities(text: str) -> tuple[int, ...]:
    """Severities separated by commas.

    Raises:
        ConfigError: None given, or one outside 1 to 5.
    """
    return choose_severities(parse_numbers(text))
