"""Files that are whole or not there: atomic writes, locks and hashes."""

import errno
import hashlib
import json
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path, PurePath
from typing import Any

from filelock import FileLock, Timeout

from rugged.core.errors import ConfigError, DataError, RuggedError, RunError
from rugged.core.parsing import parse_json

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

TEXT_LIMIT = 256 * 2**20
"""Bytes of a text file that is read whole. No recipe, table or manifest is larger: it would only fill the memory."""

NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})
"""What the system says where a disk is full, or what a user may take of it."""

_WRONG_PLACE = frozenset(
    {errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENAMETOOLONG}
)
"""What it says where nothing can be written however often one tries: the path is what has to change."""

_RANDOM = "[0-9a-f]" * 8
_NAME_BYTES = 255
"""Of the name of a file or folder: what the usual systems take."""
_ROOM = 55
"""Bytes of it for what is put around a name."""


def expanded(where: str | Path) -> Path:
    """The path that a user names: ``~`` is the home folder, as in a shell. That of an unknown user stays as it is.

    Raises:
        ConfigError: It is no path, or empty.
    """
    if not isinstance(where, str | os.PathLike):
        raise ConfigError(f"Expected a path, as a text or a pathlib.Path, and found {type(where).__name__}.")
    if not os.fspath(where):  # The current folder by another name, which nobody means by it.
        raise ConfigError("The path is empty. Name a file or a folder; the current one is `.`.")
    return Path(os.path.expanduser(where))  # noqa: PTH111 - pathlib's own raises for an unknown user.


def require_replaceable(out: Path, *endings: str) -> None:
    """Require that a file that is there may be replaced by one of another content: that it is of the same kind by name.

    Args:
        out: The file that will be written.
        endings: Of that kind, the usual one first. A name without one may be of any kind.

    Raises:
        ConfigError: It is of another kind: a model, say, or a picture.
    """
    if out.is_file() and out.suffix.lower() not in (*endings, ""):
        raise ConfigError(f"{out} is there and would be lost. Choose another name to write to, ending in {endings[0]}.")


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a temporary sibling of ``path`` to write to, and move it into place when the block succeeds.

    A reader sees the old file or the new one, never a part of it; after a failure the old one stands and the
    temporary is gone. Only a process that is killed leaves it; the next one that writes ``path`` clears that away (not
    on Windows, where nobody could tell whether it is still being written).

    Raises:
        ConfigError: Nothing can be written to such a path.
        RuggedError: The disk is full, or fails. An error that names another file, which the block failed to read, is
            passed on as it is.
    """
    path = path.resolve()  # A link stays, and what it names is written.
    if path.exists() and not path.is_file():
        raise ConfigError(f"Cannot write {path}: it is there and no ordinary file. Choose another name.")
    stem = short_name(path.name)
    temporary = path.with_name(f".{stem}.{secrets.token_hex(4)}.partial")
    held = ExitStack()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _clear_leftovers(path.parent, stem)
        make_and_hold(temporary, held)
        usual_mode = temporary.stat().st_mode
        yield temporary
        temporary.chmod(usual_mode)  # Some writers, safetensors among them, make files that only their owner reads.
        with temporary.open("rb+") as stream:  # Windows flushes only what is open for writing.
            os.fsync(stream.fileno())
        temporary.replace(path)
    except OSError as error:
        if error.filename is not None and Path(error.filename) not in (temporary, *temporary.parents):
            raise
        kind = ConfigError if error.errno in _WRONG_PLACE else RuggedError
        raise kind(f"Cannot write {path}: {_reason(path, error)}") from error
    finally:
        held.close()
        with suppress(OSError):  # Where nothing could be written there is nothing to remove.
            temporary.unlink(missing_ok=True)


def _reason(path: Path, error: OSError) -> str:
    """Why ``path`` could not be written, and what to do."""
    return below_a_file(path) or f"{error.strerror or error}. Free space or choose another folder, then run again."


def below_a_file(path: Path) -> str | None:
    """Say which of the folders that ``path`` leads through is a file; None where none is."""
    for parent in path.parents:
        if os.path.isfile(parent):  # noqa: PTH113 - pathlib's own raises where nobody may look.
            return f"{parent} is a file, not a folder. Choose another folder."
    return None


def short_name(name: str) -> str:
    """As much of a name as leaves room for a digest or a random number in that of a file or folder."""
    while len(os.fsencode(name)) > _NAME_BYTES - _ROOM:
        name = name[:-1]
    return name


def is_file_name(part: str) -> bool:
    """Whether a text can be the name of a file or folder, and leads nowhere else."""
    return part not in ("", "..") and PurePath(part).name == part and len(os.fsencode(part)) <= _NAME_BYTES


def make_and_hold(temporary: Path, held: ExitStack) -> None:
    """Make the file, with a lock on it that the system releases when the process ends, however it does."""
    if fcntl is None:  # Windows moves no file that is open.
        temporary.touch(exist_ok=False)
        return
    stream = held.enter_context(temporary.open("xb"))
    with suppress(OSError):  # Some network file systems have no locks.
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _clear_leftovers(folder: Path, stem: str) -> None:
    """Remove what killed processes left half-written of a file: what nobody holds any more."""
    for leftover in _leftovers(folder):
        if leftover.name.rsplit(".", 2)[0] == f".{stem}" and is_left(leftover):
            with suppress(OSError):
                leftover.unlink()


def is_left(temporary: Path) -> bool:
    """Whether the process that made and held a file has ended. False where that cannot be told, or there is no file."""
    if fcntl is None:
        return False
    try:
        with temporary.open("rb+") as stream:  # Some network file systems lock only what is open for writing.
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


@cache
def _leftovers(folder: Path) -> tuple[Path, ...]:
    """What was half-written in a folder before this process wrote there; looked up once, as folders may be large."""
    return tuple(folder.glob(f".*.{_RANDOM}.partial"))


def write_bytes(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` atomically."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` atomically, as UTF-8, with the line ends it has on every platform.

    Bytes of a file's name that are no text are written as escapes, which JSON reads as such.
    """
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def read_text(path: Path) -> str:
    """Read a text file in UTF-8, with or without the byte order mark that some editors of Windows put before it.

    Raises:
        OSError: It cannot be read, or is too large to be one of ours.
        UnicodeDecodeError: It is no UTF-8.
    """
    with path.open(encoding="utf-8-sig") as stream:
        if os.fstat(stream.fileno()).st_size > TEXT_LIMIT:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), str(path))
        return stream.read()


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON, atomically. NaN is refused: it is not JSON."""
    write_text(path, json_text(value))


def json_text(value: Any) -> str:
    """What ``write_json`` writes."""
    return json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        RuggedError: The file is missing, unreadable or not JSON.
    """
    try:
        return parse_json(read_text(path))
    except FileNotFoundError as error:
        raise RuggedError(f"{path} does not exist.") from error
    except OSError as error:
        raise RuggedError(f"Cannot read {path}: {error.strerror or error}.") from error
    except ValueError as error:
        raise RuggedError(
            f"{path} is not valid JSON ({error}). It was not written whole, or edited by hand."
        ) from error


