"""``rugged restore benchmark``: how near a restorer brings corrupted pictures to the clean ones."""

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from rugged.core.catalogue import BLURS


def benchmark(
    restorer: Annotated[Path, typer.Argument(metavar="R", help="Run folder or file of a restorer.")],
    data: Annotated[
        str, typer.Option("--data", "-d", help="builtin, a prepared data set's name, or a path to pictures or a pack.")
    ],
    corruptions: Annotated[
        str,
        typer.Option(
            metavar="NAME,NAME", help="Corruptions, or the sets benchmark (15), extra (4) and all. Default: five blurs."
        ),
    ] = ",".join(BLURS),
    severities: Annotated[str, typer.Option(metavar="N,N", help="Only these severities.")] = "1,2,3,4,5",
    limit: Annotated[
        int | None, typer.Option(min=1, help="A quick run on so many images, taken evenly over the classes.")
    ] = None,
    preset: Annotated[str | None, typer.Option(help="Severity table. Default: by image size.")] = None,
    textures: Annotated[
        str | None,
        typer.Option(metavar="DIR|procedural", help="Frost photographs, or drawn ice. Default: fetched on first use."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Run folder for the results. Default: the restorer's.")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace full results that were measured under other conditions.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the corruptions' randomness.")] = 0,
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], typer.Option(help="Where to run the restorer.")] = "auto",
    precision: Annotated[
        Literal["auto", "fp32", "bf16"], typer.Option(help="Of the restorer's convolutions.")
    ] = "fp32",
) -> None:
    """Measure PSNR and SSIM of restored pictures, beside doing nothing and a Wiener filter. Saved cells stay.

    With rugged benchmark MODEL --restore R a classifier is the judge.
    """
    from rugged.analyze import restoration_tables
    from rugged.benchmark import benchmark_restorer
    from rugged.cli.choices import parse_names, parse_numbers
    from rugged.cli.invocation import command_line
    from rugged.cli.tables import print_restoration
    from rugged.data import open_dataset
    from rugged.results import place_of

    summary = benchmark_restorer(
        restorer,
        open_dataset(data),
        out=out,
        corruptions=parse_names(corruptions),
        severities=parse_numbers(severities),
        limit=limit,
        seed=seed,
        preset=preset,
        textures=textures,
        replace_results=replace,
        device=device,
        precision=precision,
        command=command_line(),
    )
    if os.environ.get("RANK", "0") == "0":  # Of torchrun's processes the first one speaks.
        print_restoration(restoration_tables(summary), summary.notes)
        run = place_of(restorer, out)
        for path in (run.restoration_sheet, run.restoration_table, run.restoration):
            typer.echo(path)
