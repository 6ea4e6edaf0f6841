"""The one check of lists of names, whether a recipe gives them or a caller."""

from collections.abc import Collection, Sequence

from rugged.core.errors import ConfigError
from rugged.core.hints import suggest


def require_known(where: str, names: Sequence[str], known: Collection[str]) -> None:
    """Refuse what is not a list of some of the known names.

    Args:
        where: What the names were given as, such as ``augment.noise.norms``.
        names: What was given.
        known: What there is.

    Raises:
        ConfigError: No name, an unknown one, or a string in place of a list.
    """
    if isinstance(names, str):
        raise ConfigError(f"{where} is {names!r}; expected a list of some of {', '.join(known)}.")
    if not names:
        raise ConfigError(f"{where} has no name; expected some of {', '.join(known)}.")
    for name in names:
        if name not in known:
            message = f"{where} has {name!r}; expected some of {', '.join(known)}. {suggest(name, known)}"
            raise ConfigError(message.rstrip())
