"""``rugged benchmark``: a trained model on clean and corrupted validation images."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from rugged.core.errors import ConfigError

_OF_CORRUPTIONS = ("corruptions", "severities", "variants", "restore", "official", "as_baseline", "textures", "stored")


def benchmark(
    context: typer.Context,
    model: Annotated[
        str,
        typer.Argument(
            metavar="MODEL",
            help="Run folder, model file, hf://user/name, .onnx file, module:function, or an architecture.",
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
    variants: Annotated[
        str, typer.Option(metavar="NAME,NAME", help="Also as test-time variants: batchnorm, temperature, pgd.")
    ] = "",
    restore: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="R", help="Also with this restorer (run folder or file) before the model. May be given again."
        ),
    ] = None,
    sequences: Annotated[
        str | None,
        typer.Option(
            metavar="SET|NAME,NAME", help="Measure perturbation sequences instead: ten (those of the mFR), extra, all."
        ),
    ] = None,
    difficulty: Annotated[int, typer.Option(metavar="1..3", help="Of the sequences.")] = 1,
    sequence_files: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Read sequences: official MP4s, or what rugged perturb wrote.")
    ] = None,
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
    """Measure a model on clean images and under the common corruptions. Saved cells are not measured again.

    With torchrun, several processes share the work: torchrun --nproc-per-node 8 -m rugged benchmark …
    """
    from rugged.benchmark import benchmark as measure
    from rugged.cli.choices import parse_names, parse_numbers
    from rugged.cli.invocation import command_line
    from rugged.cli.tables import print_results
    from rugged.data import open_dataset
    from rugged.results import place_of

    if sequences is not None or sequence_files is not None:
        _refuse(context, _OF_CORRUPTIONS, "for corruptions, and this command measures sequences")
        _measure_sequences(
            model, data, sequences or "ten", out, baseline,
            difficulty=difficulty, files=sequence_files, weights=weights, limit=limit, seed=seed, preset=preset,
            replace_results=replace, device=device, precision=precision, command=command_line(),
        )  # fmt: skip
        return
    _refuse(context, ("difficulty",), "for sequences, and --sequences is not given")
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
        variants=parse_names(variants),
        restorers=restore or (),
        as_baseline=as_baseline,
        replace_results=replace,
        device=device,
        precision=precision,
        command=command_line(),
    )
    if os.environ.get("RANK", "0") == "0":  # Of torchrun's processes the first one speaks.
        print_results([summary])
        typer.echo(place_of(model, out).summary)


def _refuse(context: typer.Context, names: Sequence[str], why: str) -> None:
    """Refuse options that would do nothing, rather than have them pass for done."""
    sources = {name: context.get_parameter_source(name) for name in names}
    given = [name for name, source in sources.items() if source is not None and source.name == "COMMANDLINE"]
    if given:
        options = ", ".join(f"--{name.replace('_', '-')}" for name in given)
        raise ConfigError(f"{options}: only {why}. Leave out one or the other.")


def _measure_sequences(
    model: str, data: str, names: str, out: Path | None, baseline: str | None, **options: Any
) -> None:
    from rugged.benchmark import benchmark_sequences
    from rugged.cli.choices import parse_names
    from rugged.cli.tables import print_stability
    from rugged.data import open_dataset
    from rugged.results import place_of

    stability = benchmark_sequences(
        model,
        open_dataset(data),
        sequences=parse_names(names),
        out=out,
        baseline=None if baseline is None else Path(baseline),
        **options,
    )
    if os.environ.get("RANK", "0") == "0":
        print_stability(stability)
        typer.echo(place_of(model, out).stability(stability.conditions.difficulty))
