"""The pictures of ice that frost lays over an image: the published photographs, or ice drawn by code."""

import contextlib
import os
import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from filelock import FileLock
from PIL import Image

from rugged.core.catalogue import PROCEDURAL_NOTE
from rugged.core.download import Remote, download
from rugged.core.environment import cache_directory, chosen_textures
from rugged.core.errors import CorruptionError, RuggedError
from rugged.core.files import expanded, sha256_file
from rugged.core.progress import say
from rugged.corruptions.ice import draw_ice

PROCEDURAL = "procedural"
"""What to give instead of a folder to have the ice drawn."""

PHOTOGRAPHS: Mapping[str, tuple[int, str]] = {
    "frost1.png": (1_199_930, "ff9f907860bd7a835d459e32f9d588062b7f61ee267343cc7222b56753a14755"),
    "frost2.png": (299_002, "fe211a89b336999c207a852ce05818d4545d0b57c5beadd824b4cc9d9a9b6137"),
    "frost3.png": (299_002, "2d0d50b4a9bb213f38b024ef7768731bb83cc08d2f26b5766bbc167cdfa0e504"),
    "frost4.jpg": (36_734, "3f8b91ca1a9fa7167b09e773da53f5ae60d0a1fd88f02a783f6e328a72887f6e"),
    "frost5.jpg": (155_150, "5fc6a19df4a429ba68abdcc8f8a4278d4c9f81c9ccafd2c92ab0c8cf8992ebd2"),
    "frost6.jpg": (90_185, "1f92b2f48408748085b68dd81d816ef239f42cef3029c25d041fcb6760fb4f25"),
}
"""The published files in the order of their numbers: size in bytes and SHA-256."""

HOW_TO_GET_PHOTOGRAPHS = (
    "Put frost1.png … frost6.jpg of https://github.com/hendrycks/robustness (in ImageNet-C/create_c) into a folder "
    "and set RUGGED_TEXTURES to it."
)
"""The way that needs no network on this machine."""

_SOURCE = (
    "https://raw.githubusercontent.com/hendrycks/robustness/8190fe329f5f072a06e3a2aea02bb5dda69aed9f"
    "/ImageNet-C/create_c/"
)

State = Literal["ok", "missing", "different"]


class ProceduralFrostWarning(UserWarning):
    """Frost was drawn by code because the photographs are not there."""


@dataclass(frozen=True, eq=False)
class Textures:
    """The six pictures that frost chooses from.

    Attributes:
        label: ``photographs`` for the published files, ``procedural`` for those drawn by code.
        pictures: Six ``(h, w, 3)`` uint8, RGB, read-only.
    """

    label: Literal["photographs", "procedural"]
    pictures: tuple[np.ndarray, ...]


def find_textures(where: str | Path | Textures | None = None) -> Textures:
    """Find the pictures for frost. Nothing is downloaded; equal answers are the same object.

    Args:
        where: A folder of the six published photographs; ``"procedural"`` for ice drawn by code; textures, to have
            them back; ``None`` for what ``RUGGED_TEXTURES`` says or, where that is not set, the folder in the cache.

    Returns:
        The textures. Drawn ones for ``None`` where the cache has no photographs, with a ``ProceduralFrostWarning``.

    Raises:
        CorruptionError: The folder given, or the one that ``RUGGED_TEXTURES`` names, is not one of the photographs.
    """
    if isinstance(where, Textures):
        return where
    if where == PROCEDURAL:
        return _drawn()
    if where is not None and not isinstance(where, str | Path):
        raise CorruptionError(f"textures must be a folder, {PROCEDURAL!r} or None, not {type(where).__name__}.")
    if where is not None:
        return _read(expanded(where))
    chosen = chosen_textures()
    try:
        return find_textures(chosen) if chosen else _read(cached_photographs())
    except CorruptionError as error:
        if chosen:
            raise CorruptionError(f"RUGGED_TEXTURES: {error}") from error
        warnings.warn(
            f"The frost photographs are not in {cached_photographs()}, so ice drawn by code is used: "
            f"{PROCEDURAL_NOTE}. The commands of rugged fetch them; so does rugged.corruptions.textures."
            f"fetch_textures(). Without a network: {HOW_TO_GET_PHOTOGRAPHS}",
            ProceduralFrostWarning,
            stacklevel=_caller_level(),
        )
        return _drawn()