def require_outside(path: Path, folders: Iterable[Path], elsewhere: str = "") -> None:
    """Refuse to write into data, where the next reader would take what is written for a part of it.

    Args:
        path: What is to be written.
        folders: Where the data lies. Relative paths, which stand for data drawn by code, are passed over.
        elsewhere: How another place is chosen, for the message: " with --out".

    Raises:
        DataError: ``path`` is one of these, or lies in it.
    """
    for folder in folders:
        if folder.is_absolute() and path.resolve().is_relative_to(folder.resolve()):
            raise DataError(
                f"{path} lies in {folder}, where it would be read as part of the data. Choose another place{elsewhere}."
            )


def sha256_file(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hex."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@contextmanager
def exclusive(path: Path, doing: str) -> Iterator[None]:
    """Hold the lock file ``path`` for the length of the block; the system releases it if the process dies.

    Args:
        path: Lock file, created when missing and left in place: removing it would race with others. Only where its
            folder was made for it, and the block failed before it had written there, both go again.
        doing: What the block does, for the message: "train into runs/a".

    Raises:
        RunError: Another process holds the lock, or the folder cannot be written or named in results.
    """
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise RunError(
            f"Cannot {doing}: the name of {path.parent} is no text in UTF-8. Choose another folder."
        ) from error
    try:
        made = not path.parent.exists()
        path.parent.resolve().mkdir(parents=True, exist_ok=True)  # What a link names is made, too.
        lock = FileLock(path, timeout=0)
        lock.acquire()
    except Timeout as error:
        raise RunError(
            f"Cannot {doing}: another process holds {path}. Wait for it to finish, or stop it, then run again."
        ) from error
    except OSError as error:
        reason = below_a_file(path) or f"{path} cannot be locked ({error.strerror or error})."
        raise RunError(f"Cannot {doing}: {reason}") from error
    try:
        yield
    except BaseException:
        if made:
            _remove_if_alone(path)
        raise
    finally:
        lock.release()


def _remove_if_alone(lock: Path) -> None:
    """Remove a lock that is held, with its folder, where nothing else is in that."""
    with suppress(OSError):  # Windows removes no file that is open.
        if [*lock.parent.iterdir()] == [lock]:
            lock.unlink()
            lock.parent.rmdir()
