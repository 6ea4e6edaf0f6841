"""Predictions as CSV and as JSON lines, written as they come."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence

from rugged.core.spreadsheet import as_text
from rugged.predict.stream import Row


def csv_lines(rows: Iterable[Row], top: int) -> Iterator[str]:
    """A line for each picture: id, path, then class, name and probability of each guess, and an error.

    No name becomes a formula in a spreadsheet: before one that would, an apostrophe is put.

    Args:
        rows: What became of each picture.
        top: How many guesses there are columns for.
    """
    guesses = [f"{what}_{place}" for place in range(1, top + 1) for what in ("class", "name", "probability")]
    yield _line(["id", "path", *guesses, "error"])
    for row in rows:
        found = [
            text
            for guess in row.guesses
            for text in (as_text(guess.id), as_text(guess.name), f"{guess.probability:.6g}")
        ]
        empty = [""] * (3 * top - len(found))
        yield _line([as_text(row.source.id or ""), as_text(row.source.name), *found, *empty, as_text(row.error or "")])


def _line(values: Sequence[str]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerow(values)
    return stream.getvalue()


def json_lines(rows: Iterable[Row]) -> Iterator[str]:
    """A JSON object a line for each picture: ``id``, ``path``, ``predictions`` and ``error``."""
    for row in rows:
        found = {
            "id": row.source.id,
            "path": row.source.name,
            "predictions": [
                {"class": guess.id, "name": guess.name, "probability": float(f"{guess.probability:.6g}")}
                for guess in row.guesses
            ],
            "error": row.error,
        }
        yield json.dumps(found, ensure_ascii=False) + "\n"
