"""Mistakes among near classes against far ones: a Labrador taken for a golden retriever, or for a teapot."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rugged.analyze.confusions import confusion_matrix
from rugged.analyze.selection import Cells, corruptions_of, select, severities_of
from rugged.core.errors import ConfigError
from rugged.core.files import read_text
from rugged.core.parsing import parse_toml
from rugged.core.shipped import shipped
from rugged.results import CLEAN, Cell, Classes
from rugged.results.classes import plain

UNGROUPED = "ungrouped"
"""Where the classes stand that a user's file does not name; they are near to none, and not to each other."""

_FEWEST = 10
"""Classes that shipped groups are for, at least: what is left of them among three says nothing of near and far."""


@dataclass(frozen=True)
class Groups:
    """Which classes are near to each other.

    Attributes:
        names: Of the G groups, in the file's order.
        members: ``(C,)`` int64, the group of each class.
        source: Whose groups these are, for people: ``tiny-imagenet`` as shipped, or the user's file.
    """

    names: tuple[str, ...]
    members: npt.NDArray[np.int64]
    source: str

    @property
    def near(self) -> npt.NDArray[np.bool_]:
        """``(C, C)`` which other classes are near to each: those of its group, unless that holds what is ungrouped."""
        rest = np.array([name == UNGROUPED for name in self.names])[self.members]
        same = self.members[:, None] == self.members
        found: npt.NDArray[np.bool_] = same & ~rest & ~np.eye(len(self.members), dtype=bool)
        return found

    @property
    def sizes(self) -> npt.NDArray[np.int64]:
        """``(G,)`` how many classes each group has."""
        return np.bincount(self.members, minlength=len(self.names))


@dataclass(frozen=True)
class Kinship:
    """How near some mistakes are.

    Attributes:
        wrong: How many wrong answers there are.
        near: How many of them name a class of the true one's group.
        chance: The share of near ones, in [0, 1], if each of these answers fell on any of the wrong classes alike.
    """

    wrong: int
    near: int
    chance: float

    @property
    def share(self) -> float:
        """The share of near mistakes, in [0, 1]; NaN without mistakes."""
        return self.near / self.wrong if self.wrong else float("nan")


@dataclass(frozen=True)
class KinshipTable:
    """Near mistakes under everything that was measured.

    Attributes:
        groups: The groups.
        clean: Without corruption.
        corrupted: Over the corruptions that means are over.
        severities: At each severity over these corruptions.
        corruptions: Under each corruption over its severities.
        clean_matrix: ``(G, G)`` int64: of which group (row) the clean pictures are, and of which (column) the answers.
        corrupted_matrix: The same over the corruptions that means are over.
    """

    groups: Groups
    clean: Kinship
    corrupted: Kinship
    severities: dict[int, Kinship]
    corruptions: dict[str, Kinship]
    clean_matrix: npt.NDArray[np.int64]
    corrupted_matrix: npt.NDArray[np.int64]


def shipped_groups(classes: Classes) -> Groups | None:
    """The groups that come with rugged for a data set, known by its classes; None where there are none.

    A data set of a part of the classes takes the same groups, down to ten classes.
    """
    if len(classes) < _FEWEST:
        return None
    for name, text in shipped("analyze/groups").items():
        table = parse_toml(text)
        known = {plain(entry) for entries in table.values() for entry in entries}
        for entries in (classes.ids, classes.names):
            if {plain(entry) for entry in entries} <= known:
                places = {plain(entry): place for place, group in enumerate(table.values()) for entry in group}
                return _without_empty(tuple(table), [places[plain(entry)] for entry in entries], name)
    return None


def read_groups(path: Path, classes: Classes) -> Groups:
    """Read a user's groups: a TOML file of lines such as ``dogs = ["n02085620", "golden retriever"]``.

    Classes that it does not name stand together as ``UNGROUPED``, near to none.

    Raises:
        ConfigError: The file cannot be read, is of another shape, names no class, one twice or one that is not there,
            or calls a group as those are called that it does not name.
    """
    table = _read_table(path)
    if UNGROUPED in table:
        raise ConfigError(f"{path}: {UNGROUPED} is what classes are that stand in no group. Call this group otherwise.")
    owners: dict[int, str] = {}
    for group, entries in table.items():
        for entry in entries:
            try:
                label = classes.find(entry)
            except ConfigError as error:
                raise ConfigError(f"{path}, group {group}: {error}") from error
            if label in owners:
                raise ConfigError(
                    f"{path}: {classes.shown[label]} stands in {owners[label]} and in {group}. Name it once."
                )
            owners[label] = group
    names = (*table, UNGROUPED)
    members = [names.index(owners.get(label, UNGROUPED)) for label in range(len(classes))]
    return _without_empty(names, members, path.name)


def kinship_of(matrix: npt.NDArray[np.int64], groups: Groups) -> Kinship:
    """How near the mistakes of a confusion matrix ``(C, C)`` are."""
    wrong = matrix - np.diag(np.diag(matrix))
    near = groups.near
    chances = near.sum(axis=1) / max(len(matrix) - 1, 1)
    total = int(wrong.sum())
    chance = float(wrong.sum(axis=1) @ chances / total) if total else float("nan")
    return Kinship(total, int(wrong[near].sum()), chance)


def group_matrix(matrix: npt.NDArray[np.int64], groups: Groups) -> npt.NDArray[np.int64]:
    """``(G, G)`` from a confusion matrix of classes: the group of the picture (row), and of the answer (column)."""
    belongs = np.eye(len(groups.names), dtype=np.int64)[groups.members]
    return belongs.T @ matrix @ belongs


def kinship_table(cells: Cells, groups: Groups) -> KinshipTable:
    """Near mistakes clean, by severity and by corruption.

    Raises:
        ConfigError: Clean, or every corruption, is missing.
    """
    classes = len(groups.members)

    def matrix(chosen: Sequence[Cell]) -> npt.NDArray[np.int64]:
        return confusion_matrix(chosen, classes)

    clean, corrupted = matrix(select(cells, CLEAN)), matrix(select(cells))
    return KinshipTable(
        groups=groups,
        clean=kinship_of(clean, groups),
        corrupted=kinship_of(corrupted, groups),
        severities={level: kinship_of(matrix(select(cells, severity=level)), groups) for level in severities_of(cells)},
        corruptions={name: kinship_of(matrix(select(cells, name)), groups) for name in corruptions_of(cells)},
        clean_matrix=group_matrix(clean, groups),
        corrupted_matrix=group_matrix(corrupted, groups),
    )


def _read_table(path: Path) -> Mapping[str, Sequence[str]]:
    try:
        table = parse_toml(read_text(path))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"Cannot read the groups {path}: {error}.") from error
    for group, entries in table.items():
        if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
            raise ConfigError(f'{path}: {group} is no list of classes. Write it as {group} = ["class", "class"].')
    if not any(table.values()):
        raise ConfigError(f'{path} holds no groups. Write lines such as dogs = ["poodle", "Chihuahua"].')
    return table


def _without_empty(names: Sequence[str], members: Sequence[int], source: str) -> Groups:
    kept, places = np.unique(members, return_inverse=True)
    return Groups(tuple(names[place] for place in kept), places.astype(np.int64), source)
