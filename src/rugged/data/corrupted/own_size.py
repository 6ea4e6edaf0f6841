"""Corrupted copies of picture files, each in its own size and under its own name, whatever folders they lie in.

So are made the corrupted copies of data sets whose labels name files and count pixels: of detection, say.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, Literal

from rugged.core.catalogue import BENCHMARK, PRESETS, SEVERITIES
from rugged.core.environment import available_cores
from rugged.core.errors import ConfigError, DataError
from rugged.core.files import expanded, is_file_name, require_outside
from rugged.core.selection import check_limit, choose_corruptions, choose_severities
from rugged.corruptions import choose_corruptor
from rugged.data.corrupted import manifest
from rugged.data.corrupted.carrying_out import Written, carry_out
from rugged.data.corrupted.claim import require_ours
from rugged.data.corrupted.encode import LONGEST_SIDE, PictureFormat
from rugged.data.corrupted.file_pictures import FilePictures, look_at
from rugged.data.corrupted.layout import Job
from rugged.data.corrupted.shard import Shard, check_shard
from rugged.data.corrupted.single_files import SingleFiles
from rugged.data.loose_files import LooseFiles, find_loose_files, in_lines, new_names
from rugged.data.sources.trees import IMAGE_ENDINGS, ending, unusable_name

_SIDE = 224  # Of the pictures whose severities are taken: imagecorruptions, too, takes them for any size.
_ENDINGS: dict[PictureFormat, tuple[str, ...]] = {"jpeg": (".jpg", ".jpeg", ".jpe", ".jfif"), "png": (".png",)}
"""Of names that stay as they are; the first one replaces any other."""


def write_corrupted_files(
    source: str | Path,
    out: str | Path,
    *,
    corruptions: Sequence[str] = BENCHMARK,
    severities: Sequence[int] = SEVERITIES,
    preset: str | None = None,
    seed: int = 0,
    textures: str | Path | None = None,
    file_format: Literal["jpeg", "png"] = "jpeg",
    bad_images: Literal["refuse", "skip"] = "refuse",
    shard: Shard | None = None,
    workers: int | None = None,
) -> Written:
    """Write corrupted copies of a picture file, or of all in a folder and the folders in it, each in its own size.

    Interrupted and called again, it writes what is missing, to the same bytes. A copy lies at
    ``out/<corruption>/<severity>/<path>``, where the path is the picture's own, with another ending if that says
    another format. What it holds is ``corrupt(picture, corruption, severity, ids=[path])``.

    Args:
        source: The picture or folder. Hidden files are passed over, and files that are no pictures by their ending.
        out: The folder to make, or to go on with.
        corruptions: Names of corruptions or of sets of them.
        severities: Some of 1 to 5.
        preset: Table of severities, for pictures of any size: ``imagenet224`` unless named.
        seed: Of the keyed draws.
        textures: As for ``write_corrupted``.
        file_format: ``jpeg`` of quality 85, as the official data sets are stored, or ``png``, without loss.
        bad_images: What to do with pictures that cannot be used: stop and name them, or leave them out.
        shard: The share of the work that this call does; all of it unless given.
        workers: Processes, as for ``write_corrupted``.

    Returns:
        What is in the folder now, and the shares that it still lacks.

    Raises:
        ConfigError: An argument that means nothing.
        CorruptionError: A picture is too small to be corrupted so.
        DataError: There is nothing to corrupt, pictures cannot be used and are not to be left out; or ``out`` lies in
            ``source``, holds something else, was begun otherwise or of other pictures, or cannot be written.
        RunError: Another process writes the same, or a worker was killed.
        Interrupted: A signal came; what was finished is there.
    """
    if file_format not in tuple(_ENDINGS):
        raise ConfigError(f"There is no format {file_format!r} here; expected one of {', '.join(_ENDINGS)}.")
    if bad_images not in ("refuse", "skip"):
        raise ConfigError(f"bad_images is {bad_images!r}; expected refuse or skip.")
    check_shard(shard)
    check_limit(workers, "number of workers")
    source, out = expanded(source), expanded(out)
    chosen, levels = choose_corruptions(corruptions), choose_severities(severities)
    require_outside(out, [source.resolve()])
    require_ours(out)
    found = _find(source)
    corruptor = choose_corruptor((_SIDE, _SIDE), chosen, preset, seed, textures)
    longest = LONGEST_SIDE["jpeg" if "jpeg_compression" in chosen else file_format]
    pictures, bad = look_at(found, longest, workers or available_cores())
    if not pictures.ids:
        raise DataError(f"None of the pictures of {source} can be used:{in_lines(bad)}")
    if bad and bad_images == "refuse":
        raise DataError(
            f"In {source} {len(bad):,} cannot be used. Mend or remove these, or leave them out with --bad-images skip:"
            f"{in_lines(bad)}"
        )
    job = Job(out, pictures, corruptor, chosen, levels, shard or Shard())
    names = new_names(pictures.ids, partial(_name, endings=_ENDINGS[file_format]), _ENDINGS[file_format][0])
    for path, name in names.items():
        if not all(map(is_file_name, name.split("/"))):
            raise DataError(f"The copy of {path} would be {name}, which no file can be called. Rename the picture.")
    layout = SingleFiles(job, file_format, tuple(names.values()))
    return carry_out(job, layout, _manifest(source, pictures, len(bad), job, file_format), workers)


def _manifest(source: Path, pictures: FilePictures, left_out: int, job: Job, file_format: str) -> dict[str, Any]:
    corruptor = job.corruptor
    side = PRESETS[corruptor.preset]
    facts = {
        "name": source.resolve().name,
        "content_hash": pictures.content_hash,
        "pictures": len(pictures),
        "size": "each its own",
    }
    sizes = (
        f"Each picture has its own size; the severities are those published for {side} × {side} pixels (preset "
        f"{corruptor.preset})."
    )
    missing = [f"Files and folders that could not be used and were left out: {left_out:,}."] if left_out else []
    description = manifest.describe(facts, corruptor, job.corruptions, job.severities)
    return manifest.wanted_of(description, file_format, [sizes, *missing, *corruptor.notes(side, side)])


def _find(source: Path) -> LooseFiles:
    try:
        is_file, is_folder = source.is_file(), source.is_dir()
    except OSError as error:  # As of a name that is too long.
        raise DataError(f"{source} cannot be opened: {error.strerror}.") from error
    if is_file:
        if (problem := unusable_name(source.name)) is not None:
            raise DataError(f"{source.parent / problem.where}: {problem.reason} ({problem.detail}).")
        return LooseFiles(source.parent, (source.name,), ())
    if not is_folder:
        raise DataError(f"There is no picture or folder {source}.")
    return find_loose_files(source)


def _name(path: str, *, endings: tuple[str, ...]) -> str:
    """A picture's own path where its ending says the format that is written, else with another ending."""
    if ending(path) in endings:
        return path
    return str(PurePosixPath(path).with_suffix(endings[0])) if ending(path) in IMAGE_ENDINGS else path + endings[0]
