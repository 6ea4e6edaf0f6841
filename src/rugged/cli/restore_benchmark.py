"""``rugged restore benchmark``: how near a restorer brings corrupted pictures to the clean ones."""

from pathlib import Path
from typing import Annotated

import typer

from rugged.cli.options import Data, Device, Limit, Precision, Preset, Seed, Severities, Textures, out_option
from rugged.core.catalogue import BLURS

_BLURS = ",".join(BLURS)

_Restorer = Annotated[Path, typer.Argument(metavar="RESTORER", help="Run folder or file of a restorer.")]
_Corruptions = Annotated[
    str,
    typer.Option(
        metavar="NAME,NAME", help="Corruptions, or the sets benchmark (15), extra (4) and all. Default: five blurs."
    ),
]
_Out = Annotated[Path | None, out_option("DIR", "Run folder for the results. Default: the restorer's.")]
_Replace = Annotated[
    bool, typer.Option("--replace", help="Replace full results that were measured under other conditions.")
]


def benchmark(
    restorer: _Restorer,
    data: Data,
    corruptions: _Corruptions = _BLURS,
    severities: Severities = "1,2,3,4,5",
    limit: Limit = None,
    preset: Preset = None,
    textures: Textures = None,
    out: _Out = None,
    replace: _Replace = False,
    seed: Seed = 0,
    device: Device = "auto",
    precision: Precision = "fp32",
) -> None:
    """Measure PSNR and SSIM of restored pictures, beside doing nothing and a Wiener filter. Saved cells stay.

    With rugged benchmark MODEL --restore RESTORER a classifier is the judge.
    """
    from rugged.cli.choices import parse_corruptions, parse_severities

    chosen, levels = parse_corruptions(corruptions), parse_severities(severities)
    from rugged.analyze import restoration_tables
    from rugged.benchmark import benchmark_restorer
    from rugged.cli.invocation import command_line, is_first_process
    from rugged.cli.tables import print_restoration
    from rugged.data import open_dataset
    from rugged.results import place_of

    summary = benchmark_restorer(
        restorer,
        open_dataset(data),
        out=out,
        corruptions=chosen,
        severities=levels,
        limit=limit,
        seed=seed,
        preset=preset,
        textures=textures,
        replace_results=replace,
        device=device,
        precision=precision,
        command=command_line(),
    )
    if is_first_process():
        print_restoration(restoration_tables(summary), summary.notes)
        run = place_of(restorer, out)
        for path in (run.restoration_sheet, run.restoration_table, run.restoration):
            typer.echo(path)
