"""Per-image predictions: the product of a benchmark, one Parquet file for each cell (corruption and severity)."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from rugged.core.catalogue import CellKey
from rugged.core.errors import ResultsError
from rugged.core.files import atomic_path, expanded
from rugged.core.parsing import parse_json
from rugged.metrics import in_top

CLEAN = "clean"
STAMP = b"rugged.stamp"


@dataclass(frozen=True)
class Cell:
    """A model's predictions for every image under one corruption at one severity.

    Attributes:
        corruption: Its name, or ``"clean"``.
        severity: 1 to 5; 0 for clean.
        ids: ``N`` image ids, ``<class>/<stem>``.
        labels: ``(N,)`` int32 true classes.
        top: ``(N, K)`` int32 classes, most probable first; K is 5, or the number of classes where that is less.
        top_probabilities: ``(N, K)`` float32, their probabilities.
        label_probability: ``(N,)`` float32, probability of the true class.
        loss: ``(N,)`` float32 cross-entropy in nats.
        sum_of_squares: ``(N,)`` float32, sum over all classes of the squared probabilities, for the Brier score.
    """

    corruption: str
    severity: int
    ids: tuple[str, ...]
    labels: npt.NDArray[np.int32]
    top: npt.NDArray[np.int32]
    top_probabilities: npt.NDArray[np.float32]
    label_probability: npt.NDArray[np.float32]
    loss: npt.NDArray[np.float32]
    sum_of_squares: npt.NDArray[np.float32]

    @property
    def correct(self) -> npt.NDArray[np.bool_]:
        """``(N,)``: is the most probable class the true one?"""
        return in_top(self.labels, self.top, 1)

    @property
    def in_top5(self) -> npt.NDArray[np.bool_]:
        """``(N,)``: is the true class among the five most probable?"""
        return in_top(self.labels, self.top, 5)


def join_cells(cells: Sequence[Cell], ids: tuple[str, ...]) -> Cell:
    """Put together the predictions of one cell that were computed a part at a time, in order.

    Args:
        cells: The parts.
        ids: Of all images.
    """
    columns = ("labels", "top", "top_probabilities", "label_probability", "loss", "sum_of_squares")
    joined: dict[str, Any] = {name: np.concatenate([getattr(cell, name) for cell in cells]) for name in columns}
    return Cell(cells[0].corruption, cells[0].severity, ids, **joined)


@dataclass(frozen=True)
class Stamp:
    """What a saved cell was measured under, and how long that took.

    Attributes:
        provenance: Everything its predictions depend on: model, images, conditions, versions, hardware, precision.
        seconds: Duration of its measurement.
    """

    provenance: dict[str, Any]
    seconds: float


def cell_path(folder: str | Path, corruption: str, severity: int) -> Path:
    """The file of a cell within a predictions folder."""
    return expanded(folder) / f"{corruption}-{severity}.parquet"


def write_cell(folder: Path, cell: Cell, stamp: Stamp) -> None:
    """Write a cell atomically, stamped: the file is a checkpoint."""
    count = len(cell.ids)
    table = pa.table(
        {
            "id": pa.array(cell.ids, pa.string()),
            "label": pa.array(cell.labels, pa.int32()),
            "corruption": pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int8)), [cell.corruption]),
            "severity": pa.array(np.full(count, cell.severity, np.int8)),
            "top_classes": as_rows(cell.top, pa.int32()),
            "top_probabilities": as_rows(cell.top_probabilities, pa.float32()),
            "label_probability": pa.array(cell.label_probability, pa.float32()),
            "loss": pa.array(cell.loss, pa.float32()),
            "sum_of_squares": pa.array(cell.sum_of_squares, pa.float32()),
        }
    )
    table = table.replace_schema_metadata({STAMP: json.dumps(asdict(stamp))})
    with atomic_path(cell_path(folder, cell.corruption, cell.severity)) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def as_rows(values: npt.NDArray[Any], kind: pa.DataType) -> pa.Array:
    """A matrix as a column of lists of one length."""
    return pa.FixedSizeListArray.from_arrays(pa.array(values.ravel(), kind), values.shape[1])


def read_stamp(folder: Path, corruption: str, severity: int) -> Stamp | None:
    """The stamp of a saved cell; None where there is no readable cell."""
    try:
        metadata = pq.read_schema(cell_path(folder, corruption, severity)).metadata or {}
        return Stamp(**parse_json(metadata[STAMP]))
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError):
        return None


def read_cell(folder: str | Path, corruption: str, severity: int) -> Cell:
    """Read one cell.

    Raises:
        ResultsError: The file is missing or damaged.
    """
    path = cell_path(folder, corruption, severity)
    try:
        with pq.ParquetFile(path) as file:  # pq.read_table would first import all of pyarrow.dataset.
            table = file.read()
        columns = {name: table.column(name).combine_chunks() for name in table.column_names}
        _require_cell(columns, (corruption, severity))
        return Cell(
            corruption=corruption,
            severity=severity,
            ids=tuple(columns["id"].to_pylist()),
            labels=columns["label"].to_numpy(),
            top=as_matrix(columns["top_classes"]),
            top_probabilities=as_matrix(columns["top_probabilities"]),
            label_probability=columns["label_probability"].to_numpy(),
            loss=columns["loss"].to_numpy(),
            sum_of_squares=columns["sum_of_squares"].to_numpy(),
        )
    except FileNotFoundError as error:
        raise ResultsError(
            f"{path} does not exist: this cell was not measured. Run `rugged benchmark` first."
        ) from error
    except (OSError, pa.ArrowException, KeyError, AttributeError, ValueError) as error:
        raise ResultsError(
            f"{path} cannot be read ({error}). Run `rugged benchmark` again: it measures damaged cells anew."
        ) from error


def _require_cell(columns: Mapping[str, pa.Array], wanted: CellKey) -> None:
    """Require that a file holds the cell that it is named after."""
    found = {*zip(columns["corruption"].to_pylist(), columns["severity"].to_pylist(), strict=True)}
    if found != {wanted}:
        raise ValueError(f"it holds {', '.join(f'{name}-{level}' for name, level in sorted(found))}")


def as_matrix(column: pa.FixedSizeListArray) -> npt.NDArray[Any]:
    """A column of lists of one length as a matrix."""
    values: npt.NDArray[Any] = column.flatten().to_numpy().reshape(len(column), -1)
    return values


def read_cells(folder: str | Path, wanted: Iterable[CellKey] | None = None) -> dict[CellKey, Cell]:
    """Cells of a predictions folder, keyed by (corruption, severity). Those of the same images share their ids.

    Args:
        folder: Where they lie.
        wanted: Which: those that a summary's conditions name, say. None for all that there are, among which some may be
            left of an earlier model or of other pictures.

    Raises:
        ResultsError: There is none, or one is missing or damaged.
    """
    keys = list(_saved(expanded(folder)) if wanted is None else wanted)
    if not keys:
        raise ResultsError(f"{folder} holds no predictions. Run `rugged benchmark` on this run first.")
    cells: dict[CellKey, Cell] = {}
    ids: tuple[str, ...] = ()
    for key in keys:
        cell = read_cell(folder, *key)
        ids = ids if cell.ids == ids else cell.ids
        cells[key] = replace(cell, ids=ids)
    return cells


def _saved(folder: Path) -> Iterator[CellKey]:
    for path in sorted(folder.glob("*.parquet")):
        corruption, _, severity = path.stem.rpartition("-")
        if corruption and severity.isdecimal():
            yield corruption, int(severity)
