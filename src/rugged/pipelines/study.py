"""Studies: tables of trainings, recipes × models, as frozen data read from TOML."""

import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from rugged.core.catalogue import SEVERITIES
from rugged.core.configuration import NONE, by_full_key
from rugged.core.errors import ConfigError
from rugged.core.files import read_json, sha256_file
from rugged.core.hints import suggest
from rugged.core.selection import choose_corruptions, choose_severities, require_list
from rugged.core.shipped import load_shipped, shipped
from rugged.data import packed
from rugged.results import CLEAN, RunFolder, Stamp, read_stamp, read_summary

LearnedFrom = Literal["clean", "one_per_image"]

_NAME = re.compile(r"\w[\w.-]*")
_NAME_BYTES = 255
"""What the usual file systems allow a name."""

_LEFT_OPEN = {"precision": "auto", "micro_batch": 0, "augment.corrupt.textures": NONE}
"""What a recipe may leave to the machine: that of a run says what it came to."""


@dataclass(frozen=True)
class StudyRecipe:
    """One way to train.

    Attributes:
        name: Its part of a row's name.
        recipe: A shipped recipe, or the path of a ``.toml`` file.
        data: Train on the data set itself, or on its copy with one corruption in each picture.
        set: ``"optimizer.lr=0.05"`` assignments that change the recipe.
    """

    name: str
    recipe: str
    data: LearnedFrom = "clean"
    set: tuple[str, ...] = ()


@dataclass(frozen=True)
class StudyModel:
    """One network: its part of a row's name, and the assignments that make a recipe train it."""

    name: str
    set: tuple[str, ...]


@dataclass(frozen=True)
class OnePerImage:
    """The copy of the data set in which each picture carries one corruption, drawn by its id."""

    corruptions: tuple[str, ...] = ("all",)
    severities: tuple[int, ...] = SEVERITIES
    seed: int = 0

    def __post_init__(self) -> None:
        choose_corruptions(self.corruptions, "one_per_image.corruptions")
        choose_severities(self.severities, "one_per_image.severities")
        if self.seed < 0:
            raise ValueError(f"one_per_image.seed is {self.seed}; it must be 0 or more.")


@dataclass(frozen=True)
class Row:
    """One training of a study, with its own run folder."""

    name: str
    recipe: str
    overrides: tuple[str, ...]
    data: LearnedFrom


@dataclass(frozen=True)
class Study:
    """A study.

    Attributes:
        recipes: Ways to train; each trains every model.
        models: The networks.
        baseline: The recipe whose model's errors CE and mCE divide by: the first row.
        corruptions: What every row is benchmarked on.
        textures: For frost, as for ``rugged benchmark``.
        one_per_image: The corrupted copy, on whose validation pictures every row is measured too; None without one.
    """

    recipes: tuple[StudyRecipe, ...]
    models: tuple[StudyModel, ...]
    baseline: str | None = None
    corruptions: tuple[str, ...] = ("benchmark",)
    textures: str | None = None
    one_per_image: OnePerImage | None = None

    def __post_init__(self) -> None:
        choose_corruptions(self.corruptions, "corruptions")
        if not (self.recipes and self.models):
            raise ValueError("a study needs at least one of [[recipes]] and one of [[models]].")
        parts = [*(recipe.name for recipe in self.recipes), *(model.name for model in self.models)]
        for name in (*parts, *self._baselines()):
            if not _NAME.fullmatch(name):
                raise ValueError(f"{name!r} cannot name a folder; use letters, digits, dots, hyphens and underscores.")
        names = [row.name for row in self.rows]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"{', '.join(twice)} would be the name of several rows.")
        if too_long := [name for name in names if len(name.encode()) > _NAME_BYTES]:
            raise ValueError(f"{too_long[0]} is too long for the name of a folder: at most {_NAME_BYTES} bytes.")
        if self.one_per_image is None and any(recipe.data == "one_per_image" for recipe in self.recipes):
            raise ValueError('a recipe with data = "one_per_image" needs a table [one_per_image].')

    @property
    def rows(self) -> tuple[Row, ...]:
        """The baseline, then each model with every recipe."""
        first = [Row(name, str(self.baseline), (), "clean") for name in self._baselines()]
        products = [
            Row(f"{model.name}_{recipe.name}", recipe.recipe, (*recipe.set, *model.set), recipe.data)
            for model in self.models
            for recipe in self.recipes
        ]
        return (*first, *products)

    def _baselines(self) -> list[str]:
        return [] if self.baseline is None else [Path(self.baseline).stem]


