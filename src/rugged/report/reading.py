"""Reads run folders for the report, and refuses to lay side by side what was not measured alike."""

import csv
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rugged.core.errors import ConfigError, IncomparableError, ResultsError
from rugged.results import RunFolder, Stability, Summary, differences, read_stability, read_summary
from rugged.results.conditions import Conditions
from rugged.results.predictions import cell_path


@dataclass(frozen=True)
class Epoch:
    """One row of ``metrics.csv``: loss in nats, top-1 accuracy in [0, 1]; None where the row does not say."""

    epoch: int
    split: str
    loss: float | None
    top1: float | None
    learning_rate: float | None


@dataclass(frozen=True)
class ReportedRun:
    """What the page shows of a run. ``summary.model.name`` is unique on the page.

    Attributes:
        folder: Where it lies.
        summary: Of its benchmark.
        epochs: Of its training.
        stabilities: Figures of perturbation sequences, one a difficulty that was measured.
    """

    folder: RunFolder
    summary: Summary
    epochs: tuple[Epoch, ...]
    stabilities: tuple[Stability, ...]


def read_runs(folders: Sequence[Path], limit: int, least: int = 1) -> list[ReportedRun]:
    """Read the runs of one page.

    Args:
        folders: Run folders; the first is the subject.
        limit: How many the charts can tell apart.
        least: How many there must be.

    Raises:
        ConfigError: Too few or too many given, or one twice.
        ResultsError: A folder is missing, has no readable benchmark or figures of sequences, or lacks predictions that
            its summary names.
        IncomparableError: They were not measured under the same conditions.
    """
    if not folders:
        raise ConfigError("A report needs at least one run folder; none was given.")
    if len(folders) < least:
        raise ConfigError(f"{len(folders)} run was given; a comparison needs at least {least}. Name another one.")
    if len(folders) > limit:
        raise ConfigError(f"{len(folders)} runs were given; a report tells at most {limit} apart. Name fewer.")
    if len({folder.resolve() for folder in folders}) < len(folders):
        raise ConfigError("The same run folder was given twice. Name each once.")
    for folder in folders:
        if not folder.is_dir():
            raise ResultsError(f"{folder} is not a run folder: there is no such folder. Check the path.")
    summaries = _with_unique_names([(RunFolder(folder), read_summary(RunFolder(folder).summary)) for folder in folders])
    for folder, summary in zip(folders, summaries, strict=True):
        _require_cells(RunFolder(folder), summary.conditions)
    for folder, summary in zip(folders[1:], summaries[1:], strict=True):
        _require_same_conditions(summaries[0].conditions, summary.conditions, folders[0], folder)
    return [
        ReportedRun(
            RunFolder(folder), summary, read_epochs(RunFolder(folder).metrics), _stabilities(RunFolder(folder), summary)
        )
        for folder, summary in zip(folders, summaries, strict=True)
    ]


def read_epochs(path: Path) -> tuple[Epoch, ...]:
    """The rows of ``metrics.csv``; none where the model was not trained here. Of a repeated epoch the last counts.

    Columns that are not drawn are passed over.

    Raises:
        ResultsError: The file is damaged, or lacks a column that every training writes.
    """
    if not path.exists():
        return ()
    rows: dict[tuple[int, str], Epoch] = {}
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream, strict=True):
                epoch = _epoch(row)
                rows[epoch.epoch, epoch.split] = epoch
    except (OSError, KeyError, AttributeError, TypeError, ValueError, csv.Error) as error:
        raise ResultsError(
            f"{path} cannot be read after {len(rows)} good rows ({error!r}). Expected the columns that `rugged train` "
            "writes; restore the file, or move it away to report without learning curves."
        ) from error
    return tuple(rows[key] for key in sorted(rows))


def _stabilities(run: RunFolder, summary: Summary) -> tuple[Stability, ...]:
    """Figures of sequences, under the model's name on the page; without those of another model, trained here before."""
    places = [run.stability(difficulty) for difficulty in (1, 2, 3)]
    found = [read_stability(place) for place in places if place.exists()]
    return tuple(replace(one, model=summary.model) for one in found if one.model.sha256 == summary.model.sha256)


def _with_unique_names(runs: Sequence[tuple[RunFolder, Summary]]) -> list[Summary]:
    """Add where it lies, as shortly as can be, to a model that shares its name with another."""
    unique = []
    for run, summary in runs:
        name = summary.model.name
        others = [other.path for other, known in runs if known.model.name == name and other is not run]
        shown = f"{name} ({_shortest_tail(run.path, others)})" if others else name
        unique.append(replace(summary, model=replace(summary.model, name=shown)))
    return unique


def _shortest_tail(path: Path, others: Sequence[Path]) -> str:
    """The last parts of a path, as many as tell it from the others."""
    parts = path.resolve().parts
    for length in range(1, len(parts)):
        if all(other.resolve().parts[-length:] != parts[-length:] for other in others):
            return "/".join(parts[-length:])
    return str(path.resolve())


def _require_cells(run: RunFolder, conditions: Conditions) -> None:
    missing = [
        f"{name}-{level}" for name, level in conditions.cells if not cell_path(run.predictions, name, level).exists()
    ]
    if missing:
        raise ResultsError(
            f"{run.predictions} lacks {len(missing)} of the {len(conditions.cells)} cells that the summary names "
            f"({', '.join(missing[:3])}{' …' if len(missing) > 3 else ''}). Run `rugged benchmark` again."
        )


def _require_same_conditions(here: Conditions, there: Conditions, subject: Path, other: Path) -> None:
    found = differences(here, there)
    if here.corruptions != there.corruptions:
        found.append(f"corruptions are {', '.join(there.corruptions)}, here {', '.join(here.corruptions)}")
    if found:
        raise IncomparableError(
            f"{other} cannot stand beside {subject}: {'; '.join(found)}. "
            "Benchmark both under the same conditions, or report them on pages of their own."
        )


def _epoch(row: dict[str, str]) -> Epoch:
    return Epoch(
        epoch=int(row["epoch"]),
        split=row["split"],
        loss=_number(row["loss"]),
        top1=_number(row["top1"]),
        learning_rate=_number(row["learning_rate"]),
    )


def _number(text: str) -> float | None:
    """The number, or None for an empty field and for the NaN of a training that diverged: neither can be drawn."""
    value = float(text) if text.strip() else math.nan
    return value if math.isfinite(value) else None
