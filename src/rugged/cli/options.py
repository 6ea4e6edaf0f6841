"""Arguments and options that several commands share, so that they read and mean the same everywhere."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from rugged.core import devices
from rugged.core.errors import ConfigError
from rugged.core.files import expanded


def out_option(metavar: str, help: str) -> Any:
    """Where to write what a command makes."""
    return typer.Option("--out", "-o", metavar=metavar, help=help, parser=expanded)


_PICTURES = "builtin, a prepared data set's name, or a path to pictures or a pack."
_DATA = typer.Option("--data", "-d", metavar="SRC", help=_PICTURES)

Source = Annotated[str, typer.Argument(metavar="SRC", help=_PICTURES)]
Data = Annotated[str, _DATA]
OptionalData = Annotated[str | None, _DATA]
Split = Annotated[Literal["train", "val"], typer.Option(help="Which pictures.")]
Limit = Annotated[int | None, typer.Option(min=1, help="Only so many pictures, taken evenly over the classes.")]
RecipeRun = Annotated[Path | None, out_option("DIR", "Run folder. Default: runs/RECIPE.")]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a recipe's value; may be repeated.")
]

# Of corruptions.
Severities = Annotated[str, typer.Option(metavar="N,N", help="Only these severities.")]
Preset = Annotated[str | None, typer.Option(metavar="NAME", help="Severity table. Default: by image size.")]
Textures = Annotated[
    str | None,
    typer.Option(metavar="DIR|procedural", help="Frost photographs, or drawn ice. Default: fetched on first use."),
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of the random draws.")]

# Of running networks.
Device = Annotated[devices.Device, typer.Option(help="Where to compute.")]
Precision = Annotated[devices.Precision, typer.Option(help="Format of numbers in convolutions and matrix products.")]


def refuse(context: typer.Context, names: Sequence[str], here: str) -> None:
    """Refuse options that would be read and then not obeyed.

    Args:
        context: Of the command.
        names: Parameters of the command.
        here: What makes them useless, such as ``with --preview``.

    Raises:
        ConfigError: Some of them were given.
    """
    parameters = [parameter for parameter in context.command.params if parameter.name in names]
    sources = {each.opts[0]: context.get_parameter_source(str(each.name)) for each in parameters}
    given = [option for option, source in sources.items() if source is not None and source.name == "COMMANDLINE"]
    if given:
        means, them = ("means", "it") if len(given) == 1 else ("mean", "them")
        raise ConfigError(f"{', '.join(given)} {means} nothing {here}. Leave {them} out.")


def require_png(path: Path, option: str) -> None:
    """Refuse to write a picture under a name that says something else.

    Args:
        path: Where a picture is to be written.
        option: That which asks for it, such as ``--preview``.

    Raises:
        ConfigError: The name does not end with ``.png``.
    """
    if path.suffix.lower() != ".png":
        raise ConfigError(f"{option} writes a PNG file, and {path} is not the name of one. Write OUT.png.")
