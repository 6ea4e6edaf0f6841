"""``rugged data``: prepare, pack and look at data sets."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from rugged.cli.options import Source, out_option, require_png
from rugged.core.errors import ConfigError
from rugged.core.wording import harmless

if TYPE_CHECKING:
    from rugged.data.dataset import Dataset

app = typer.Typer(no_args_is_help=True, help="Prepare, pack and look at data sets.")

_Out = Annotated[Path | None, out_option("DIR", "Folder to make. Default: a place in the cache.")]
_BadImages = Annotated[
    Literal["refuse", "skip"] | None,
    typer.Option(
        help="What to do with pictures that cannot be used: refuse (stop and name them) or skip (set them aside, "
        "counted and listed). Default: as the last time, else refuse.",
    ),
]


@app.command()
def prepare(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The data set: tiny-imagenet.")],
    source: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="SRC",
            help="Official zip, extracted folder, or folder of Parquet files. Default: download.",
        ),
    ] = None,
    out: _Out = None,
    bad_images: _BadImages = None,
) -> None:
    """Pack a published data set under its name, so that --data NAME opens it."""
    if name != "tiny-imagenet":
        raise ConfigError(f"No data set {name!r} to prepare: expected tiny-imagenet. For a folder: rugged data pack.")
    from rugged.data import prepare_tiny_imagenet
    from rugged.data.opening import spelled

    dataset = prepare_tiny_imagenet(source, out, bad_images=bad_images)
    _print_summary(dataset, name if out is None else spelled(out))


@app.command()
def pack(
    source: Annotated[
        Path, typer.Argument(metavar="SRC", help="Folder or zip with one subfolder a class, or Parquet files.")
    ],
    out: _Out = None,
    size: Annotated[
        int | None,
        typer.Option(min=1, help="Side of the packed pictures. Default: their own if all share one, else 224."),
    ] = None,
    resize: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="What the shorter side is resized to before the centre is cropped to --size. ImageNet's custom: 256.",
        ),
    ] = None,
    holdout: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="Of each class, held out where there is no validation split: above 0 and below 1. Default: 0.2.",
        ),
    ] = None,
    bad_images: _BadImages = None,
) -> None:
    """Pack any folder of pictures. The shorter side is resized and the centre cropped where sizes differ."""
    from rugged.data import pack_source
    from rugged.data.opening import spelled

    dataset = pack_source(source, out, size=size, resize=resize, holdout=holdout, bad_images=bad_images)
    _print_summary(dataset, spelled(source if out is None else dataset.folder))


@app.command()
def info(
    source: Source,
    contact_sheet: Annotated[
        Path | None,
        typer.Option("--contact-sheet", metavar="FILE", help="Write a page with pictures of each class (PNG)."),
    ] = None,
    classes_csv: Annotated[
        Path | None, typer.Option("--classes-csv", metavar="FILE", help="Write the class table as CSV.")
    ] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Check the whole content against its hash.")] = False,
) -> None:
    """Print the class table, the size, the counts, the content hash and what was done to the pictures."""
    import shlex

    from rugged.core import files
    from rugged.core.progress import say
    from rugged.data import open_dataset, open_pack
    from rugged.data.packed import require_apart

    if contact_sheet is not None:
        require_png(contact_sheet, "--contact-sheet")
    dataset = open_dataset(source)
    for written in (contact_sheet, classes_csv):
        if written is not None:
            require_apart(written, dataset)
    if verify:
        dataset = open_pack(dataset.folder, verify=True)
    _print_classes(dataset)
    _print_summary(dataset, shlex.quote(source))
    if verify:
        say("Verified: the content fits its hash.")
    if classes_csv is not None:
        files.write_text(classes_csv, _class_table(dataset))
        say(f"Class table: {classes_csv}")
    if contact_sheet is not None:
        from rugged.data import draw_contact_sheet

        with files.atomic_path(contact_sheet) as path:
            draw_contact_sheet(dataset).save(path, format="PNG")
        say(f"Contact sheet: {contact_sheet}")


def _print_classes(dataset: "Dataset") -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("Class id", no_wrap=True)
    table.add_column("Class name")
    table.add_column("Training images", justify="right")
    table.add_column("Validation images", justify="right")
    for entry, train, val in dataset.counts():
        table.add_row(harmless(entry.id), harmless(entry.name), f"{train:,}", f"{val:,}")
    Console(highlight=False, emoji=False, markup=False).print(table)


def _print_summary(dataset: "Dataset", where: str) -> None:
    """Printed last, so that it stands above the prompt even after a table of a thousand classes."""
    height, width = dataset.size
    megabytes = (len(dataset.train) + len(dataset.val)) * height * width * 3 / 1e6
    space = f"{megabytes:,.0f}" if megabytes >= 10 else f"{megabytes:.2g}"
    typer.echo(
        f"{harmless(dataset.name)}: {len(dataset.classes):,} classes, pictures of {width} x {height}, {space} MB"
    )
    typer.echo(f"  training    {len(dataset.train):>9,} pictures")
    typer.echo(f"  validation  {len(dataset.val):>9,} pictures")
    typer.echo(f"  content     {dataset.content_hash}")
    typer.echo(f"  folder      {dataset.folder}")
    for note in dataset.notes:
        typer.echo(f"  note        {harmless(note)}")
    typer.echo(f"  use it with --data {where}")


def _class_table(dataset: "Dataset") -> str:
    from rugged.core.spreadsheet import as_text
    from rugged.core.tables import csv_text

    columns = ("class_id", "class_name", "training_images", "validation_images")
    rows = ((as_text(entry.id), as_text(entry.name), train, val) for entry, train, val in dataset.counts())
    return csv_text(columns, rows)
