"""``rugged recipes``: what can be trained by name."""

from typing import Annotated

import typer


def recipes(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Print this recipe as TOML, to save and change.")
    ] = None,
) -> None:
    """List the shipped recipes, of classifiers and of restorers, or print one."""
    from rugged.core.errors import ConfigError
    from rugged.core.shipped import not_shipped
    from rugged.restore.recipe import shipped_recipes as shipped_restorers
    from rugged.train.recipe import shipped_recipes

    kinds = {"rugged train": shipped_recipes(), "rugged restore train": shipped_restorers()}
    shipped = {each: text for texts in kinds.values() for each, text in texts.items()}
    if name is None:
        for command, texts in kinds.items():
            typer.echo(f"{command} …")
            for each, text in texts.items():
                typer.echo(f"  {each:16} {text.splitlines()[0].removeprefix('# ')}")
    elif name in shipped:
        typer.echo(shipped[name], nl=False)
    else:
        raise ConfigError(not_shipped("recipe", name, shipped))
