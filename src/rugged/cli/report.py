"""``rugged report``: the page of a benchmarked run."""

from pathlib import Path
from typing import Annotated

import typer


def report(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN...", help="Benchmarked run folders, the subject first."),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help="The HTML file to write. Default: report/index.html in the first run.")
    ] = None,
) -> None:
    """Write one HTML page of a run's results, to open offline. Nothing is measured again."""
    from rugged.report import write_report
    from rugged.results import RunFolder

    typer.echo(write_report(runs, out or RunFolder(runs[0]).report))
