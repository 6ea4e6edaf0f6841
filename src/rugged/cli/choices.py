"""Lists given on the command line."""

from rugged.core.errors import ConfigError


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
