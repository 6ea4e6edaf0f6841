"""Tables on the terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from rugged.report import accuracy_table, caveats, error_table, mce_label, mean_extent, severities
from rugged.report.charts import percent
from rugged.results import Summary


def print_results(summaries: Sequence[Summary]) -> None:
    """Print the accuracy table of one or more models, the error table of the first, and what to bear in mind."""
    console = Console(highlight=False, markup=False, emoji=False)
    tables = _accuracies(summaries), _errors(summaries[0])
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


def _accuracies(summaries: Sequence[Summary]) -> Table:
    conditions = summaries[0].conditions
    table = Table(title=f"{conditions.dataset}, {conditions.split}, n = {conditions.images:,}")
    table.add_column("Model", no_wrap=True)
    for title in ("Top-1", "Top-5", "Corrupted top-1", mce_label(summaries[0])):
        table.add_column(title, justify="right")
    for row in accuracy_table(summaries):
        figures = (row.clean_top1, row.clean_top5, row.mean_corruption_accuracy, row.mce)
        table.add_row(row.model, *map(percent, figures))
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
