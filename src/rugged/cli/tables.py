"""Tables on the terminal."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from rugged.report import accuracy_table, error_table
from rugged.results import Summary


def print_results(summaries: Sequence[Summary]) -> None:
    """Print the accuracy table of one or more models, the error table of the first, and what to bear in mind."""
    console = Console(highlight=False, markup=False)
    console.print(_accuracies(summaries))
    console.print(_errors(summaries[0]))
    for note in summaries[0].notes:
        console.print(f"Note: {note}")


def _accuracies(summaries: Sequence[Summary]) -> Table:
    conditions, mce = summaries[0].conditions, summaries[0].mce
    table = Table(title=f"{conditions.dataset}, {conditions.split}, n = {conditions.images:,}")
    table.add_column("Model")
    mce_title = "mCE" if mce is None or mce.complete else f"mCE over {len(mce.over)}"
    for title in ("Top-1", "Top-5", "Corrupted top-1", mce_title):
        table.add_column(title, justify="right")
    for row in accuracy_table(summaries):
        figures = [f"{value:.1%}" for value in (row.clean_top1, row.clean_top5, row.mean_corruption_accuracy)]
        table.add_row(row.model, *figures, "no baseline" if row.mce is None else f"{row.mce:.1%}")
    if mce is not None:
        table.caption = f"mCE relative to {mce.baseline.name} ({mce.baseline.architecture}): lower is better"
    return table


def _errors(summary: Summary) -> Table:
    table = Table(title=f"Error of {summary.model.name} by severity")
    table.add_column("Corruption")
    for title in (*map(str, summary.conditions.severities), "Mean", "CE"):
        table.add_column(title, justify="right")
    for row in error_table(summary):
        ce = "–" if row.ce is None else f"{row.ce:.1%}"
        table.add_row(row.label, *(f"{value:.1%}" for value in row.errors), f"{row.mean:.1%}", ce)
    return table
