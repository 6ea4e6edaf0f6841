"""``rugged train``: from a recipe and a data set to a run folder."""

from pathlib import Path
from typing import Annotated, Literal

import typer


def train(
    recipe: Annotated[str, typer.Argument(help="A shipped recipe (see `rugged recipes`) or the path of a .toml file.")],
    data: Annotated[
        str, typer.Option("--data", "-d", help="builtin, a prepared data set's name, or a path to pictures or a pack.")
    ],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Run folder. Default: runs/RECIPE.")] = None,
    overrides: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a recipe's value; may be repeated.")
    ] = None,
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], typer.Option(help="Where to train.")] = "auto",
) -> None:
    """Train a classifier. Interrupted and run again, it goes on where it stopped."""
    from rugged.cli.invocation import command_line
    from rugged.data import open_dataset
    from rugged.train import load_recipe
    from rugged.train import train as train_classifier

    loaded = load_recipe(recipe, overrides or ())
    folder = out or Path("runs") / Path(recipe).stem
    run = train_classifier(loaded, open_dataset(data), folder, device=device, command=command_line())
    typer.echo(run.model)
