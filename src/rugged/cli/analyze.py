"""``rugged analyze``: what a benchmarked run's predictions say about its classes, confusions and lost pictures."""

from pathlib import Path
from typing import Annotated

import typer

from rugged.cli.options import out_option, refuse


def analyze(
    context: typer.Context,
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A benchmarked run folder.")],
    class_: Annotated[
        str | None, typer.Option("--class", metavar="NAME_OR_ID", help="Show everything about this class.")
    ] = None,
    corruption: Annotated[
        str | None, typer.Option("--corruption", metavar="NAME", help="Look at this corruption alone, beside clean.")
    ] = None,
    severity: Annotated[
        int | None, typer.Option("--severity", metavar="N", help="Look at this severity alone.")
    ] = None,
    groups: Annotated[
        Path | None,
        typer.Option(
            "--groups", metavar="FILE", help='TOML file of near classes: lines such as dogs = ["poodle", "Chihuahua"].'
        ),
    ] = None,
    top: Annotated[int, typer.Option("--top", min=1, help="Rows of each list.")] = 10,
    out: Annotated[Path | None, out_option("DIR", "Write every table, whole, as CSV into this folder.")] = None,
) -> None:
    """Show the classes a model knows worst, what it confuses, which pictures it loses, and how sure it is."""
    from rugged import analyze as analysis
    from rugged.cli.tables import print_tables
    from rugged.core.files import write_text
    from rugged.core.tables import as_csv

    if class_ is not None:
        refuse(context, ("groups",), "with --class: it tells near mistakes from far ones over all classes")
    measured = analysis.read_run(run)
    classes = measured.classes
    label = None if class_ is None else classes.find(class_)
    kin = analysis.shipped_groups(classes) if groups is None else analysis.read_groups(groups, classes)
    cells = measured.cells
    if corruption is not None or severity is not None:
        cells = analysis.restrict(cells, corruption, severity)
    if label is None:
        found = analysis.analyse(cells, classes, kin)
        print_tables(analysis.overview_tables(found, top), analysis.overview_lines(found))
    else:
        print_tables(analysis.class_overview(cells, classes, label, top))
    if out is not None:
        if label is None:
            analysis.write_all_tables(found, out)
        else:
            for name, table in analysis.class_tables(cells, classes, label).items():
                write_text(out / f"{name}.csv", as_csv(table))
        typer.echo(out)
