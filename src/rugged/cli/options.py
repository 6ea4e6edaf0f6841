"""Arguments and options that several commands share, so that they read and mean the same everywhere."""

from pathlib import Path
from typing import Annotated, Literal

import typer

DeviceName = Literal["auto", "cpu", "cuda"]
PrecisionName = Literal["auto", "fp32", "bf16"]

_PICTURES = "builtin, a prepared data set's name, or a path to pictures or a pack."
_DATA = typer.Option("--data", "-d", help=_PICTURES)

Source = Annotated[str, typer.Argument(metavar="SRC", help=_PICTURES)]
Data = Annotated[str, _DATA]
OptionalData = Annotated[str | None, _DATA]
Limit = Annotated[int | None, typer.Option(min=1, help="A quick run on so many images, taken evenly over the classes.")]
RecipeRun = Annotated[Path | None, typer.Option("--out", "-o", help="Run folder. Default: runs/RECIPE.")]
Overrides = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a recipe's value; may be repeated.")
]

# Of corruptions.
Severities = Annotated[str, typer.Option(metavar="N,N", help="Only these severities.")]
Preset = Annotated[str | None, typer.Option(help="Severity table. Default: by image size.")]
Textures = Annotated[
    str | None,
    typer.Option(metavar="DIR|procedural", help="Frost photographs, or drawn ice. Default: fetched on first use."),
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of the corruptions' randomness.")]

# Of running a model.
Device = Annotated[DeviceName, typer.Option(help="Where to run the model.")]
DeviceOfModels = Annotated[DeviceName, typer.Option(help="Where to run the models.")]
Precision = Annotated[PrecisionName, typer.Option(help="Of the model's convolutions and matrix products.")]
