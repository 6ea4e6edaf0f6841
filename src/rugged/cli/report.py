"""``rugged report``: the page of a benchmarked run, or its tables for other readers."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from rugged.cli.options import out_option


def report(
    runs: Annotated[
        list[Path],
        typer.Argument(metavar="RUN", help="Benchmarked run folders, the subject first."),
    ],
    form: Annotated[
        Literal["html", "md", "csv"],
        typer.Option("--format", help="A page; Markdown with its pictures beside it; or a folder of tables."),
    ] = "html",
    out: Annotated[
        Path | None,
        out_option(
            "PATH",
            "The file, or for csv the folder, to write. Default: in the first run's folder report/ index.html, "
            "report.md or tables.",
        ),
    ] = None,
) -> None:
    """Write a run's results as one page, to open offline, or as tables. Nothing is measured again."""
    from rugged.report import write_markdown, write_report, write_tables
    from rugged.results import RunFolder

    page = RunFolder(runs[0]).report
    if form == "html":
        written = write_report(runs, out or page)
    elif form == "md":
        written = write_markdown(runs, out or page.with_name("report.md"))
    else:
        written = write_tables(runs, out or page.with_name("tables"))
    typer.echo(written)
