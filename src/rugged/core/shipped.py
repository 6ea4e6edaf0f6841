"""TOML files that come with rugged, such as recipes and studies, and a user's own of their kind."""

import os
from collections.abc import Collection, Sequence
from importlib import resources
from pathlib import Path
from typing import TypeVar

from rugged.core.configuration import load
from rugged.core.errors import ConfigError
from rugged.core.files import expanded, read_text
from rugged.core.hints import suggest

T = TypeVar("T")

_COMMANDS = {"recipes": "rugged train", "restorers": "rugged restore train", "studies": "rugged study"}
"""What takes the files of each folder by name."""


_TRAINERS = {"Recipe": "rugged.train.train", "RestoreRecipe": "rugged.restore.train"}
"""What takes each kind of recipe."""


def shipped(folder: str) -> dict[str, str]:
    """The TOML files in one of rugged's own folders: name to text, in the names' order."""
    files = (file for file in (resources.files("rugged") / folder).iterdir() if file.name.endswith(".toml"))
    texts = {file.name.removesuffix(".toml"): file.read_text(encoding="utf-8") for file in files}
    return dict(sorted(texts.items()))


def load_shipped(kind: type[T], what: str, folder: str, where: str | Path, overrides: Sequence[str] = ()) -> T:
    """Read a shipped file by name, or any by its path.

    Args:
        kind: The dataclass to make.
        what: How messages call it: ``recipe``.
        folder: Where rugged keeps its own: ``recipes``.
        where: The name of one of these, or a path that ends in ``.toml``.
        overrides: ``"a.b=value"`` assignments.

    Raises:
        ConfigError: There is no such file, or it cannot be used.
    """
    path = expanded(where)
    if path.suffix == ".toml":
        try:
            return load(kind, read_text(path), source=str(path), overrides=overrides)
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"Cannot read the {what} {path}: {error}.") from error
    texts, name = shipped(folder), str(where)
    if name not in texts:
        for other, command in _COMMANDS.items():
            if name in shipped(other):
                raise ConfigError(f"There is no {what} {name!r}, but `{command} {name}` knows one of that name.")
        raise ConfigError(f"{not_shipped(what, name, texts)} A file of your own must end in .toml.")
    return load(kind, texts[name], source=f"{what} {name}", overrides=overrides)


def require_recipe(recipe: object, kind: type) -> None:
    """Refuse what is no recipe of a kind: its name, say, or another kind's.

    Args:
        recipe: What was given.
        kind: The dataclass of recipes that is wanted; beside it lies a ``load_recipe``.

    Raises:
        ConfigError: It is something else.
    """
    if isinstance(recipe, kind):
        return
    home = kind.__module__.rpartition(".")[0]
    if isinstance(recipe, str | os.PathLike):
        name = os.fspath(recipe)
        raise ConfigError(f"The recipe is the text {name!r}; expected what {home}.load_recipe({name!r}) gives.")
    name = type(recipe).__name__
    other = f" {_TRAINERS[name]} takes this one." if name in _TRAINERS else ""
    raise ConfigError(f"The recipe is {name}; expected {kind.__name__}, which {home}.load_recipe gives.{other}")


def not_shipped(what: str, name: str, known: Collection[str]) -> str:
    """Say that there is nothing of this name, and what was perhaps meant."""
    return f"There is no {what} {name!r}. {suggest(name, known, 'Shipped')}"
