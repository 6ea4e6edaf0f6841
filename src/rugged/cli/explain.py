"""``rugged explain``: why networks answer as they do, as pictures and figures."""

from pathlib import Path
from typing import Annotated, Literal

import typer


def explain(
    models: Annotated[
        list[str],
        typer.Argument(metavar="MODEL...", help="Run folders, model files, hf://user/name, or architectures."),
    ],
    data: Annotated[
        str | None,
        typer.Option("--data", "-d", help="builtin, a prepared data set's name, or a path to pictures or a pack."),
    ] = None,
    pictures: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="A picture to explain; may be given several times.")
    ] = None,
    method: Annotated[
        str,
        typer.Option(metavar="NAME,NAME", help="grad_cam, saliency, integrated_gradients, guided_backprop, occlusion."),
    ] = "grad_cam",
    corruption: Annotated[
        str, typer.Option(metavar="NAME,NAME", help="Also under corruptions, or the sets benchmark, extra and all.")
    ] = "",
    severity: Annotated[str, typer.Option(metavar="N,N", help="Of the corruptions.")] = "1,2,3,4,5",
    target: Annotated[
        str, typer.Option(metavar="CLASS", help="Class to explain: predicted (for the clean picture), label, or one.")
    ] = "predicted",
    layer: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of Grad-CAM. Default: the deepest with a map of 7 x 7 or more.")
    ] = None,
    activations: Annotated[
        str, typer.Option(metavar="NAME,NAME", help="Layers whose activations are drawn. Default: one of each size.")
    ] = "",
    count: Annotated[int, typer.Option(min=1, help="Pictures that figures are over, evenly over the classes.")] = 50,
    shown: Annotated[int, typer.Option(min=1, help="How many of them are shown.")] = 6,
    ids: Annotated[str, typer.Option(metavar="ID,ID", help="These validation pictures instead.")] = "",
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Default: explanations in the first run folder.")
    ] = None,
    preset: Annotated[str | None, typer.Option(help="Severity table. Default: by image size.")] = None,
    textures: Annotated[
        str | None,
        typer.Option(metavar="DIR|procedural", help="Frost photographs, or drawn ice. Default: fetched on first use."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the corruptions' randomness.")] = 0,
    device: Annotated[Literal["auto", "cpu", "cuda", "mps"], typer.Option(help="Where to run the models.")] = "auto",
) -> None:
    """Show where networks look, clean and as corruptions grow; their filters and activations."""
    from rugged.cli.choices import parse_names, parse_numbers
    from rugged.cli.invocation import command_line
    from rugged.cli.tables import print_explanations
    from rugged.data import open_dataset
    from rugged.explain import Wanted, explain_run
    from rugged.results import read_explanations

    wanted = Wanted(
        methods=parse_names(method),
        corruptions=parse_names(corruption),
        severities=parse_numbers(severity),
        target=target,
        layer=layer,
        activations=parse_names(activations),
        count=count,
        shown=shown,
        ids=parse_names(ids),
        preset=preset,
        seed=seed,
        textures=textures,
    )
    dataset = None if data is None else open_dataset(data)
    folder = explain_run(
        models, dataset, files=pictures or (), wanted=wanted, out=out, device=device, command=command_line()
    )
    print_explanations(read_explanations(folder))
    typer.echo(folder / "index.json")
