"""``rugged benchmark``: a trained model on clean and corrupted validation images."""

from pathlib import Path
from typing import Annotated, Literal

import typer


def benchmark(
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="Run folder, model file, .onnx file, module:function, or an architecture with its ImageNet weights.",
        ),
    ],
    data: Annotated[
        str, typer.Option("--data", "-d", help="builtin, a prepared data set's name, or a path to pictures or a pack.")
    ],
    baseline: Annotated[
        str | None,
        typer.Option(
            metavar="RUN|NAME",
            help="Run folder or baseline whose errors CE and mCE divide by. Default: a shipped one that fits.",
        ),
    ] = None,
    as_baseline: Annotated[
        str | None, typer.Option(metavar="NAME", help="Save this model's errors as a baseline, for --baseline NAME.")
    ] = None,
    official: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH", help="Corrupted pictures in files (ImageNet-C and its like): read instead of made."
        ),
    ] = None,
    corruptions: Annotated[
        str, typer.Option(metavar="NAME,NAME", help="Corruptions, or the sets benchmark (15), extra (4) and all.")
    ] = "benchmark",
    severities: Annotated[str, typer.Option(metavar="N,N", help="Only these severities.")] = "1,2,3,4,5",
    limit: Annotated[
        int | None, typer.Option(min=1, help="A quick run on so many images, taken evenly over the classes.")
    ] = None,
    preset: Annotated[str | None, typer.Option(help="Severity table. Default: by image size.")] = None,
    textures: Annotated[
        str | None,
        typer.Option(metavar="DIR|procedural", help="Frost photographs, or drawn ice. Default: fetched on first use."),
    ] = None,
    stored: Annotated[
        Literal["no", "jpeg85"], typer.Option(help="Pass corrupted pictures through the official files' JPEG step.")
    ] = "no",
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Run folder for the results. Default: the model's, or runs/NAME.")
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="For an architecture: a local file of ImageNet weights.")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Replace a full benchmark that was measured under other conditions.")
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the corruptions' randomness.")] = 0,
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], typer.Option(help="Where to run the model.")] = "auto",
    precision: Annotated[
        Literal["auto", "fp32", "bf16"], typer.Option(help="Of the model's convolutions and matrix products.")
    ] = "fp32",
) -> None:
    """Measure a model on clean images and under the common corruptions. Saved cells are not measured again."""
    from rugged.benchmark import benchmark as measure
    from rugged.benchmark.subject import place_of
    from rugged.cli.choices import parse_names, parse_numbers
    from rugged.cli.invocation import command_line
    from rugged.cli.tables import print_results
    from rugged.data import open_dataset

    summary = measure(
        model,
        open_dataset(data),
        out=out,
        weights=weights,
        corruptions=parse_names(corruptions),
        severities=parse_numbers(severities),
        limit=limit,
        seed=seed,
        preset=preset,
        textures=textures,
        stored=stored,
        official=official,
        baseline=baseline,
        as_baseline=as_baseline,
        replace_results=replace,
        device=device,
        precision=precision,
        command=command_line(),
    )
    print_results([summary])
    typer.echo(place_of(model, out).summary)
