"""``rugged card``: what to tell those who are given a model."""

from pathlib import Path
from typing import Annotated

import typer

from rugged.cli.options import out_option


def card(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder.")],
    out: Annotated[Path | None, out_option("FILE", "Default: card.md in RUN.")] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace a card that was filled in, or made from other results.")
    ] = False,
) -> None:
    """Write the model card: figures with intervals, what training did and saw, limits, use. From saved results."""
    from rugged.pipelines.publishing import card_of

    typer.echo(card_of(run, out, replace=replace))
