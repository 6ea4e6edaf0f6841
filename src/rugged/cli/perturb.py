"""``rugged perturb``: the perturbation sequences of ImageNet-P, of any pictures."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from rugged.cli.options import Limit, Seed, Source, Split
from rugged.core.files import expanded


def perturb(
    src: Source,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write; what is there already is kept.")],
    sequences: Annotated[
        str, typer.Option(metavar="SET|NAME,NAME", help="ten (those of the mean flip rate), extra, all, or names.")
    ] = "ten",
    difficulty: Annotated[
        int, typer.Option(metavar="1..3", help="Strength of noise. The other sequences are the same at each.")
    ] = 1,
    preset: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="cifar32, tiny64 or imagenet224. Default: by the first picture's size."),
    ] = None,
    file_format: Annotated[
        Literal["frames", "mp4"], typer.Option("--format", help="PNG frames, exact; or MP4, small and nearly exact.")
    ] = "frames",
    seed: Seed = 0,
    split: Split = "val",
    limit: Limit = None,
) -> None:
    """Write perturbation sequences: 31 frames in which a picture changes a little from one to the next."""
    from rugged.cli.choices import parse_names
    from rugged.cli.invocation import command_line
    from rugged.data.own_size import pictures_in_own_size
    from rugged.perturbations import choose_sequences
    from rugged.perturbations.request import check_difficulty, choose_preset
    from rugged.perturbations.writing import Order, write_sequences

    chosen = choose_sequences(parse_names(sequences))
    check_difficulty(difficulty)
    out = expanded(out)
    pictures, source = pictures_in_own_size(src, split, out, limit)
    preset = choose_preset(preset, pictures[0].load().shape[:2])
    order = Order(out, chosen, preset, difficulty, seed, file_format, {**source, "split": split})
    counts = write_sequences(pictures, order, command_line())
    for folder, count in counts.items():
        typer.echo(f"{out / folder}  {count:,} sequences")
