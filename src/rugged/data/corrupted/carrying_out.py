"""Carrying out a job: hold the folder, write what is missing on all cores, and say in the manifest what is there."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rugged.core.catalogue import display_name
from rugged.core.errors import DataError
from rugged.core.progress import progress
from rugged.core.stopping import stop_on_signal
from rugged.data.corrupted import manifest
from rugged.data.corrupted.claim import claimed, manifest_held, remove_work
from rugged.data.corrupted.layout import Job, Layout, missing_shares, total
from rugged.data.corrupted.pictures import rehearse
from rugged.data.corrupted.processes import work_on
from rugged.data.corrupted.shard import default_workers
from rugged.data.staging import no_space


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


def carry_out(job: Job, layout: Layout, wanted: dict[str, Any], workers: int | None) -> Written:
    """Write what a job's folder lacks of this share.

    Args:
        job: What is to be written.
        layout: How it lies there.
        wanted: The manifest, but for the progress.
        workers: Processes; None for as many as pay.

    Raises:
        CorruptionError: Pictures of this size cannot be corrupted so.
        DataError: The folder holds something else or was begun otherwise, cannot be written, or the disk is full; or
            the pictures have changed since they were found.
        RunError: Another process writes the same, or a worker was killed.
        Interrupted: A signal came; what was finished is there.
    """
    path = job.out / manifest.MANIFEST
    manifest.require_same(path, wanted)  # Before a lock is made in a folder that may be somebody else's.
    if not path.exists():
        rehearse(job.pictures, job.corruptor, job.corruptions, job.severities)
    with _clear_errors(job.out), claimed(job):
        with manifest_held(job):
            manifest.require_same(path, wanted)  # Another share may have begun.
            if not path.exists():
                manifest.write(path, wanted, {}, ["all"])
            layout.begin()
        _write_missing(job, layout, workers)
        return _conclude(job, layout, wanted)


def _write_missing(job: Job, layout: Layout, workers: int | None) -> None:
    items = layout.items(job.shard)
    missing = [item for item in items if not layout.done(item)]
    if not missing:
        return
    layout.prepare(missing)
    count, left = sum(map(len, items)), sum(map(len, missing))
    title = "Corrupting" if job.shard.of == 1 else f"Corrupting, shard {job.shard}"
    workers = workers or default_workers(left * job.pictures.pixels)
    with (
        stop_on_signal() as stop,
        progress(title, count, done=count - left) as bar,
        closing(work_on(missing, layout.write, workers, stop)) as written,
    ):
        for item in written:
            layout.finish(item)
            bar.advance(len(item), f"{display_name(item.corruption)} {item.severity}")


def _conclude(job: Job, layout: Layout, wanted: dict[str, Any]) -> Written:
    """Count what is there, by whomever it was written, and say so in the manifest."""
    with manifest_held(job):
        counts = layout.counts()
        expected = len(job.corruptions) * len(job.severities) * len(job.pictures)
        missing = [] if total(counts) == expected else missing_shares(layout, job.shard)
        if str(job.shard) in missing:
            raise DataError(f"Of shard {job.shard} of {job.out} files vanished while it was written. Run it again.")
        manifest.write(job.out / manifest.MANIFEST, wanted, counts, missing)
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