def _caller_level() -> int:
    """How far up the one stands who called rugged, as ``warnings.warn`` in the function that asks counts it."""
    ours = (str(Path(__file__).parents[1]) + os.sep, contextlib.__file__)  # A decorator of ours has a frame there.
    level, frame = 1, sys._getframe(1)
    while frame.f_code.co_filename.startswith(ours) and frame.f_back is not None:
        level, frame = level + 1, frame.f_back
    return level


def choose_textures(choice: str | Path | None) -> Textures:
    """Turn what a command was given into textures: ``None`` fetches the photographs, else as ``find_textures``."""
    return fetch_textures() if choice is None else find_textures(choice)


def fetch_textures() -> Textures:
    """Find the textures as ``find_textures`` does, but download the photographs that the cache lacks.

    Returns:
        The photographs; where they cannot be had, drawn ice, after a line on standard error that says so.

    Raises:
        CorruptionError: ``RUGGED_TEXTURES`` names a folder that is not one of the photographs.
    """
    if chosen_textures() is None and set(photograph_states(cached_photographs()).values()) != {"ok"}:
        try:
            _download(cached_photographs())
        except RuggedError as error:
            say(f"{error} Now ice drawn by code is used: {PROCEDURAL_NOTE}.")
            return _drawn()
    return find_textures()


def cached_photographs() -> Path:
    """The folder of the cache that the photographs are fetched to."""
    return cache_directory() / "textures"


def photograph_states(folder: Path) -> dict[str, State]:
    """Compare the files of ``folder`` with the published photographs, by name and SHA-256."""
    return {name: _state(folder / name, sha256) for name, (_, sha256) in PHOTOGRAPHS.items()}


def _state(path: Path, sha256: str) -> State:
    if not path.is_file():
        return "missing"
    return "ok" if sha256_file(path) == sha256 else "different"


def _download(folder: Path) -> None:
    """Fetch what ``folder`` lacks, once, however many processes ask for it."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        held = FileLock(folder / ".lock").acquire()
    except OSError as error:
        reason = error.strerror or error
        raise CorruptionError(f"Cannot write to {folder}: {reason}. {HOW_TO_GET_PHOTOGRAPHS}") from error
    with held:
        for name, state in photograph_states(folder).items():
            if state == "different":
                (folder / name).unlink()
            size, sha256 = PHOTOGRAPHS[name]
            download(Remote(_SOURCE + name, size, f"sha256:{sha256}", HOW_TO_GET_PHOTOGRAPHS), folder / name)


def _read(folder: Path) -> Textures:
    """Read the photographs, or again what was read, as long as the files keep their size and time."""
    folder = folder.resolve()
    return _read_once(folder, tuple(_stamp(folder / name) for name in PHOTOGRAPHS))


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


@lru_cache(maxsize=4)
def _read_once(folder: Path, _: tuple[tuple[int, int] | None, ...]) -> Textures:
    states = photograph_states(folder)
    wrong = [f"{name} is {state}" for name, state in states.items() if state != "ok"]
    if wrong:
        found = f"in {folder} {', '.join(wrong)}" if folder.is_dir() else f"there is no folder {folder}"
        raise CorruptionError(
            f"{found}, but frost needs the six published photographs, unaltered. {HOW_TO_GET_PHOTOGRAPHS} "
            f"Or choose {PROCEDURAL!r} ({PROCEDURAL_NOTE})."
        )
    return Textures("photographs", tuple(_decode(folder / name) for name in PHOTOGRAPHS))


def _decode(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        picture = np.array(image.convert("RGB"))
    picture.flags.writeable = False
    return picture


@lru_cache(maxsize=1)
def _drawn() -> Textures:
    return Textures("procedural", draw_ice())
