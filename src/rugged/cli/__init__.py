"""The command line: one thin file a command. Nothing heavy is imported before a command runs."""

import io
import sys
from functools import cache
from typing import Any, NoReturn

import typer

from rugged.cli import data, restore
from rugged.cli.analyze import analyze
from rugged.cli.benchmark import benchmark
from rugged.cli.card import card
from rugged.cli.compare import compare
from rugged.cli.corrupt import corrupt
from rugged.cli.demo import demo
from rugged.cli.doctor import doctor
from rugged.cli.exits import Commands
from rugged.cli.explain import explain
from rugged.cli.export import export
from rugged.cli.models import models
from rugged.cli.perturb import perturb
from rugged.cli.playground import playground
from rugged.cli.predict import predict
from rugged.cli.push import push
from rugged.cli.recipes import recipes
from rugged.cli.report import report
from rugged.cli.study import study
from rugged.cli.train import train

app = typer.Typer(
    name="rugged",
    cls=Commands,
    help="Make image classifiers that hold up under common corruptions, and show by how much.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    demo, train, benchmark, compare, analyze, explain, report, playground,
    predict, export, card, push, study, corrupt, perturb, models, recipes, doctor,
):  # fmt: skip
    app.command()(command)
app.add_typer(data.app, name="data")
app.add_typer(restore.app, name="restore")


def _print_version(wanted: bool) -> None:
    if wanted:
        from rugged import __version__

        typer.echo(f"rugged {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(False, "--version", callback=_print_version, is_eager=True, help="Show the version."),
) -> None:
    pass


@cache
def _built() -> Any:
    """The commands with all their options, made once in a process that runs several."""
    return typer.main.get_command(app)


def main() -> NoReturn:
    """Run the command line; a user's error is one message and status 1, an interruption 128 + its signal."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # A terminal that cannot show "–" gets \u2013, not a crash.
    sys.exit(_built()())
