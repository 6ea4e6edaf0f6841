"""``rugged playground``: models that look at pictures in a browser while a person corrupts them."""

from pathlib import Path
from typing import Annotated

import typer

from rugged.cli.options import Device


def playground(
    model: Annotated[
        str | None,
        typer.Argument(
            metavar="MODEL",
            help=(
                "Run folder, model file, hf://user/name, .onnx file, module:function, or an architecture. Default: the "
                "model that comes with rugged."
            ),
        ),
    ] = None,
    other: Annotated[str | None, typer.Argument(metavar="MODEL2", help="A second model to compare.")] = None,
    data: Annotated[
        str,
        typer.Option("--data", "-d", metavar="SRC", help="Samples: builtin, a prepared data set's name, or a path."),
    ] = "builtin",
    textures: Annotated[
        str | None,
        typer.Option(metavar="DIR|procedural", help="Frost photographs, or drawn ice. Nothing is fetched."),
    ] = None,
    restore: Annotated[
        Path | None,
        typer.Option(metavar="RESTORER", help="A restorer, whose pictures the models see beside the others."),
    ] = None,
    host: Annotated[
        str, typer.Option(metavar="ADDRESS", help="Address to listen on; 0.0.0.0 lets others in.")
    ] = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port to listen on. Default: the first free one from 7860.")
    ] = None,
    open_browser: Annotated[bool, typer.Option("--open/--no-open", help="Open the page in a browser.")] = True,
    device: Device = "auto",
) -> None:
    """Corrupt a picture in the browser and see, live, what one or two models make of it. Ctrl-C ends it."""
    from rugged.core.progress import say

    say("Loading the models …" if other else "Loading the model …")  # First: to import what runs them takes a while.
    from rugged.data import open_dataset
    from rugged.models import DEFAULT
    from rugged.playground.serving import play, require_gradio

    require_gradio()
    models = [name for name in (model or DEFAULT, other) if name]
    play(
        models, open_dataset(data), host=host, port=port, open_browser=open_browser, device=device, textures=textures,
        restorer=restore,
    )  # fmt: skip
