"""Who may write into a folder: the share's lock, the manifest's lock, and what is cleared away.

Everything lies in the folder itself, so that it counts for all machines that write there.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from rugged.core.errors import DataError, RunError
from rugged.core.files import exclusive
from rugged.data.corrupted.layout import WORK, Job
from rugged.data.corrupted.manifest import MANIFEST


@contextmanager
def claimed(job: Job) -> Iterator[None]:
    """Hold a share for the length of the block, and leave nothing of it in the work folder.

    Raises:
        DataError: The folder holds something else.
        RunError: Another process writes the same share, or has divided the work in another way.
    """
    require_ours(job.out)
    share = "into" if job.shard.of == 1 else f"shard {job.shard} of"
    with exclusive(_share_lock(job), f"write {share} {job.out}"):
        for path in _locks_of_others(job):
            if path.stem.partition("-of-")[2] != str(job.shard.of):
                _refuse_if_held(path, job)
        shutil.rmtree(job.scratch, ignore_errors=True)
        try:
            yield
        finally:
            shutil.rmtree(job.scratch, ignore_errors=True)


def require_ours(out: Path) -> None:
    """Require that a folder has our manifest, or is not there, or holds nothing but what we were about to begin.

    Raises:
        DataError: It is somebody else's, or no folder.
    """
    try:
        is_there, is_folder = out.exists(), out.is_dir()
        names = {path.name for path in out.iterdir()} if is_folder else set()
    except (OSError, ValueError) as error:  # As of a name that is too long, or none.
        raise DataError(f"{out} cannot be used: {error}. Choose another place.") from error
    if is_there and not is_folder:
        raise DataError(f"{out} is a file; expected a folder to make or to go on with. Choose another place.")
    if MANIFEST not in names and not all(name == WORK or name.endswith(".partial") for name in names):
        raise DataError(f"{out} is not empty, and not a folder of corrupted pictures. Choose another place.")


@contextmanager
def manifest_held(job: Job) -> Iterator[None]:
    """Hold the manifest, for a moment: the shares write it one after the other."""
    with FileLock(_manifest_lock(job)):
        if not (job.out / MANIFEST).exists():
            _remove_arrays(job)  # Nobody knows any more how they were made.
        yield


def remove_work(job: Job) -> None:
    """Remove the work folder, but for what others hold who are about to find that everything is there."""
    shutil.rmtree(job.scratch, ignore_errors=True)
    for path in _locks_of_others(job):
        with suppress(Timeout, OSError), FileLock(path, timeout=0):
            shutil.rmtree(path.with_suffix(""), ignore_errors=True)
            path.unlink()
    with suppress(OSError):  # Windows removes no file that is open; the next run does.
        _remove_arrays(job)
        _share_lock(job).unlink()
        _manifest_lock(job).unlink()
        job.work.rmdir()


def _share_lock(job: Job) -> Path:
    return job.work / f"{job.shard.file_name}.lock"


def _manifest_lock(job: Job) -> Path:
    return job.work / "manifest.lock"


def _locks_of_others(job: Job) -> list[Path]:
    return [path for path in sorted(job.work.glob("*-of-*.lock")) if path != _share_lock(job)]


def _refuse_if_held(path: Path, job: Job) -> None:
    try:
        with FileLock(path, timeout=0):
            return
    except Timeout as error:
        number, _, of = path.stem.partition("-of-")
        raise RunError(
            f"Cannot write into {job.out}: another process is writing shard {number}/{of} of it. Wait for it to "
            "finish, or divide the work as it does."
        ) from error


def _remove_arrays(job: Job) -> None:
    """Remove arrays that were not finished, with their lists."""
    for pattern in ("*.npy", "*.txt"):
        for left in job.work.glob(pattern):
            left.unlink()
