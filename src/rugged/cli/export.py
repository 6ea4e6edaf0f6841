"""``rugged export``: a model as a file that others can run."""

from pathlib import Path
from typing import Annotated

import typer


def export(
    model: Annotated[
        str,
        typer.Argument(metavar="MODEL", help="Run folder, model file, hf://user/name, or an architecture."),
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT.onnx", help="The file to write.")],
    data: Annotated[
        str | None,
        typer.Option(
            "--data", "-d", metavar="SRC", help="Data set whose pictures it is verified on. Default: drawn by code."
        ),
    ] = None,
) -> None:
    """Write an ONNX file with the preprocessing inside, verified against the model on pictures of several sizes."""
    from rugged.core.progress import say
    from rugged.data import open_dataset
    from rugged.export import export_model

    exported = export_model(model, out, None if data is None else open_dataset(data))
    say(
        f"Opset {exported.opset}; verified on {exported.pictures} pictures in several sizes: largest difference of "
        f"a probability {exported.difference:.1e}."
    )
    typer.echo(exported.path)
