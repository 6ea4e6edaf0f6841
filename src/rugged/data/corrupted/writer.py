"""``rugged corrupt``: corrupted copies of a split, on all cores, resumable, in shares."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from rugged.core.catalogue import BENCHMARK, SEVERITIES, display_name
from rugged.core.errors import ConfigError, DataError
from rugged.core.files import expanded
from rugged.core.progress import progress
from rugged.core.selection import check_limit, choose_corruptions, choose_severities
from rugged.core.stopping import stop_on_signal
from rugged.corruptions import choose_corruptor
from rugged.data import packed
from rugged.data.corrupted import manifest
from rugged.data.corrupted.arrays import Arrays, write_labels
from rugged.data.corrupted.claim import claimed, manifest_held, remove_work
from rugged.data.corrupted.encode import ENDINGS
from rugged.data.corrupted.folders import Folders, check_names
from rugged.data.corrupted.layout import Job, Layout, missing_shares, total
from rugged.data.corrupted.pictures import pictures_of, rehearse
from rugged.data.corrupted.processes import work_on
from rugged.data.corrupted.shard import Shard, default_workers
from rugged.data.dataset import Dataset
from rugged.data.opening import as_dataset
from rugged.data.splits import evenly
from rugged.data.staging import no_space, require_space

FileFormat = Literal["jpeg", "png", "npy"]
FORMATS: tuple[FileFormat, ...] = get_args(FileFormat)


@dataclass(frozen=True)
class Written:
    """What is in a folder after this process has done its share.

    Attributes:
        folder: The folder.
        pictures: Corrupted pictures in it, by all shares together.
        missing_shards: Shares of which something is not there yet, such as ``2/2``.
    """

    folder: Path
    pictures: int
    missing_shards: tuple[str, ...]


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
    if shard is not None and not isinstance(shard, Shard):
        raise ConfigError(f"The shard is {shard!r}; expected one such as Shard(2, 4).")
    check_limit(workers, "number of workers")
    dataset, out = as_dataset(dataset), expanded(out)
    job, description = _plan(dataset, out, split, corruptions, severities, preset, seed, textures, limit, shard)
    layout: Layout = Arrays(job) if file_format == "npy" else Folders(job, file_format)
    if isinstance(layout, Folders):
        check_names(job.pictures.ids, ENDINGS[layout.file_format])
    path = out / manifest.MANIFEST
    whole = manifest.wanted_of(description, file_format, manifest.notes(dataset, job.corruptor))
    manifest.require_same(path, whole)  # Before a lock is made in a folder that may be somebody else's.
    if not path.exists():
        rehearse(job.pictures, job.corruptor, job.corruptions, job.severities)
    with _clear_errors(out), claimed(job):
        with manifest_held(job):
            manifest.require_same(path, whole)  # Another share may have begun.
            if not path.exists():
                manifest.write(path, whole, {}, ["all"])
            if file_format == "npy":
                write_labels(job)
        _write_missing(job, layout, workers)
        return _conclude(job, layout, whole)


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
) -> tuple[Job, dict[str, Any]]:
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
    labels = source.labels[positions].tolist()
    description = manifest.describe(dataset, split, len(pictures), corruptor, chosen, levels)
    return Job(out, pictures, labels, corruptor, chosen, levels, shard or Shard()), description


def _write_missing(job: Job, layout: Layout, workers: int | None) -> None:
    items = layout.items(job.shard)
    missing = [item for item in items if not layout.done(item)]
    if not missing:
        return
    pixels = sum(map(len, missing)) * int(np.prod(job.pictures.size))
    if isinstance(layout, Arrays):
        require_space(job.work, 3 * pixels)
    layout.prepare(missing)
    count = sum(map(len, items))
    title = "Corrupting" if job.shard.of == 1 else f"Corrupting, shard {job.shard}"
    done = count - sum(map(len, missing))
    with (
        stop_on_signal() as stop,
        progress(title, count, done=done) as bar,
        closing(work_on(missing, layout.write, workers or default_workers(pixels), stop)) as written,
    ):
        for item in written:
            layout.finish(item)
            bar.advance(len(item), f"{display_name(item.corruption)} {item.severity}")


def _conclude(job: Job, layout: Layout, description: dict[str, Any]) -> Written:
    """Count what is there, by whomever it was written, and say so in the manifest."""
    with manifest_held(job):
        counts = layout.counts()
        expected = len(job.corruptions) * len(job.severities) * len(job.pictures)
        missing = [] if total(counts) == expected else missing_shares(layout, job.shard)
        if str(job.shard) in missing:
            raise DataError(f"Of shard {job.shard} of {job.out} files vanished while it was written. Run it again.")
        manifest.write(job.out / manifest.MANIFEST, description, counts, missing)
        if not missing:
            remove_work(job)
    return Written(job.out, total(counts), tuple(missing))


@contextmanager
def _clear_errors(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = no_space(error, out) or f"Cannot write {out}: {error.strerror or error}"
        raise DataError(
            f"{reason}. What was finished is kept: mend this, then run the same command again to go on."
        ) from error
