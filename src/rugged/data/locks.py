"""One process at a time: locks on what is being made."""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

from filelock import FileLock, Timeout

from rugged.core.environment import cache_directory
from rugged.core.errors import DataError
from rugged.core.progress import say


@contextmanager
def locked(target: Path, doing: str) -> Iterator[None]:
    """Wait until no other process works on ``target``. The lock lies in the cache, never beside a user's folder.

    Args:
        target: What is being made.
        doing: What others may be doing to it, for the message: ``packing``.

    Raises:
        DataError: The cache cannot be written.
    """
    path = cache_directory() / "locks" / f"{digest(str(target.resolve()))}.lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            say(f"Waiting for another process that is {doing} {target.name}.")
            lock.acquire()
    except OSError as error:
        raise DataError(
            f"Cannot write to the cache {cache_directory()}: {error.strerror or error}. Set RUGGED_CACHE to a folder "
            f"that can be written."
        ) from error
    try:
        yield
    finally:
        lock.release()


def digest(text: str) -> str:
    """Twelve hexadecimal digits that stand for a text, in names of files and folders."""
    return sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:12]
