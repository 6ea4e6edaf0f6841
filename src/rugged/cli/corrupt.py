"""``rugged corrupt``: corrupted copies of a data set, as files, as a data set, or as a page to look at."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from rugged.cli.options import Limit, Preset, Seed, Severities, Source, Split, Textures, refuse, require_png
from rugged.core.errors import ConfigError, DataError, NoClassesError
from rugged.core.files import expanded

if TYPE_CHECKING:
    from rugged.data.corrupted.carrying_out import Written
    from rugged.data.corrupted.shard import Shard

_Out = Annotated[
    Path, typer.Argument(metavar="OUT", help="Folder to make or to go on with; with --preview a PNG file.")
]
_Corruptions = Annotated[
    str | None,
    typer.Option(
        metavar="NAME,NAME",
        help="Corruptions, or the sets benchmark (15), extra (4) and all. Default: benchmark; --preview: all.",
    ),
]
_Format = Annotated[
    Literal["jpeg", "png", "npy"],
    typer.Option("--format", help="JPEG of quality 85 as in the official sets, PNG, or CIFAR-C's arrays."),
]
_Size = Annotated[int | None, typer.Option(min=1, help="Fit the pictures of a source to so many pixels.")]
_Shard = Annotated[
    str | None, typer.Option(metavar="I/N", help="Only the I-th of N shares. Default: the rank under torchrun.")
]
_Workers = Annotated[
    int | None, typer.Option(min=1, help="Processes. Default: one for each core; for few pictures one.")
]
_OnePerImage = Annotated[
    bool, typer.Option("--one-per-image", help="Pack both splits with one corruption drawn for each picture.")
]
_Preview = Annotated[
    bool, typer.Option("--preview", help="Draw one picture under everything; SRC may be a picture file.")
]
_OwnSize = Annotated[
    bool, typer.Option("--own-size", help="Pictures in folders of any kind, or one alone: keep their sizes and names.")
]
_BadImages = Annotated[
    Literal["refuse", "skip"],
    typer.Option(help="With --own-size: stop at pictures that cannot be used and name them, or leave them out."),
]
_Picture = Annotated[str | None, typer.Option("--id", metavar="ID", help="Which picture --preview shows.")]


_OF_FILES = ("file_format", "limit", "shard")
_OF_DATA_SETS = ("split", "limit", "size")


def corrupt(
    context: typer.Context,
    source: Source,
    out: _Out,
    corruptions: _Corruptions = None,
    severities: Severities = "1,2,3,4,5",
    preset: Preset = None,
    seed: Seed = 0,
    textures: Textures = None,
    file_format: _Format = "jpeg",
    split: Split = "val",
    limit: Limit = None,
    size: _Size = None,
    shard: _Shard = None,
    workers: _Workers = None,
    one_per_image: _OnePerImage = False,
    own_size: _OwnSize = False,
    bad_images: _BadImages = "refuse",
    preview: _Preview = False,
    picture: _Picture = None,
) -> None:
    """Write corrupted copies in the official layout. Interrupted and run again, it goes on where it stopped."""
    from rugged.cli.choices import parse_corruptions, parse_severities

    if corruptions is None:
        corruptions = "all" if preview else "benchmark"
    out = expanded(out)
    how = {
        "corruptions": parse_corruptions(corruptions),
        "severities": parse_severities(severities),
        "preset": preset,
        "seed": seed,
        "textures": textures,
    }
    if preview:
        refuse(context, (*_OF_FILES, "workers", "one_per_image", "own_size", "bad_images"), "with --preview")
        _preview(context, source, out, split, size, picture, how)
    elif one_per_image:
        refuse(context, (*_OF_FILES, "split", "picture", "own_size", "bad_images"), "with --one-per-image")
        _one_per_image(source, out, size, workers, how)
    elif own_size:
        refuse(context, (*_OF_DATA_SETS, "picture"), "with --own-size")
        _write_own_size(source, out, file_format, shard, workers, how | {"bad_images": bad_images})
    else:
        refuse(context, ("picture",), "without --preview")
        refuse(context, ("bad_images",), "without --own-size")
        _write(source, out, split, size, limit, shard, workers, how | {"file_format": file_format})


def _write(
    source: str,
    out: Path,
    split: Literal["train", "val"],
    size: int | None,
    limit: int | None,
    shard: str | None,
    workers: int | None,
    how: dict[str, Any],
) -> None:
    from rugged.data.corrupted.shard import choose_shard

    share = choose_shard(shard)
    from rugged.data import open_dataset
    from rugged.data.corrupted.writer import write_corrupted

    try:
        dataset = open_dataset(source, size=size)
    except NoClassesError as error:
        if not expanded(source).is_dir():
            raise
        raise DataError(f"{error} For loose pictures, each in its own size, add --own-size.") from error
    written = write_corrupted(dataset, out, split=split, limit=limit, shard=share, workers=workers, **how)
    _report(written, share)


def _write_own_size(
    source: str,
    out: Path,
    file_format: Literal["jpeg", "png", "npy"],
    shard: str | None,
    workers: int | None,
    how: dict[str, Any],
) -> None:
    from rugged.data.corrupted.shard import choose_shard

    share = choose_shard(shard)
    if file_format == "npy":
        raise ConfigError("--own-size writes files; --format npy holds pictures of one size. Choose jpeg or png.")
    from rugged.data.corrupted.own_size import write_corrupted_files

    _report(write_corrupted_files(source, out, shard=share, workers=workers, file_format=file_format, **how), share)


def _report(written: "Written", share: "Shard") -> None:
    from rugged.core.progress import say
    from rugged.core.wording import counted

    if written.missing_shards:
        say(
            f"Shard {share} is done; with the others there are {written.pictures:,} pictures so far. "
            f"To come: {', '.join(written.missing_shards)}."
        )
    else:
        say(f"Complete: {counted(written.pictures, 'corrupted picture')}.")
    typer.echo(written.folder)


def _one_per_image(source: str, out: Path, size: int | None, workers: int | None, how: dict[str, Any]) -> None:
    from rugged.cli.invocation import command_line
    from rugged.core.progress import say
    from rugged.data import open_dataset
    from rugged.data.corrupted.one_per_image import write_one_per_image
    from rugged.data.opening import spelled

    write_one_per_image(open_dataset(source, size=size), out, workers=workers, command=command_line(), **how)
    say(f"Use it with --data {spelled(out)}")
    typer.echo(out)


def _preview(
    context: typer.Context,
    source: str,
    out: Path,
    split: str,
    size: int | None,
    picture: str | None,
    how: dict[str, Any],
) -> None:
    from rugged.core import files
    from rugged.data import open_dataset
    from rugged.data.corrupted.preview import draw_preview, picture_of, read_picture
    from rugged.data.opening import is_name
    from rugged.data.packed import require_apart

    require_png(out, "--preview")
    if Path(source).is_file() and not is_name(source) and not source.lower().endswith((".zip", ".parquet")):
        refuse(context, ("split", "picture"), "with a picture file")
        files.require_outside(out, [Path(source).resolve()])
        shown = read_picture(Path(source), size)
    else:
        dataset = open_dataset(source, size=size)
        require_apart(out, dataset)
        shown = picture_of(dataset, dataset.train if split == "train" else dataset.val, picture)
    page = draw_preview(shown, **how)
    with files.atomic_path(out) as path:
        page.save(path, format="PNG")
    typer.echo(out)
