"""Reads run folders for the report, and refuses to lay side by side what was not measured alike."""

import csv
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rugged.analyze import BenchmarkedRun, incomparable, read_run
from rugged.core.errors import ConfigError, IncomparableError, ResultsError
from rugged.results import (
    CLEAN,
    Changes,
    ErrorChange,
    KeptPictures,
    RunFolder,
    Stability,
    Summary,
    VariantResult,
    baseline_of,
    is_baseline,
    normalise,
    read_pictures,
    read_stability,
)
from rugged.results.conditions import Conditions
from rugged.results.predictions import cell_path
from rugged.results.summary import CorruptionResult


@dataclass(frozen=True)
class Epoch:
    """One row of ``metrics.csv``: loss in nats, top-1 accuracy in [0, 1]; None where the row does not say."""

    epoch: int
    split: str
    loss: float | None
    top1: float | None
    learning_rate: float | None


def read_runs(
    folders: Sequence[str | Path], limit: int, least: int = 1, *, clean_alone: bool = False
) -> list[BenchmarkedRun]:
    """Read the runs of one page, and give each model a name that no other has on it.

    Args:
        folders: Run folders; the first is the subject.
        limit: How many the charts can tell apart.
        least: How many there must be.
        clean_alone: Whether figures of clean pictures alone will do.

    Raises:
        ConfigError: Too few or too many given, or one twice.
        ResultsError: A folder is missing, has no readable benchmark, or lacks predictions that its summary names.
        IncomparableError: They were not measured under the same conditions.
    """
    if isinstance(folders, (str, os.PathLike)):
        folders = [folders]
    folders = list(folders)
    if not folders:
        raise ConfigError("A report needs at least one run folder; none was given.")
    if len(folders) < least:
        raise ConfigError(f"{len(folders)} run was given; a comparison needs at least {least}. Name another one.")
    if len(folders) > limit:
        raise ConfigError(f"{len(folders)} runs were given; a report tells at most {limit} apart. Name fewer.")
    if len({RunFolder(folder).path.resolve() for folder in folders}) < len(folders):
        raise ConfigError("The same run folder was given twice. Name each once.")
    runs = _with_unique_names([read_run(folder, clean_alone=clean_alone) for folder in folders])
    for run in runs:
        _require_cells(run.folder, run.summary.conditions)
    for run in runs[1:]:
        _require_same_conditions(runs[0], run)
    return runs


def relative_to_one(runs: Sequence[BenchmarkedRun]) -> tuple[list[BenchmarkedRun], list[str]]:
    """Have every CE and mCE relative to one baseline, that of the first model that has one, and say what is left out.

    Where none has one there is no CE either.
    The baseline itself, if it is among the models, has an mCE of 1 by definition, though it was measured without one.
    """
    first = next((run.summary for run in runs if run.summary.mce), None)
    if first is None or first.mce is None:  # No CE goes without what says whose errors divide.
        return [replace(run, summary=without_ce(run.summary)) for run in runs], []
    reference, found, left_out = first.mce.baseline, [], []
    for run in runs:
        summary = run.summary
        if is_baseline(summary, first):
            summary = normalise(without_ce(summary), baseline_of(summary, reference.name))
        elif summary.mce and summary.mce.baseline.sha256 != reference.sha256:
            left_out.append(
                f"The mCE of {summary.model.name} is relative to {summary.mce.baseline.name}, not to {reference.name}, "
                "and left out. Benchmark it again with the other baseline: nothing is measured twice."
            )
            summary = without_ce(summary)
        found.append(run if summary is run.summary else replace(run, summary=summary))
    return found, left_out


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


def read_stabilities(run: BenchmarkedRun) -> list[Stability]:
    """Figures of sequences, one a difficulty, under the model's name on the page.

    Those of another model, which was trained here before, are left out.

    Raises:
        ResultsError: Some cannot be read.
    """
    places = [run.folder.stability(difficulty) for difficulty in (1, 2, 3)]
    found = [read_stability(place) for place in places if place.exists()]
    model = run.summary.model
    return [replace(one, model=model) for one in found if one.model.sha256 == model.sha256]


def read_shown(run: BenchmarkedRun) -> KeptPictures | None:
    """Small pictures that the benchmark kept; None where it kept none.

    Raises:
        ResultsError: Their index is damaged, shows what was not measured, or calls it another class.
    """
    pictures, folder = read_pictures(run.folder.pictures), run.folder
    if pictures is None:
        return None
    if len(pictures.sheets.ids) != len(run.classes):
        raise ResultsError(
            f"{folder.pictures} shows other classes than {folder.classes}. Run `rugged benchmark` again."
        )
    clean, *_, corrupted = run.cells.values()
    truths = [dict(zip(cell.ids, cell.labels.tolist(), strict=True)) for cell in (clean, corrupted)]
    for strip in pictures.strips:
        for corruption, severity in strip.cells:
            if (corruption, severity) not in run.cells or truths[corruption != CLEAN].get(strip.id) != strip.label:
                raise ResultsError(
                    f"{folder.pictures} shows {strip.id!r} under {corruption}-{severity}, which the predictions lack "
                    "or know as another class. Run `rugged benchmark` again."
                )
    return pictures


def _with_unique_names(runs: Sequence[BenchmarkedRun]) -> list[BenchmarkedRun]:
    """Add where it lies, as shortly as can be, to a model that shares its name with another."""
    unique = []
    for run in runs:
        model = run.summary.model
        others = [other.folder.path for other in runs if other.summary.model.name == model.name and other is not run]
        name = f"{model.name} ({_shortest_tail(run.folder.path, others)})" if others else model.name
        unique.append(replace(run, summary=replace(run.summary, model=replace(model, name=name))))
    return unique


def without_ce(summary: Summary) -> Summary:
    """The same, its variants too, as if it had been measured without a baseline."""
    variants = tuple(map(_variant_without_ce, summary.variants))
    return replace(summary, mce=None, corruptions=_results_without_ce(summary.corruptions), variants=variants)


def _variant_without_ce(variant: VariantResult) -> VariantResult:
    def plain(change: ErrorChange) -> ErrorChange:
        return replace(change, ce=None, ce_interval=None)

    changes = variant.changes and Changes(
        plain(variant.changes.clean),
        variant.changes.mean and plain(variant.changes.mean),
        {name: plain(change) for name, change in variant.changes.corruptions.items()},
    )
    return replace(variant, mce=None, corruptions=_results_without_ce(variant.corruptions), changes=changes)


def _results_without_ce(results: Mapping[str, CorruptionResult]) -> dict[str, CorruptionResult]:
    return {name: replace(one, ce=None, relative_ce=None) for name, one in results.items()}


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


def _require_same_conditions(subject: BenchmarkedRun, other: BenchmarkedRun) -> None:
    if found := incomparable(subject.summary.conditions, other.summary.conditions):
        raise IncomparableError(
            f"{other.folder.path} cannot stand beside {subject.folder.path}: {'; '.join(found)}. "
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
