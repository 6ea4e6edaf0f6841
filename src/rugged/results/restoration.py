"""How near restored pictures come to the clean ones: values of each picture, a file a cell, and what follows from them.

What restores is called a method: ``nothing`` leaves the corrupted picture as it is, ``classical`` is a filter that
knows the corruption, and ``restored`` is the restorer.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from rugged.core.catalogue import CellKey
from rugged.core.configuration import from_plain
from rugged.core.errors import ResultsError, RuggedError
from rugged.core.files import atomic_path, expanded, read_json, write_json
from rugged.metrics import interval, resampled_means
from rugged.results.conditions import Conditions, Made
from rugged.results.predictions import STAMP, Stamp, cell_path
from rugged.results.summary import Ends, RestorerFacts

FORMAT: Literal[1] = 1

METHODS = ("nothing", "classical", "restored")
MEASURES = ("psnr", "ssim")

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Nearness:
    """Every picture of one cell.

    Attributes:
        ids: N ids.
        values: For ``"psnr_restored"`` and the like, a measure and a method each, ``(N,)``: PSNR in decibels, at most
            ``rugged.metrics.image_quality.CEILING``, or SSIM. Clean pictures have no classical method.
    """

    ids: tuple[str, ...]
    values: dict[str, Values]


@dataclass(frozen=True)
class Figure:
    """A mean over pictures, or over pictures and cells, with its 95% interval by the bootstrap over pictures."""

    value: float
    interval: Ends


@dataclass(frozen=True)
class Quality:
    """The figures of one cell, or of several together.

    Attributes:
        psnr: For each method, in decibels.
        ssim: For each method.
        psnr_gain: By how much the PSNR of ``restored`` is above that of each of the others on the same pictures.
        ssim_gain: The same of SSIM.
    """

    psnr: dict[str, Figure]
    ssim: dict[str, Figure]
    psnr_gain: dict[str, Figure]
    ssim_gain: dict[str, Figure]


@dataclass(frozen=True)
class CorruptionQuality:
    """Of one corruption: the mean over the severities, and each of them."""

    mean: Quality
    severities: tuple[Quality, ...]


@dataclass(frozen=True)
class RestorationSummary:
    """The content of ``benchmark/restoration.json``.

    Attributes:
        restorer: What was measured.
        conditions: Under which conditions.
        clean: Of pictures with nothing to restore.
        corruptions: Of each corruption.
        mean: Over all of these and the severities.
        made: How.
        notes: What a reader must know.
        format: Of this file.
    """

    restorer: RestorerFacts
    conditions: Conditions
    clean: Quality
    corruptions: dict[str, CorruptionQuality]
    mean: Quality
    made: Made
    notes: tuple[str, ...] = ()
    format: Literal[1] = field(default=FORMAT)


def summarise_restoration(
    cells: Mapping[CellKey, Nearness],
    restorer: RestorerFacts,
    conditions: Conditions,
    made: Made,
    notes: Sequence[str] = (),
) -> RestorationSummary:
    """Compute every figure.

    Args:
        cells: Every one that ``conditions`` names.
        restorer: What was measured.
        conditions: What was measured.
        made: How.
        notes: What a reader must know.
    """
    clean, *corrupted = conditions.cells
    found = {name: [cells[name, severity] for severity in conditions.severities] for name in conditions.corruptions}
    return RestorationSummary(
        restorer,
        conditions,
        quality_of([cells[clean]]),
        {
            name: CorruptionQuality(quality_of(all_), tuple(quality_of([one]) for one in all_))
            for name, all_ in found.items()
        },
        quality_of([cells[key] for key in corrupted]),
        made,
        tuple(notes),
    )


def quality_of(cells: Sequence[Nearness]) -> Quality:
    """The figures of some cells of the same pictures, drawn anew together."""
    names = list(cells[0].values)
    means = np.stack([np.mean([cell.values[name] for cell in cells], axis=0) for name in names])
    drawn = dict(zip(names, resampled_means(means).T, strict=True))
    measured = dict(zip(names, means.mean(axis=1), strict=True))

    def figures(measure: str) -> dict[str, Figure]:
        known = [(method, f"{measure}_{method}") for method in METHODS if f"{measure}_{method}" in measured]
        return {method: Figure(float(measured[name]), interval(drawn[name])) for method, name in known}

    def gains(measure: str) -> dict[str, Figure]:
        ours = f"{measure}_restored"
        others = [(method, f"{measure}_{method}") for method in METHODS if method != "restored"]
        return {
            method: Figure(float(measured[ours] - measured[name]), interval(drawn[ours] - drawn[name]))
            for method, name in others
            if name in measured
        }

    return Quality(figures("psnr"), figures("ssim"), gains("psnr"), gains("ssim"))


def write_nearness(folder: Path, corruption: str, severity: int, cell: Nearness, stamp: Stamp) -> None:
    """Write a cell atomically, stamped: the file is a checkpoint."""
    columns = {name: pa.array(values, pa.float64()) for name, values in cell.values.items()}
    table = pa.table({"id": pa.array(cell.ids, pa.string()), **columns})
    table = table.replace_schema_metadata({STAMP: json.dumps(asdict(stamp))})
    with atomic_path(cell_path(folder, corruption, severity)) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def read_nearness(folder: Path, corruption: str, severity: int) -> Nearness:
    """Read one cell.

    Raises:
        ResultsError: The file is missing or damaged.
    """
    path = cell_path(folder, corruption, severity)
    try:
        with pq.ParquetFile(path) as file:
            table = file.read()
        values = {name: table.column(name).to_numpy() for name in table.column_names if name != "id"}
        if not all(f"{measure}_restored" in values for measure in MEASURES):
            raise ValueError("it lacks the restored pictures' values")
        return Nearness(tuple(table.column("id").to_pylist()), values)
    except (OSError, pa.ArrowException, KeyError, ValueError) as error:
        raise ResultsError(
            f"{path} cannot be read ({error}). Run `rugged restore benchmark` again: it measures damaged cells anew."
        ) from error


def write_restoration(path: Path, summary: RestorationSummary) -> None:
    """Write ``restoration.json`` atomically."""
    write_json(path, {"format": FORMAT, **asdict(summary)})


def read_restoration(path: str | Path) -> RestorationSummary:
    """Read ``restoration.json``.

    Raises:
        ResultsError: Missing, not JSON, or not a summary of this format.
    """
    path = expanded(path)
    if not path.exists():
        raise ResultsError(f"{path} does not exist. Run `rugged restore benchmark` first.")
    try:
        return from_plain(RestorationSummary, read_json(path), source=str(path))
    except RuggedError as error:
        raise ResultsError(
            f"{path} is not a restorer's benchmark of format {FORMAT} ({error}). Measure it again with --replace."
        ) from error
