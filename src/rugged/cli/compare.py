"""``rugged compare``: benchmarked models side by side, and which differences are real."""

from pathlib import Path
from typing import Annotated

import typer

from rugged.cli.options import out_option


def compare(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN", help="Benchmarked run folders; the others are held against the first."),
    ],
    out: Annotated[
        Path | None, out_option("FILE", "The HTML page to write. Default: report/comparison.html in the first.")
    ] = None,
) -> None:
    """Hold models against each other on the same images: differences with intervals, and CE for each corruption."""
    from rugged.cli.tables import print_comparison
    from rugged.report import compare_runs, write_comparison
    from rugged.results import RunFolder

    compared = compare_runs(runs)
    print_comparison(compared)
    typer.echo(write_comparison(compared, out or RunFolder(runs[0]).report.with_name("comparison.html")))
