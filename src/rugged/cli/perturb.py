"""``rugged perturb``: the perturbation sequences of ImageNet-P, of any pictures."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from rugged.cli.options import Source

if TYPE_CHECKING:
    from numpy import uint8
    from numpy.typing import NDArray

    from rugged.data.sources import Picture as SourcePicture
    from rugged.perturbations.writing import Picture


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
        str | None, typer.Option(help="cifar32, tiny64 or imagenet224. Default: by the first picture's size.")
    ] = None,
    file_format: Annotated[
        Literal["frames", "mp4"], typer.Option("--format", help="PNG frames, exact; or MP4, small and nearly exact.")
    ] = "frames",
    seed: Annotated[int, typer.Option(min=0, help="Seed of the sequences' randomness.")] = 0,
    split: Annotated[Literal["train", "val"], typer.Option(help="Which pictures.")] = "val",
    limit: Annotated[
        int | None, typer.Option(min=1, help="Only so many pictures, taken evenly over the classes.")
    ] = None,
) -> None:
    """Write perturbation sequences: 31 frames in which a picture changes a little from one to the next."""
    from rugged.cli.choices import parse_names
    from rugged.cli.invocation import command_line
    from rugged.core.files import require_outside
    from rugged.data.opening import is_name
    from rugged.perturbations import choose_sequences
    from rugged.perturbations.request import check_difficulty, choose_preset
    from rugged.perturbations.writing import Order, write_sequences

    chosen = choose_sequences(parse_names(sequences))
    check_difficulty(difficulty)
    if not is_name(src):
        require_outside(out, [Path(src).expanduser().resolve()])
    pictures, source = _pictures(src, split)
    pictures = _limited(pictures, limit)
    preset = choose_preset(preset, pictures[0].load().shape[:2])
    order = Order(out, chosen, preset, difficulty, seed, file_format, {**source, "split": split})
    counts = write_sequences(pictures, order, command_line())
    for folder, count in counts.items():
        typer.echo(f"{out / folder}  {count:,} sequences")


def _pictures(where: str, split: str) -> "tuple[list[Picture], dict[str, str]]":
    """Find pictures in their own size: those of a pack as they are packed, those of a source undecoded."""
    from rugged.core.errors import DataError
    from rugged.core.progress import say
    from rugged.data import open_dataset
    from rugged.data.opening import is_name
    from rugged.data.packed import is_pack
    from rugged.data.sources import fingerprint, read_source
    from rugged.perturbations.writing import Picture

    path = Path(where).expanduser()
    if is_name(where) or is_pack(path) or not path.exists():
        dataset = open_dataset(where)
        packed = dataset.train if split == "train" else dataset.val
        pictures = [Picture(name, _row(packed.images, row)) for row, name in enumerate(packed.ids)]
        source = {"name": dataset.name, "content": dataset.content_hash}
    else:
        found = read_source(path, holdout=0.2)
        for note in found.notes:
            say(note)
        by_id = {picture.id: picture for picture in reversed(found.splits()[split])}  # of several, the first counts
        pictures = [Picture(name, _decoder(by_id[name])) for name in sorted(by_id)]
        source = {"name": found.name, "content": fingerprint(path)}
    if not pictures:
        raise DataError(f"{where} has no pictures in the split {split!r}. Choose the other one with --split.")
    return pictures, source


def _row(images: "NDArray[uint8]", row: int) -> "Callable[[], NDArray[uint8]]":
    return lambda: images[row]


def _decoder(picture: "SourcePicture") -> "Callable[[], NDArray[uint8]]":
    def load() -> "NDArray[uint8]":
        from rugged.core.errors import DataError
        from rugged.data import decode_image
        from rugged.data.decode import BadImageError

        try:
            return decode_image(picture.load()).pixels
        except BadImageError as error:
            raise DataError(f"{picture.where} cannot be used: {error}. Mend or remove it, then run again.") from error

    return load


def _limited(pictures: "list[Picture]", limit: int | None) -> "list[Picture]":
    """Take so many pictures evenly over the classes."""
    if limit is None:
        return pictures
    import numpy as np

    from rugged.data.splits import evenly

    labels = np.unique([picture.id.partition("/")[0] for picture in pictures], return_inverse=True)[1]
    return [pictures[index] for index in evenly(labels.astype(np.int64), limit)]
