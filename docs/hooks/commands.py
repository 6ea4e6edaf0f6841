"""Makes the page of all commands from the command line itself, whenever the documentation is built."""

import typer
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from typer.cli import get_docs_for_click

from rugged.cli import app

PAGE = "reference/commands.md"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the page to those of the documentation's folder."""
    command = typer.main.get_command(app)
    text = get_docs_for_click(obj=command, ctx=typer.Context(command), name="rugged", title="Commands")
    files.append(File.generated(config, PAGE, content=text))
    return files
