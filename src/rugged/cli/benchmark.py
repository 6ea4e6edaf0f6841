"""``rugged benchmark``: a trained model on clean and corrupted validation images."""

from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from rugged.cli.options import Data, Device, Limit, Precision, Preset, Seed, Severities, Textures, out_option, refuse
from rugged.core.errors import ConfigError

# Panels of the help.
_RELATIVE = "CE and mCE"
_BESIDE = "Beside the plain model"
_IN_SEQUENCES = "Perturbation sequences"

_Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL", help="Run folder, model file, hf://user/name, .onnx file, module:function, or an architecture."
    ),
]
_Baseline = Annotated[
    str | None,
    typer.Option(
        metavar="RUN|NAME",
        help="Run folder or baseline whose errors CE and mCE divide by. Default: a shipped one that fits.",
        rich_help_panel=_RELATIVE,
    ),
]
_AsBaseline = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Save this model's errors as a baseline, for --baseline NAME.", rich_help_panel=_RELATIVE
    ),
]
_Official = Annotated[
    Path | None,
    typer.Option(metavar="PATH", help="Corrupted pictures in files (ImageNet-C and its like): read instead of made."),
]
_Corruptions = Annotated[
    str, typer.Option(metavar="NAME,NAME", help="Corruptions, or the sets benchmark (15), extra (4) and all; or none.")
]
_Variants = Annotated[
    str,
    typer.Option(
        metavar="NAME,NAME", help="Also as test-time variants: batchnorm, temperature, pgd.", rich_help_panel=_BESIDE
    ),
]
_Restorers = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="RESTORER",
        help="Also with this restorer (run folder or file) before the model. May be given again.",
        rich_help_panel=_BESIDE,
    ),
]
_Sequences = Annotated[
    str | None,
    typer.Option(
        metavar="SET|NAME,NAME",
        help="Measure perturbation sequences instead: ten (those of the mFR), extra, all.",
        rich_help_panel=_IN_SEQUENCES,
    ),
]
_Difficulty = Annotated[int, typer.Option(metavar="1..3", help="How hard they are.", rich_help_panel=_IN_SEQUENCES)]
_SequenceFiles = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR",
        help="Read sequences: official MP4s, or what rugged perturb wrote.",
        rich_help_panel=_IN_SEQUENCES,
    ),
]
_Stored = Annotated[
    Literal["no", "jpeg85"], typer.Option(help="Pass corrupted pictures through the official files' JPEG step.")
]
_Out = Annotated[Path | None, out_option("DIR", "Run folder for the results. Default: the model's, or runs/NAME.")]
_Weights = Annotated[
    Path | None, typer.Option(metavar="FILE", help="For an architecture: a local file of ImageNet weights.")
]
_Replace = Annotated[
    bool, typer.Option("--replace", help="Replace a full benchmark that was measured under other conditions.")
]

_OF_CORRUPTIONS = ("corruptions", "severities", "variants", "restore", "official", "as_baseline", "textures", "stored")
_OF_SEQUENCES = ("difficulty",)


def benchmark(
    context: typer.Context,
    model: _Model,
    data: Data,
    baseline: _Baseline = None,
    as_baseline: _AsBaseline = None,
    official: _Official = None,
    corruptions: _Corruptions = "benchmark",
    severities: Severities = "1,2,3,4,5",
    variants: _Variants = "",
    restore: _Restorers = None,
    sequences: _Sequences = None,
    difficulty: _Difficulty = 1,
    sequence_files: _SequenceFiles = None,
    limit: Limit = None,
    preset: Preset = None,
    textures: Textures = None,
    stored: _Stored = "no",
    out: _Out = None,
    weights: _Weights = None,
    replace: _Replace = False,
    seed: Seed = 0,
    device: Device = "auto",
    precision: Precision = "fp32",
) -> None:
    """Measure a model on clean images and under the common corruptions. Saved cells are not measured again.

    With torchrun, several processes share the work: torchrun --nproc-per-node 8 -m rugged benchmark …
    """
    shared: dict[str, Any] = {
        "out": out, "weights": weights, "limit": limit, "seed": seed, "preset": preset, "replace_results": replace,
        "device": device, "precision": precision,
    }  # fmt: skip
    if sequences is not None or sequence_files is not None:
        refuse(context, _OF_CORRUPTIONS, "for sequences")
        _measure_sequences(
            model,
            data,
            "ten" if sequences is None else sequences,
            baseline,
            difficulty=difficulty,
            files=sequence_files,
            **shared,
        )
    else:
        refuse(context, _OF_SEQUENCES, "without --sequences")
        _measure_corruptions(
            model, data, corruptions, severities, variants, official=official, baseline=baseline,
            as_baseline=as_baseline, restorers=restore or (), textures=textures, stored=stored, **shared,
        )  # fmt: skip


def _measure_corruptions(
    model: str, data: str, corruptions: str, severities: str, variants: str, *, out: Path | None, **options: Any
) -> None:
    from rugged.cli.choices import parse_corruptions, parse_names, parse_severities

    chosen = () if corruptions == "none" else parse_corruptions(corruptions)
    levels = parse_severities(severities)
    from rugged.benchmark import benchmark as measure
    from rugged.cli.invocation import command_line, is_first_process
    from rugged.cli.tables import print_results
    from rugged.data import open_dataset
    from rugged.results import place_of

    summary = measure(
        model,
        open_dataset(data),
        corruptions=chosen,
        severities=levels,
        variants=parse_names(variants),
        out=out,
        command=command_line(),
        **options,
    )
    if is_first_process():
        print_results([summary])
        typer.echo(place_of(model, out).summary)


def _measure_sequences(
    model: str, data: str, names: str, baseline: str | None, *, out: Path | None, **options: Any
) -> None:
    from rugged.benchmark import benchmark_sequences
    from rugged.cli.choices import parse_names
    from rugged.cli.invocation import command_line, is_first_process
    from rugged.cli.tables import print_stability
    from rugged.data import open_dataset
    from rugged.results import RunFolder, place_of

    if baseline is not None and not RunFolder(baseline).path.is_dir():
        raise ConfigError(
            f"--baseline {baseline} is no run folder. For sequences a baseline is a run folder whose sequences are "
            "measured: named baselines have none. Run `rugged benchmark --sequences` on one, or leave --baseline out."
        )
    stability = benchmark_sequences(
        model,
        open_dataset(data),
        sequences=parse_names(names),
        baseline=None if baseline is None else Path(baseline),
        out=out,
        command=command_line(),
        **options,
    )
    if is_first_process():
        print_stability(stability)
        typer.echo(place_of(model, out).stability(stability.conditions.difficulty))
