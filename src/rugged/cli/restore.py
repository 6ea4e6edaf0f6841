"""``rugged restore``: train a restorer, and put it to work on picture files."""

from pathlib import Path
from typing import Annotated

import typer

from rugged.cli.options import Device, Overrides, RecipeRun
from rugged.cli.restore_benchmark import benchmark

app = typer.Typer(
    no_args_is_help=True, help="Restore blurred or otherwise corrupted pictures: train, apply, benchmark."
)
app.command()(benchmark)


@app.command()
def train(
    recipe: Annotated[
        str,
        typer.Argument(
            metavar="RECIPE", help="A restorer's recipe (see `rugged recipes`) or the path of a .toml file."
        ),
    ],
    data: Annotated[
        str | None,
        typer.Option(
            "--data", "-d", metavar="SRC", help="Pictures to corrupt: builtin, a prepared data set's name, or a path."
        ),
    ] = None,
    pairs: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Pairs instead, as GOPRO has them: DIR/train/SEQUENCE/{blur,sharp}/*.png"),
    ] = None,
    out: RecipeRun = None,
    overrides: Overrides = None,
    device: Device = "auto",
) -> None:
    """Train a restorer. Interrupted and run again, it goes on where it stopped."""
    from rugged.cli.invocation import command_line
    from rugged.core.errors import ConfigError
    from rugged.data import open_dataset
    from rugged.restore import load_recipe
    from rugged.restore import train as train_restorer
    from rugged.restore.folders import open_pairs

    loaded = load_recipe(recipe, overrides or ())
    if (data is None) == (pairs is None):
        raise ConfigError("Give either --data, pictures to corrupt, or --pairs, a folder of pairs.")
    source = open_dataset(data) if data is not None else open_pairs(pairs or Path())
    folder = out or Path("runs") / Path(recipe).stem
    run = train_restorer(loaded, source, folder, device=device, command=command_line())
    typer.echo(run.restorer)


@app.command()
def apply(
    restorer: Annotated[
        Path, typer.Argument(metavar="RESTORER", help="A run folder of `rugged restore train`, or a restorer's file.")
    ],
    source: Annotated[Path, typer.Argument(metavar="SRC", help="A picture, or a folder of pictures, of any size.")],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="The file or folder to write.")],
    keep_format: Annotated[
        bool, typer.Option("--keep-format", help="Write each picture in its own format instead of PNG.")
    ] = False,
    device: Device = "auto",
) -> None:
    """Restore pictures. Interrupted and run again, it goes on where it stopped; bad pictures are named and left out."""
    from rugged.restore.apply import apply_restorer

    typer.echo(apply_restorer(restorer, source, out, keep_format=keep_format, device=device))
