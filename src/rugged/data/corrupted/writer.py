"""``rugged corrupt``: corrupted copies of a split, on all cores, resumable, in shares."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

from rugged.core.catalogue import BENCHMARK, SEVERITIES
from rugged.core.errors import ConfigError, DataError
from rugged.core.files import expanded
from rugged.core.selection import check_limit, choose_corruptions, choose_severities
from rugged.corruptions import choose_corruptor
from rugged.data import packed
from rugged.data.corrupted import manifest
from rugged.data.corrupted.arrays import Arrays
from rugged.data.corrupted.carrying_out import Written, carry_out
from rugged.data.corrupted.encode import ENDINGS
from rugged.data.corrupted.folders import Folders, check_names
from rugged.data.corrupted.layout import Job
from rugged.data.corrupted.pictures import pictures_of
from rugged.data.corrupted.shard import Shard, check_shard
from rugged.data.dataset import Dataset
from rugged.data.opening import as_dataset
from rugged.data.splits import evenly

FileFormat = Literal["jpeg", "png", "npy"]
FORMATS: tuple[FileFormat, ...] = get_args(FileFormat)


def write_corrupted(
    dataset: Dataset | str | Path,
    out: str | Path,
    *,
    split: Literal["train", "val"] = "val",
    corruptions: Sequence[str] = BENCHMARK,
    severities: Sequence[int] = SEVERITIES,
    preset: str | None = None,
    seed: int = 0,
    textures: str | Path | None = None,
    file_format: FileFormat = "jpeg",
    limit: int | None = None,
    shard: Shard | None = None,
    workers: int | None = None,
) -> Written:
    """Write corrupted copies of a split. Interrupted and called again, it writes what is missing, to the same bytes.

    Args:
        dataset: The source: opened, or as ``rugged.open_dataset`` takes it.
        out: The folder to make, or to go on with.
        split: Which pictures.
        corruptions: Names of corruptions or of sets of them.
        severities: Some of 1 to 5.
        preset: Table of severities; by the pictures' size unless named.
        seed: Of the keyed draws.
        textures: For frost: a folder of the published photographs, or ``"procedural"``; None looks for the photographs
            and fetches them on first use.
        file_format: ``jpeg`` or ``png`` in the official layout, or ``npy`` in CIFAR-C's.
        limit: Only so many pictures, evenly over the classes.
        shard: The share of the work that this call does; all of it unless given.
        workers: Processes; unless given a core each, or this one alone for few pictures. With more than one,
            a script needs the usual ``if __name__ == "__main__":``.

    Returns:
        What is in the folder now, and the shares that it still lacks.

    Raises:
        ConfigError: An argument that means nothing.
        CorruptionError: Pictures of this size cannot be corrupted so.
        DataError: ``out`` holds something else or was begun otherwise, cannot be written, or the disk is full; or the
            source's pack was made anew since it was opened.
        RunError: Another process writes the same, or a worker was killed.
        Interrupted: A signal came; what was finished is there.
    """
    if file_format not in FORMATS:
        raise ConfigError(f"There is no format {file_format!r}; expected one of {', '.join(FORMATS)}.")
    check_shard(shard)
    check_limit(workers, "number of workers")
    dataset, out = as_dataset(dataset), expanded(out)
    job, labels = _plan(dataset, out, split, corruptions, severities, preset, seed, textures, limit, shard)
    source = manifest.source_of(dataset, split, len(job.pictures))
    description = manifest.describe(source, job.corruptor, job.corruptions, job.severities)
    wanted = manifest.wanted_of(description, file_format, manifest.notes(dataset, job.corruptor))
    if file_format == "npy":
        return carry_out(job, Arrays(job, dataset.size, labels), wanted, workers)
    check_names(job.pictures.ids, ENDINGS[file_format])
    return carry_out(job, Folders(job, file_format), wanted, workers)


def _plan(
    dataset: Dataset,
    out: Path,
    split: str,
    corruptions: Sequence[str],
    severities: Sequence[int],
    preset: str | None,
    seed: int,
    textures: str | Path | None,
    limit: int | None,
    shard: Shard | None,
) -> tuple[Job, list[int]]:
    """What is to be written, and the pictures' classes as indices."""
    chosen, levels = choose_corruptions(corruptions), choose_severities(severities)
    if split not in packed.SPLITS:
        raise ConfigError(f"There is no split {split!r}; expected {' or '.join(packed.SPLITS)}.")
    source = dataset.train if split == "train" else dataset.val
    if not len(source):
        raise DataError(f"The {split} split of {dataset.name} is empty. Choose the other one with --split.")
    check_limit(limit)
    packed.require_apart(out, dataset)
    corruptor = choose_corruptor(dataset.size, chosen, preset, seed, textures)
    positions = evenly(source.labels, len(source) if limit is None else limit)
    pictures = pictures_of(dataset, source, positions)
    return Job(out, pictures, corruptor, chosen, levels, shard or Shard()), source.labels[positions].tolist()
