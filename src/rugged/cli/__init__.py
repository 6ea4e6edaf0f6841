"""The command line: one thin file a command. Nothing heavy is imported before a command runs."""

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from rugged.cli import data
from rugged.cli.benchmark import benchmark
from rugged.cli.demo import demo
from rugged.cli.doctor import doctor
from rugged.cli.recipes import recipes
from rugged.cli.report import report
from rugged.cli.train import train
from rugged.core.errors import Interrupted, RuggedError
from rugged.core.progress import say


@contextmanager
def _exits() -> Iterator[None]:
    """End the process with a message and a status that tells scripts what happened, instead of a traceback."""
    try:
        yield
        return
    except Interrupted as interruption:
        message, status = str(interruption), 128 + interruption.signal_number
    except RuggedError as error:
        message, status = f"Error: {error}", 1
    except KeyboardInterrupt:
        message, status = "Stopped. Run the same command again to go on.", 130
    except (BrokenPipeError, SystemExit) as ending:
        if isinstance(ending, SystemExit) and not isinstance(ending.__context__, BrokenPipeError):
            raise
        # Whoever read our output has gone (`rugged data info … | head`); rich makes its own exit of that.
        message, status = "", 141
        _close_output()
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        message, status = f"Error: Cannot write {error.filename or 'the output'}: the disk is full.", 1
        _close_output()
    if message:
        say(message)
    sys.exit(status)


def _close_output() -> None:
    """Let what is still to be flushed when the process ends go nowhere: it would only fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Commands(TyperGroup):
    """Typer's commands with our exits; its own are silent on Ctrl-C, and a closed pipe's status is 1."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        with _exits():  # --help and --version print here.
            return super().make_context(*args, **kwargs)

    def invoke(self, *args: Any, **kwargs: Any) -> Any:
        with _exits():
            return super().invoke(*args, **kwargs)


app = typer.Typer(
    name="rugged",
    cls=_Commands,
    help="Make image classifiers that hold up under real-world corruption, and prove it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (demo, train, benchmark, report, recipes, doctor):
    app.command()(command)
app.add_typer(data.app, name="data")


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


def main() -> NoReturn:
    """Run the command line; a user's error is one message and status 1, an interruption 128 + its signal."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # A terminal that cannot show "–" gets \u2013, not a crash.
    sys.exit(app())
