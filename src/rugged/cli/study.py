"""``rugged study``: many trainings as one table."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rugged.cli.options import Device, OptionalData, out_option, refuse
from rugged.core.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rugged.pipelines.study import Row, Study


def study(
    context: typer.Context,
    name: Annotated[
        str | None, typer.Argument(metavar="STUDY", help="A shipped study or a .toml file. Left out: list them.")
    ] = None,
    data: OptionalData = None,
    out: Annotated[Path | None, out_option("DIR", "The study's folder. Default: studies/STUDY.")] = None,
    only: Annotated[str, typer.Option(metavar="ROW,ROW", help="Only these rows.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List the rows and how far each is; run nothing.")] = False,
    tables: Annotated[
        bool, typer.Option("--tables", help="Only print the tables of what is measured already.")
    ] = False,
    device: Device = "auto",
) -> None:
    """Train and benchmark the rows of a study, and print their tables. Run again, it goes on where it stopped."""
    from rugged.cli.choices import parse_names
    from rugged.core.errors import ConfigError
    from rugged.pipelines.study import choose_rows, load_study

    if name is None:
        refuse(context, ("data", "out", "only", "dry_run", "tables", "device"), "without a study")
        _list()
        return
    if dry_run and not tables:
        refuse(context, ("device",), "with --dry-run")
    if tables:
        refuse(context, ("only", "dry_run", "device"), "with --tables: they are of all that is measured")
    loaded = load_study(name)
    rows = choose_rows(loaded, parse_names(only))
    folder = out or Path("studies") / Path(name).stem
    if dry_run:
        _print_plan(loaded, rows, folder)
    elif tables:
        if not folder.is_dir():
            raise ConfigError(f"{folder} does not exist: the study has not been run there. Name its folder with --out.")
        _print_tables(loaded, name, folder, data)
    elif data is None:
        raise ConfigError("A study needs pictures: name them with --data. (--tables and --dry-run do without.)")
    else:
        _run(loaded, name, rows, data, folder, device)


def _list() -> None:
    from rugged.pipelines.study import shipped_studies

    for name, text in shipped_studies().items():
        typer.echo(f"{name:16} {text.splitlines()[0].removeprefix('# ')}")


def _print_plan(study: "Study", rows: "Sequence[Row]", folder: Path) -> None:
    """Every recipe is read before the first line, so that a plan that is printed can be begun."""
    from rugged.pipelines.study import StudyFolder, state
    from rugged.pipelines.study_run import read_recipe

    for row, recipe in [(row, read_recipe(row)) for row in rows]:
        overrides = [part for assignment in row.overrides for part in ("--set", assignment)]
        pictures = " on one-per-image" if row.data == "one_per_image" else ""
        typer.echo(
            f"{row.name}  [{state(study, row, StudyFolder(folder))}, {counted(recipe.epochs, 'epoch')}{pictures}]"
        )
        typer.echo(f"    {shlex.join([row.recipe, *overrides])}")


def _print_tables(study: "Study", name: str, folder: Path, data: str | None) -> None:
    from rugged.core.progress import say
    from rugged.pipelines.study import StudyFolder
    from rugged.pipelines.study_tables import study_tables, write_study_tables

    typer.echo(write_study_tables(study_tables(study, name, folder, data or "DATA"), name, folder), nl=False)
    say(f"Written: {StudyFolder(folder).tables}")


def _run(study: "Study", name: str, rows: "Sequence[Row]", data: str, folder: Path, device: Device) -> None:
    from rugged.cli.invocation import command_line
    from rugged.core.errors import RunError
    from rugged.data import open_dataset
    from rugged.pipelines.study_run import run_study

    failures = run_study(study, rows, open_dataset(data), folder, device=device, command=command_line())
    _print_tables(study, name, folder, data)
    if failures:
        listed = "".join(f"\n  {failure.row}: {failure.message}" for failure in failures)
        raise RunError(
            f"{len(failures)} of {len(rows)} rows could not be finished:{listed}\n"
            "Mend what they say, then run the same command again; finished rows are not done again."
        )