@dataclass(frozen=True)
class StudyFolder:
    """Names the files of a study. Making one touches nothing on disk."""

    path: Path

    def run(self, row: Row) -> RunFolder:
        """The run folder of a row."""
        return RunFolder(self.path / "runs" / row.name)

    @property
    def copy(self) -> Path:
        """The pack with one corruption in each picture."""
        return self.path / "one-per-image"

    def on_copy(self, row: Row) -> Path:
        """Where a row's predictions on that pack's validation pictures lie."""
        return self.path / "on-one-per-image" / row.name

    @property
    def tables(self) -> Path:
        """The tables as Markdown; each lies beside it as CSV."""
        return self.path / "tables.md"


def shipped_studies() -> dict[str, str]:
    """The studies that come with rugged: name to TOML text."""
    return shipped("studies")


def load_study(where: str) -> Study:
    """Read a shipped study by name, or any by its path.

    Raises:
        ConfigError: No such study, or one that cannot be used.
    """
    return load_shipped(Study, "study", "studies", where)


def choose_rows(study: Study, names: Sequence[str]) -> tuple[Row, ...]:
    """The rows of these names in the study's order; all where none is named.

    Raises:
        ConfigError: There is no such row, or one text was given in place of a list.
    """
    require_list(names, "rows")
    known = [row.name for row in study.rows]
    if unknown := [name for name in names if name not in known]:
        raise ConfigError(f"The study has no row {unknown[0]!r}. {suggest(unknown[0], known, 'There are')}")
    return tuple(row for row in study.rows if row.name in names or not names)


MEASURED = ("partly benchmarked", "benchmarked", "done")


def state(study: Study, row: Row, folder: StudyFolder) -> str:
    """How far a row has come, in a word or two; ``done`` where nothing is left to do.

    Its figures are those of its own model and recipe in the states ``MEASURED``, and in no other.

    Raises:
        ResultsError: Its summary is damaged.
        RuggedError: So is its manifest, or that of the copy.
    """
    run = folder.run(row)
    if not run.model.exists():
        return "training" if run.manifest.exists() else "not begun"
    if _is_of_another_recipe(row, run):
        return "of another recipe"
    if row.data == "one_per_image" and _is_of_another_copy(study, run, folder):
        return "of another copy"
    model_sha256 = sha256_file(run.model)
    if not run.summary.exists() or (summary := read_summary(run.summary)).model.sha256 != model_sha256:
        return "trained"
    there = summary.conditions
    whole = there.severities == SEVERITIES and there.limit is None
    if not (whole and {*choose_corruptions(study.corruptions)} <= {*there.corruptions}):
        return "partly benchmarked"
    if study.one_per_image is not None and stamp_on_copy(study, row, folder, model_sha256) is None:
        return "benchmarked"
    return "done"


def _is_of_another_recipe(row: Row, run: RunFolder) -> bool:
    """Whether a run was trained otherwise than the study now has it; False where a recipe of the two cannot be read."""
    from rugged.train import load_recipe  # With torch, which a list of studies does without.

    if not run.recipe.exists():
        return False
    try:
        saved, wanted = by_full_key(load_recipe(run.recipe)), by_full_key(load_recipe(row.recipe, row.overrides))
    except ConfigError:
        return False
    pairs = {key: (saved.get(key, NONE), wanted.get(key, NONE)) for key in (*saved, *wanted)}
    return any(found != asked and asked != _LEFT_OPEN.get(key) for key, (found, asked) in pairs.items())


def _is_of_another_copy(study: Study, run: RunFolder, folder: StudyFolder) -> bool:
    """Whether a run was trained on another copy than the study now asks for."""
    from rugged.engine.manifest import read_manifest  # With torch, likewise.

    return run.manifest.exists() and not _is_copy(study, folder, read_manifest(run.manifest).dataset.content_hash)


def stamp_on_copy(study: Study, row: Row, folder: StudyFolder, model_sha256: str) -> Stamp | None:
    """The stamp of a model's predictions on the copy; None where there are none, or of an older model or copy."""
    stamp = read_stamp(folder.on_copy(row), CLEAN, 0)
    if stamp is None or stamp.provenance.get("model_sha256") != model_sha256:
        return None
    return stamp if _is_copy(study, folder, stamp.provenance.get("content_hash")) else None


def _is_copy(study: Study, folder: StudyFolder, content_hash: str | None) -> bool:
    """Whether pictures are those of the copy that the study now asks for; True where there is no copy to compare."""
    wanted = study.one_per_image
    if wanted is None or not packed.is_pack(folder.copy):
        return True
    made = read_json(folder.copy / packed.MANIFEST)
    asked = {
        "corruptions": list(choose_corruptions(wanted.corruptions)),
        "severities": list(choose_severities(wanted.severities)),
        "seed": wanted.seed,
    }
    corrupted = made.get("corrupted") or {}
    return made.get("content_hash") == content_hash and all(corrupted.get(key) == asked[key] for key in asked)


def command_for(study_name: str, row: Row, data: str, out: Path) -> str:
    """The command that runs one row, or goes on with it."""
    return shlex.join(["rugged", "study", study_name, "--data", data, "--out", str(out), "--only", row.name])
