"""Predictions on perturbation sequences: one Parquet file for each sequence and difficulty, one row a frame."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from rugged.core.errors import ResultsError
from rugged.core.files import atomic_path
from rugged.results.predictions import STAMP, Cell, Stamp, as_matrix, as_rows, cell_path, join_cells


@dataclass(frozen=True)
class Frames:
    """A model's predictions for every frame of one kind of sequence, of N pictures with F frames each.

    Attributes:
        sequence: Its name.
        difficulty: 1 to 3.
        ids: ``N`` image ids, ``<class>/<stem>``.
        labels: ``(N,)`` int32 true classes.
        top: ``(N, F, K)`` int32 classes, most probable first; K is 5, or the number of classes where that is less.
        top_probabilities: ``(N, F, K)`` float32, their probabilities.
        label_probability: ``(N, F)`` float32, probability of the true class.
        loss: ``(N, F)`` float32 cross-entropy in nats.
        sum_of_squares: ``(N, F)`` float32, sum over all classes of the squared probabilities.
    """

    sequence: str
    difficulty: int
    ids: tuple[str, ...]
    labels: npt.NDArray[np.int32]
    top: npt.NDArray[np.int32]
    top_probabilities: npt.NDArray[np.float32]
    label_probability: npt.NDArray[np.float32]
    loss: npt.NDArray[np.float32]
    sum_of_squares: npt.NDArray[np.float32]


def join_frames(cells: Sequence[Cell], ids: Sequence[str], labels: npt.NDArray[Any]) -> Frames:
    """Put together the predictions for all frames of N pictures, in order.

    Args:
        cells: Of some of the frames each; their corruption is the sequence, their severity the difficulty.
        ids: N image ids.
        labels: ``(N,)``.
    """
    whole = join_cells(cells, ())

    def shaped(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return values.reshape(len(ids), -1, *values.shape[1:])

    return Frames(
        whole.corruption, whole.severity, tuple(ids), labels.astype(np.int32), shaped(whole.top),
        shaped(whole.top_probabilities), shaped(whole.label_probability), shaped(whole.loss),
        shaped(whole.sum_of_squares),
    )  # fmt: skip


def write_frames(folder: Path, frames: Frames, stamp: Stamp) -> None:
    """Write the predictions atomically, stamped: the file is a checkpoint."""
    pictures, count = frames.loss.shape
    table = pa.table(
        {
            "id": pa.array(np.repeat(np.array(frames.ids, dtype=object), count), pa.string()),
            "label": pa.array(np.repeat(frames.labels, count), pa.int32()),
            "sequence": pa.DictionaryArray.from_arrays(
                pa.array(np.zeros(pictures * count, np.int8)), [frames.sequence]
            ),
            "difficulty": pa.array(np.full(pictures * count, frames.difficulty, np.int8)),
            "frame": pa.array(np.tile(np.arange(count, dtype=np.int16), pictures)),
            "top_classes": as_rows(frames.top.reshape(pictures * count, -1), pa.int32()),
            "top_probabilities": as_rows(frames.top_probabilities.reshape(pictures * count, -1), pa.float32()),
            "label_probability": pa.array(frames.label_probability.ravel(), pa.float32()),
            "loss": pa.array(frames.loss.ravel(), pa.float32()),
            "sum_of_squares": pa.array(frames.sum_of_squares.ravel(), pa.float32()),
        }
    )
    table = table.replace_schema_metadata({STAMP: json.dumps(asdict(stamp))})
    with atomic_path(cell_path(folder, frames.sequence, frames.difficulty)) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def read_frames(folder: Path, sequence: str, difficulty: int) -> Frames:
    """Read the predictions of one kind of sequence.

    Raises:
        ResultsError: The file is missing or damaged.
    """
    path = cell_path(folder, sequence, difficulty)
    try:
        with pq.ParquetFile(path) as file:  # pq.read_table would first import all of pyarrow.dataset.
            table = file.read()
        columns = {name: table.column(name).combine_chunks() for name in table.column_names}
        count = int(columns["frame"].to_numpy().max()) + 1
        cell = Cell(
            sequence, difficulty, (), columns["label"].to_numpy(), as_matrix(columns["top_classes"]),
            as_matrix(columns["top_probabilities"]), columns["label_probability"].to_numpy(),
            columns["loss"].to_numpy(), columns["sum_of_squares"].to_numpy(),
        )  # fmt: skip
        return join_frames([cell], columns["id"].to_pylist()[::count], cell.labels[::count])
    except FileNotFoundError as error:
        raise ResultsError(f"{path} does not exist. Run `rugged benchmark --sequences` first.") from error
    except (OSError, pa.ArrowException, KeyError, AttributeError, ValueError) as error:
        raise ResultsError(
            f"{path} cannot be read ({error}). Run `rugged benchmark --sequences` again: it measures it anew."
        ) from error
