"""``metrics.csv``: a run's figures, a row for each finished epoch and split."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

_COLUMNS = ("epoch", "step", "split", "loss", "top1", "learning_rate", "images_per_second", "seconds")


def as_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """The file's text. A figure that a row lacks is left empty; fractions keep six digits."""
    stream = io.StringIO()
    writer = csv.DictWriter(stream, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(_rounded(row) for row in rows)
    return stream.getvalue()


def _rounded(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: f"{value:.6g}" if isinstance(value, float) else value for name, value in row.items()}
