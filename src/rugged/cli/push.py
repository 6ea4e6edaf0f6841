"""``rugged push``: a model for others, on the Hugging Face hub."""

from pathlib import Path
from typing import Annotated

import typer


def push(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder.")],
    repository: Annotated[str, typer.Argument(metavar="USER/NAME", help="Repository; made where it is not there.")],
    private: Annotated[bool, typer.Option("--private", help="A new repository is seen by its owner alone.")] = False,
) -> None:
    """Share model, card, recipe and summary on the Hugging Face hub. No picture and no prediction leaves the machine.

    Others then give hf://USER/NAME wherever a model is taken.
    """
    from rugged.pipelines.publishing import push as share

    typer.echo(share(run, repository, private=private))
