"""Tables as plain data, and as the texts that people and programs read: CSV and Markdown."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from rugged.core.spreadsheet import as_text

Value = str | int | float | None


@dataclass(frozen=True)
class Table:
    """Rows of values under their columns; a float is a fraction, which people read in percent.

    Attributes:
        title: What it shows.
        columns: Their heads.
        rows: A value for each column; None where there is none.
        numbers: Columns whose floats are no fractions, and are shown as they are.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    numbers: tuple[str, ...] = ()

    def head(self, count: int) -> "Table":
        """Its first rows alone, which the title then says."""
        if len(self.rows) <= count:
            return self
        return replace(self, title=f"{self.title}, first {count} of {len(self.rows):,}", rows=self.rows[:count])

    def without(self, *columns: str) -> "Table":
        """The same without some columns."""
        kept = [place for place, column in enumerate(self.columns) if column not in columns]
        rows = tuple(tuple(row[place] for place in kept) for row in self.rows)
        return replace(self, columns=tuple(self.columns[place] for place in kept), rows=rows)

    def words(self, digits: int = 2) -> list[tuple[str, ...]]:
        """The rows as people read them: fractions in percent, a dash for what there is not."""
        return [
            tuple(_word(value, column in self.numbers, digits) for value, column in zip(row, self.columns, strict=True))
            for row in self.rows
        ]


def _word(value: Value, is_number: bool, digits: int) -> str:
    if value is None or value != value:
        return "–"
    if isinstance(value, float):
        return f"{value if is_number else 100 * value:z.{digits}f}".replace("-", "−")
    return f"{value:,}" if isinstance(value, int) else value


def signed(value: float, digits: int) -> str:
    """A difference with its sign, none for what rounds to zero."""
    text = f"{value:+.{digits}f}"
    return text[1:] if float(text) == 0 else text.replace("-", "−")


def as_csv(table: Table) -> str:
    """A table as CSV: fractions stay fractions, and no text becomes a formula in a spreadsheet."""
    return csv_text([as_text(column) for column in table.columns], (map(_safe, row) for row in table.rows))


def _safe(value: Value) -> Value:
    if isinstance(value, str):
        return as_text(value)
    return None if value != value else value  # NaN is no figure.


def markdown_table(table: Table) -> str:
    """A table as Markdown, without its title."""
    lines = [table.columns, *table.words()]
    head, *body = (f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)
    return "\n".join([head, f"|---|{'---:|' * (len(table.columns) - 1)}", *body])


def csv_text(columns: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    """Rows as CSV: None is left empty, and floats keep six digits.

    Args:
        columns: The first line.
        rows: Values in the columns' order.
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([f"{value:.6g}" if isinstance(value, float) else value for value in row] for row in rows)
    return stream.getvalue()
