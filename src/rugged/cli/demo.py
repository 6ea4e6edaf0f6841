"""``rugged demo``: the whole pipeline on the built-in data set."""

from pathlib import Path
from typing import Annotated

import typer

from rugged.cli.options import Device, out_option


def demo(
    out: Annotated[Path, out_option("DIR", "Folder for runs and report.")] = Path("runs/demo"),
    device: Device = "auto",
) -> None:
    """Run data, baseline, training, benchmark and report on the built-in data set: a few minutes, no download."""
    from rugged.cli.invocation import command_line
    from rugged.cli.tables import print_results
    from rugged.pipelines.demo import run_demo

    result = run_demo(out, device=device, command=command_line())
    print_results([result.model, result.baseline])
    typer.echo(f"Report: {result.page.resolve()}")
