"""``rugged explain``: why networks answer as they do, as pictures and figures."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from rugged.cli.options import Device, OptionalData, Preset, Seed, Severities, Textures, out_option, refuse

_Models = Annotated[
    list[str],
    typer.Argument(metavar="MODEL", help="Run folders, model files, hf://user/name, or architectures."),
]
_Pictures = Annotated[
    list[Path] | None, typer.Option(metavar="FILE", help="A picture to explain; may be given several times.")
]
_Methods = Annotated[
    str,
    typer.Option(metavar="NAME,NAME", help="grad_cam, saliency, integrated_gradients, guided_backprop, occlusion."),
]
_Corruptions = Annotated[
    str, typer.Option(metavar="NAME,NAME", help="Also under corruptions, or the sets benchmark, extra and all.")
]
_Target = Annotated[
    str, typer.Option(metavar="CLASS", help="Class to explain: predicted (for the clean picture), label, or one.")
]
_Layer = Annotated[
    str | None,
    typer.Option(
        metavar="NAME", help="Layer that Grad-CAM looks at. Default: the deepest with a map of 7 x 7 or more."
    ),
]
_Activations = Annotated[
    str, typer.Option(metavar="NAME,NAME", help="Layers whose activations are drawn. Default: one of each size.")
]
_Limit = Annotated[int, typer.Option(min=1, help="Pictures that figures are over, taken evenly over the classes.")]
_Shown = Annotated[int, typer.Option(min=1, help="How many of them are shown.")]
_Ids = Annotated[str, typer.Option(metavar="ID,ID", help="Explain these validation pictures.")]
_Out = Annotated[Path | None, out_option("DIR", "Default: explanations in the first run folder.")]

_OF_CORRUPTIONS = ("severities", "preset", "textures", "seed")


def explain(
    context: typer.Context,
    models: _Models,
    data: OptionalData = None,
    pictures: _Pictures = None,
    methods: _Methods = "grad_cam",
    corruptions: _Corruptions = "",
    severities: Severities = "1,2,3,4,5",
    target: _Target = "predicted",
    layer: _Layer = None,
    activations: _Activations = "",
    limit: _Limit = 50,
    shown: _Shown = 6,
    ids: _Ids = "",
    out: _Out = None,
    preset: Preset = None,
    textures: Textures = None,
    seed: Seed = 0,
    device: Device = "auto",
) -> None:
    """Show where networks look, clean and as corruptions grow; their filters and activations."""
    from rugged.cli.choices import parse_corruptions, parse_names, parse_severities

    chosen, levels = parse_corruptions(corruptions) if corruptions else (), parse_severities(severities)
    if not chosen:
        refuse(context, _OF_CORRUPTIONS, "without --corruptions")
    if ids or pictures:
        refuse(context, ("limit", "shown"), "with --ids or --pictures: all that are named are shown")
    from rugged.cli.invocation import command_line
    from rugged.cli.tables import print_explanations
    from rugged.data import open_dataset
    from rugged.explain import Wanted, explain_run
    from rugged.results import RunFolder, read_explanations

    wanted = Wanted(
        methods=parse_names(methods), corruptions=chosen, severities=levels,
        target=target, layer=layer, activations=parse_names(activations), count=limit, shown=shown,
        ids=parse_names(ids), preset=preset, seed=seed, textures=textures,
    )  # fmt: skip
    dataset = None if data is None else open_dataset(data)
    folder = explain_run(
        models, dataset, files=pictures or (), wanted=wanted, out=out, device=device, command=command_line()
    )
    found = read_explanations(folder)
    print_explanations(found)
    typer.echo("Pages to look at:")
    for panel in found.panels:
        typer.echo(f"  {folder / panel.file}")
    own = RunFolder(Path(models[0]))
    if own.summary.exists() and folder == own.explanations:
        typer.echo(f"`rugged report {shlex.quote(models[0])}` shows what they show, too.")
    typer.echo(folder)
