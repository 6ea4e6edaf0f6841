"""``rugged train``: from a recipe and a data set to a run folder."""

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from rugged.cli.options import Data, Device, Overrides, RecipeRun


def train(
    recipe: Annotated[
        str,
        typer.Argument(metavar="RECIPE", help="A shipped recipe (see `rugged recipes`) or the path of a .toml file."),
    ],
    data: Data,
    out: RecipeRun = None,
    overrides: Overrides = None,
    device: Device = "auto",
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Write TensorBoard's events too, into the run folder.")
    ] = False,
) -> None:
    """Train a classifier. Interrupted and run again, it goes on where it stopped.

    With torchrun, several processes share the work: torchrun --nproc-per-node 8 -m rugged train …
    """
    from rugged.cli.invocation import command_line
    from rugged.core.errors import Interrupted
    from rugged.data import open_dataset
    from rugged.train import load_recipe
    from rugged.train import train as train_classifier

    loaded = load_recipe(recipe, overrides or ())
    folder = out or Path("runs") / Path(recipe).stem
    try:
        run = train_classifier(
            loaded, open_dataset(data), folder, device=device, tensorboard=tensorboard, command=command_line()
        )
    except Interrupted:
        _draw_curves(folder)
        raise
    _draw_curves(folder)
    typer.echo(run.model)


def _draw_curves(folder: Path) -> None:
    """Draw how far training has come, finished or interrupted. Of torchrun's processes the first one does."""
    from rugged.cli.invocation import is_first_process
    from rugged.core.errors import ResultsError
    from rugged.report import draw_curves
    from rugged.results import RunFolder

    run = RunFolder(folder)
    if is_first_process() and run.checkpoint.exists():
        with suppress(ResultsError):  # No epoch is finished yet.
            draw_curves(run)
