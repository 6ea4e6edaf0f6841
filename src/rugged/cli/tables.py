"""Tables on the terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from rugged.report import caveats, error_table, headline_table, mce_label, mean_extent, severities
from rugged.report.charts import percent
from rugged.results import Summary


def print_results(summaries: Sequence[Summary]) -> None:
    """Print the figures of one or more models, the error table of the first, and what to bear in mind."""
    console = Console(highlight=False, markup=False, emoji=False)
    tables = _headlines(summaries), _errors(summaries[0])
    console.width = max(console.width, *(_least_width(console, table) for table in tables))
    for table in tables:
        console.print(table)
    for line in _explanations(summaries[0]):
        console.print(line)
    for caveat in caveats(summaries):
        console.print(f"Note: {caveat}")


def _least_width(console: Console, table: Table) -> int:
    """Below this the first column would be cut, and better a line too long than two models whose names look alike."""
    return Measurement.get(console, console.options.update(max_width=1000), table).minimum


def _headlines(summaries: Sequence[Summary]) -> Table:
    conditions = summaries[0].conditions
    table = Table(title=f"{conditions.dataset}, {conditions.split}, n = {conditions.images:,}")
    table.add_column("With 95% interval", no_wrap=True)
    for summary in summaries:
        table.add_column(summary.model.name, justify="right", overflow="fold")
    for row in headline_table(summaries):
        table.add_row(row.label, *row.values)
    return table


def _errors(summary: Summary) -> Table:
    table = Table(title=f"Error of {summary.model.name} by severity, in percent")
    table.add_column("Corruption", no_wrap=True)
    for title in (*map(str, summary.conditions.severities), "Mean", "CE"):
        table.add_column(title, justify="right", no_wrap=True)
    for row in error_table(summary):
        figures = (*row.errors, row.mean, row.ce)
        # Seven percent signs would not leave room for the name of a corruption.
        table.add_row(row.label, *(percent(value).rstrip("%") for value in figures))
    return table


def _explanations(summary: Summary) -> list[str]:
    lines = [f"Corrupted top-1 is over {mean_extent(summary)}, {severities(summary)}."]
    if summary.mce is not None:
        baseline = summary.mce.baseline
        lines.append(f"{mce_label(summary)} is relative to {baseline.name} ({baseline.architecture}): lower is better.")
    return lines
