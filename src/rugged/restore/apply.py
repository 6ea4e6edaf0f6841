"""A restorer at work on picture files: each is restored and written anew, and itself stays as it is."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from rugged.core.errors import DataError, RunError
from rugged.core.files import exclusive, expanded, read_json, require_outside, write_bytes, write_json
from rugged.core.progress import progress, say
from rugged.core.stopping import stop_on_signal
from rugged.core.wording import counted
from rugged.data.decode import BadImageError, decode_image
from rugged.data.loose_files import BadFile, LooseFiles, find_loose_files, in_lines, new_names
from rugged.data.sources.trees import ending, read_file
from rugged.engine import Device, Restorer, as_batch, make_fabric, open_restorer

_NOTE = "restored.json"
_FORMATS = {
    ".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP", ".bmp": "BMP", ".tif": "TIFF", ".tiff": "TIFF",
}  # fmt: skip
_QUALITY = 95  # Of JPEG and WebP: what was just restored is not to be spoiled again.


@dataclass(frozen=True)
class Task:
    """A picture to restore.

    Attributes:
        source: Its file.
        target: The file to write.
    """

    source: Path
    target: Path


def apply_restorer(
    restorer: str | Path, source: str | Path, out: str | Path, *, keep_format: bool = False, device: Device = "auto"
) -> Path:
    """Restore a picture, or all pictures in a folder and the folders in it.

    Args:
        restorer: A restorer's file or run folder.
        source: The picture or folder. Hidden files are passed over, and files that are no pictures by their ending.
        out: The file or folder to write. A file that is there is replaced; a folder that a run before has begun is
            completed, and pictures that have changed since are restored anew.
        keep_format: Write JPEG for JPEG, and so on; PNG for what is seldom written. By default all become PNG.
        device: Where.

    Returns:
        ``out``.

    Raises:
        DataError: There is nothing to restore, ``out`` lies in ``source``, or some pictures cannot be reached, read or
            written: those are named once all the others are done.
        ModelError: The restorer cannot be loaded.
        RunError: ``out`` holds what another restorer has made, or what was made of another folder.
        Interrupted: A signal came; the next call goes on.
    """
    source, out = expanded(source), expanded(out)
    if not source.exists():
        raise DataError(f"There is no picture or folder {source}.")
    opened = open_restorer(restorer, make_fabric(device))
    if source.is_file():
        if source.resolve() == out.resolve():
            raise DataError(f"{out} is the picture itself. Choose another name to write to.")
        if ending(out.name) not in _FORMATS:
            raise DataError(f"{out} has no ending that says what to write; expected {', '.join(_FORMATS)}.")
        try:
            data = _restored(opened, Task(source, out))
        except BadImageError as error:
            raise DataError(f"{source} cannot be restored: {error}.") from error
        write_bytes(out, data)
        return out
    if not source.is_dir():
        raise DataError(f"{source} is neither a picture's file nor a folder.")
    require_outside(out, [source.resolve()])
    if out.exists() and not out.is_dir():
        raise DataError(f"{out} is a file; expected a folder to write the pictures of {source} into.")
    files = find_loose_files(source)
    tasks = list(_tasks(files, out, keep_format))
    with exclusive(out / ".lock", f"restore into {out}"):
        place = str(source.resolve()).encode("utf-8", "backslashreplace").decode()
        note = {"restorer": opened.sha256, "source": place, "keep_format": keep_format}
        _require_own(out, note)
        left = [task for task in tasks if not _is_done(task)]
        bad = _restore_all(opened, left, len(tasks), out / _NOTE, note)
    if missing := [*files.problems, *bad]:
        raise DataError(
            f"{len(missing):,} could not be restored; the others, {counted(len(tasks) - len(bad), 'picture')}, are in "
            f"{out}:{in_lines(missing)}"
        )
    before = f" ({len(tasks) - len(left):,} were done before)" if len(left) < len(tasks) else ""
    say(f"Restored {counted(len(left), 'picture')}{before}.")
    return out


def _tasks(files: LooseFiles, out: Path, keep_format: bool) -> Iterator[Task]:
    targets = new_names(files.paths, partial(_target, keep_format=keep_format), ".png")
    for path, target in targets.items():
        yield Task(files.where / path, out / target)


def _target(path: str, *, keep_format: bool) -> str:
    if keep_format and ending(path) in _FORMATS:
        return path
    return str(Path(path).with_suffix(".png"))


def _require_own(out: Path, note: dict[str, Any]) -> None:
    """Refuse a folder that something else has made: its pictures would be taken for those that are done already."""
    path = out / _NOTE
    if path.exists():
        if read_json(path) != note:
            raise RunError(
                f"{out} holds pictures of another restorer, from another folder or in another format (see {path}). "
                "Choose another folder."
            )
        return
    if out.exists() and any(not each.name.startswith(".") for each in out.iterdir()):
        raise RunError(f"{out} is not empty and was not made by `rugged restore apply`. Choose another folder.")


def _is_done(task: Task) -> bool:
    """Whether a picture was restored after it last changed. One that is moved into its place may bear an older date."""
    try:
        source = task.source.stat()
        return max(source.st_mtime_ns, source.st_ctime_ns) <= task.target.stat().st_mtime_ns
    except OSError:  # There is no target yet, or no picture any more: whoever reads it says so.
        return False


def _restore_all(restorer: Restorer, left: list[Task], total: int, noted: Path, note: dict[str, Any]) -> list[BadFile]:
    """Restore what is left, the first time with a note of what made it; the bad pictures, with reasons."""
    bad = []
    with stop_on_signal() as stop, progress("Restoring", total, "pictures", total - len(left)) as bar:
        for task in left:
            if stop.signal_number is not None:
                break
            try:
                data = _restored(restorer, task)
            except BadImageError as error:
                bad.append((task.source, str(error)))
            else:
                if not noted.exists():
                    write_json(noted, note)
                write_bytes(task.target, data)
            bar.advance()
    return bad


def _restored(restorer: Restorer, task: Task) -> bytes:
    """The restored picture as a file of the target's kind."""
    pixels = decode_image(read_file(task.source)).pixels
    restored = restorer.restore(as_batch(pixels[None], torch.device("cpu")))[0].permute(1, 2, 0).numpy()
    return _encode(restored, grey=_is_grey(pixels), file_format=_FORMATS[ending(task.target.name)])


def _is_grey(pixels: NDArray[np.uint8]) -> bool:
    return bool((pixels == pixels[..., :1]).all())


def _encode(pixels: NDArray[np.uint8], *, grey: bool, file_format: str) -> bytes:
    """A picture's file; what came without colour leaves without.

    Raises:
        BadImageError: The format does not take it: a side of WebP has at most 16,383 pixels.
    """
    picture = Image.fromarray(pixels)
    data = io.BytesIO()
    options = {"quality": _QUALITY} if file_format in ("JPEG", "WEBP") else {}
    try:
        (picture.convert("L") if grey else picture).save(data, format=file_format, **options)
    except (OSError, ValueError) as error:  # Each format has its own way to refuse.
        size = f"{picture.width} x {picture.height} pixels"
        raise BadImageError(f"cannot be written as {file_format}", f"{size}: {error}") from error
    return data.getvalue()
