"""``rugged predict``: what a model sees in pictures."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

import typer

from rugged.cli.options import Device, Precision, out_option

_ENDINGS = {".csv": "csv", ".jsonl": "jsonl"}


def predict(
    named: Annotated[
        list[str],
        typer.Argument(
            metavar="[MODEL] PICTURES",
            help=(
                "Run folder, model file, hf://user/name, .onnx file, or an architecture; for a single file or folder "
                "none need be named: the model that comes with rugged answers. Then files, folders, patterns, CSV "
                "files with a column path, or - for a list on standard input."
            ),
        ),
    ],
    top: Annotated[int, typer.Option(min=1, help="Classes a picture.")] = 5,
    kind: Annotated[
        Literal["table", "csv", "jsonl"] | None,
        typer.Option("--format", help="Default: by the ending of --out, else a table."),
    ] = None,
    out: Annotated[Path | None, out_option("FILE", "Write CSV or JSON lines here.")] = None,
    restore: Annotated[
        Path | None,
        typer.Option(metavar="RESTORER", help="Pictures pass through this restorer first: run folder or file."),
    ] = None,
    device: Device = "auto",
    precision: Precision = "fp32",
) -> None:
    """Name the most probable classes of each picture. Bad pictures are reported, and the rest is done."""
    from rugged.cli.tables import print_predictions
    from rugged.core.progress import say
    from rugged.predict import Classifier, Watched, csv_lines, find_pictures, json_lines, predict_files

    model, pictures = _model_and_pictures(named)
    chosen = _format(kind, out, [*pictures, *_weights(model, restore)])
    sources = find_pictures(pictures, sys.stdin.buffer)
    classifier = Classifier.load(model, restore=restore, device=device, precision=precision)
    if len(pictures) == len(named):
        say(f"{model} answers, the model that comes with rugged, for {len(classifier.classes)} classes.")
    for note in classifier.notes:
        say(f"Note: {note}")
    top = min(top, len(classifier.classes))
    # A thread that waits for standard input could not be stopped.
    found = predict_files(classifier, sources, top, fetched_ahead=0 if "-" in pictures else 1)
    rows = Watched(found, bar=not (chosen == "table" and sys.stdout.isatty()))  # There the table itself grows.
    if chosen == "table":
        print_predictions(rows)
    else:
        _write(csv_lines(rows, top) if chosen == "csv" else json_lines(rows), out)
    rows.require_good(pictures)


def _model_and_pictures(named: list[str]) -> tuple[str, list[str]]:
    """The model comes first, unless the pictures are named alone."""
    from rugged.core.errors import ConfigError
    from rugged.models import DEFAULT
    from rugged.results import RunFolder

    first = Path(named[0])
    if len(named) == 1 or _is_of_pictures(named[0]):
        if models := [name for name in named if _is_model(name)]:
            raise ConfigError(f"{models[0]} is a model. Name it first, and the pictures after it.")
        return DEFAULT, named
    run = RunFolder(first)
    if first.is_dir() and not any(file.exists() for file in (run.model, run.manifest, run.summary)):
        raise ConfigError(f"{first} is no model. Before a folder and anything else name one, such as {DEFAULT}.")
    return named[0], named[1:]


def _is_of_pictures(name: str) -> bool:
    """Whether a name can only be meant for pictures: a picture's, a list's, or standard input."""
    import mimetypes

    kind = mimetypes.guess_type(name, strict=False)[0] or ""
    return kind.startswith("image/") or name == "-" or name.lower().endswith(".csv")


def _is_model(name: str) -> bool:
    import os

    from rugged.models import shipped_models
    from rugged.results import RunFolder

    if name.endswith((".safetensors", ".onnx")) or name.startswith("hf://"):
        return True
    # For a name that is too long pathlib's own raises; that is for whoever reads the picture to say.
    return os.path.exists(RunFolder(name).model) or (name in shipped_models() and not os.path.exists(name))  # noqa: PTH110


def _format(kind: str | None, out: Path | None, inputs: list[str]) -> str:
    import os

    from rugged.core.errors import ConfigError
    from rugged.predict.sources import is_picture

    if out is None:
        return kind or "table"
    if kind == "table":
        raise ConfigError("--format table is for the terminal. Leave --out or --format out.")
    chosen = kind or _ENDINGS.get(out.suffix.lower(), "table")
    if chosen == "table":
        raise ConfigError(f"--out {out} is for CSV or JSON lines. End it with .csv or .jsonl, or give --format.")
    if out.is_file() and is_picture(out):  # Of a folder, perhaps, that is to be read: nobody wants it replaced.
        raise ConfigError(f"--out {out} is a picture, which would be lost. Choose another name.")
    # For a name that is too long pathlib's own raises, and it would not be a row with the reason.
    files = (file for name in inputs for file in _named(name) if os.path.exists(file))  # noqa: PTH110
    if any(Path(file).resolve() == out.resolve() for file in files):
        raise ConfigError(f"--out {out} is one of the files to be read. Choose another name.")
    return chosen


def _weights(model: str, restore: Path | None) -> list[str]:
    """The files that answer, which are no place for answers."""
    from rugged.results import RunFolder

    given = [Path(model)] if restore is None else [Path(model), restore]
    runs = [RunFolder(path) for path in given]
    return [str(file) for path, run in zip(given, runs, strict=True) for file in (path, run.model, run.restorer)]


def _named(name: str) -> Iterator[str]:
    """A file as it is named, and what it means as a pattern."""
    import glob

    yield name
    if glob.has_magic(name):
        yield from glob.iglob(name, recursive=True)  # noqa: PTH207 - as `find_pictures` reads it.


def _write(lines: Iterator[str], out: Path | None) -> None:
    """Onto standard output as they come; a file is there when it is whole."""
    from rugged.core.files import atomic_path

    if out is None:
        for line in lines:
            print(line, end="", flush=True)
        return
    with (
        atomic_path(out) as path,
        # A name that is no text in UTF-8 is written with escapes, which JSON reads as such.
        path.open("w", encoding="utf-8", errors="backslashreplace", newline="") as stream,
    ):
        stream.writelines(lines)
    typer.echo(out)
