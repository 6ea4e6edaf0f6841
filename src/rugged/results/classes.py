"""The classes of a benchmark, in label order: what results are read with where the data set is far away."""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from rugged.core.errors import ConfigError, ResultsError, RuggedError
from rugged.core.files import read_json
from rugged.core.hints import did_you_mean, nearest


@dataclass(frozen=True)
class Classes:
    """Class ids and names; a label is a place in both.

    Attributes:
        ids: What the data set calls each class: a folder's name, such as ``n01443537``.
        names: What people call it. Two classes may share a name: a crane is a bird and a machine.
    """

    ids: tuple[str, ...]
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.ids or len(self.ids) != len(self.names) or len(set(self.ids)) < len(self.ids):
            raise ValueError("there must be classes, each with one name and an id of its own")

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def shown(self) -> tuple[str, ...]:
        """Names for people, with the id where a name alone would not tell which class is meant, or says nothing."""
        names = [" ".join(name.split()) or own for own, name in zip(self.ids, self.names, strict=True)]
        counts = Counter(names)
        pairs = zip(self.ids, names, strict=True)
        return tuple(f"{name} ({own})" if counts[name] > 1 else name for own, name in pairs)

    def find(self, wanted: str) -> int:
        """The label of a class by its id or by its name, in upper or lower case; an id as it stands comes first.

        Raises:
            ConfigError: There is no such class, the nearest being named; or several of this name.
        """
        if wanted in self.ids:
            return self.ids.index(wanted)
        pairs = zip(self.ids, self.names, strict=True)
        labels = [label for label, pair in enumerate(pairs) if plain(wanted) in map(plain, pair)]
        if len(labels) > 1:
            ids = ", ".join(self.ids[label] for label in labels)
            raise ConfigError(f"{len(labels)} classes are called {wanted!r}. Say which by its id: {ids}.")
        if not labels:
            known = {plain(name): name for name in (*self.ids, *self.names)}
            near = [known[guess] for guess in nearest(plain(wanted), known, count=3)]
            every = f"There are {len(self)}, such as {', '.join(self.shown[:5])}."
            raise ConfigError(f"There is no class {wanted!r}. {did_you_mean([repr(name) for name in near], every)}")
        return labels[0]


def read_classes(path: Path, count: int | None = None) -> Classes:
    """Read ``benchmark/classes.json``.

    Args:
        path: The file.
        count: How many classes the summary beside it is about; None where that is not known.

    Raises:
        ResultsError: It is missing or damaged, or lists another number of classes.
    """
    try:
        entries = read_json(path)
        found = Classes(tuple(str(one["id"]) for one in entries), tuple(str(one["name"]) for one in entries))
    except (RuggedError, KeyError, TypeError, ValueError) as error:
        raise ResultsError(
            f"{path} does not list the classes ({error}). Run `rugged benchmark` again: it writes this file."
        ) from error
    if count not in (None, len(found)):
        raise ResultsError(
            f"{path} lists {len(found):,} classes, the summary is about {count:,}. Run `rugged benchmark` again."
        )
    return found


def plain(name: str) -> str:
    """A class's id or name as it is compared: case, underscores and blanks around it do not matter."""
    return name.casefold().replace("_", " ").strip()
