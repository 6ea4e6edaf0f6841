"""Where a sequence lies on disk, and how it gets there whole."""

import os
import shutil
from hashlib import sha256
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from rugged.core.errors import DataError
from rugged.core.files import atomic_path, is_file_name, short_name
from rugged.perturbations.catalogue import compares_with_first
from rugged.perturbations.video import write_video

FileFormat = Literal["frames", "mp4"]


def folder_name(name: str, difficulty: int) -> str:
    """Name a sequence's folder as the official data does: noise has one for each difficulty, ``shot_noise_2``."""
    return f"{name}_{difficulty}" if compares_with_first(name) and difficulty > 1 else name


def place(folder: Path, identifier: str, file_format: FileFormat) -> Path:
    """Return where the sequence of a picture lies: a folder of frames or an MP4 file.

    Args:
        folder: Of all pictures' sequences of one kind.
        identifier: ``<class id>/<stem>``.
        file_format: Which of the two.

    Raises:
        DataError: The picture's id would lead out of the folder, or to the place of another.
    """
    name = f"{identifier}.mp4" if file_format == "mp4" else identifier
    if not all(map(is_file_name, (*identifier.split("/"), *name.split("/")))):
        raise DataError(f"The picture {identifier!r} cannot be written under this name. Rename it in the source.")
    return folder / name


def is_whole(path: Path, frames: int, file_format: FileFormat) -> bool:
    """Tell whether a sequence is there, with all its frames."""
    if file_format == "mp4":
        return _has_content(path)  # It was moved there when it was finished.
    return all(_has_content(path / f"{number:02}.png") for number in range(frames))


def write(path: Path, frames: NDArray[np.uint8], file_format: FileFormat) -> None:
    """Write ``(F, H, W, 3)`` frames beside their place and move them there."""
    if file_format == "mp4":
        with atomic_path(path) as temporary:
            write_video(temporary, frames)
        return
    try:
        _write_frames(path, frames)
    except OSError as error:
        raise DataError(
            f"Cannot write {path}: {error.strerror or error}. What is finished is kept: make room or choose another "
            "place, and run the same command again."
        ) from error


def _write_frames(path: Path, frames: NDArray[np.uint8]) -> None:
    digest = sha256(os.fsencode(path.name)).hexdigest()[:12]  # Names may begin alike, and be as long as can be.
    partial = path.with_name(f".{short_name(path.name)}.{digest}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    for number, frame in enumerate(frames):
        data = cv2.imencode(".png", frame[..., ::-1])[1]  # Four times as fast as Pillow.
        (partial / f"{number:02}.png").write_bytes(data.tobytes())
    try:
        partial.rename(path)
    except OSError:  # Some of its frames are there, or pictures whose ids go on where this one ends.
        path.mkdir(exist_ok=True)
        for frame_file in sorted(partial.iterdir(), reverse=True):  # The first comes last: it makes the sequence count.
            frame_file.replace(path / frame_file.name)
        partial.rmdir()


def count(folder: Path, file_format: FileFormat) -> int:
    """Count the sequences in a folder."""
    found = folder.rglob("*.mp4" if file_format == "mp4" else "00.png")
    return sum(1 for path in found if not any(part.startswith(".") for part in path.relative_to(folder).parts))


def _has_content(path: Path) -> bool:
    """Whether a file is there and was not emptied, as a power failure may do."""
    return path.is_file() and path.stat().st_size > 0
