"""Pictures to corrupt that lie in files of their own, each of its own size."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path

import cv2
import torch
from torch import Tensor

from rugged.core.errors import CorruptionError, DataError
from rugged.core.progress import progress
from rugged.core.stopping import stop_on_signal
from rugged.corruptions import Corruptor
from rugged.data.decode import BadImageError, decode_image
from rugged.data.loose_files import BadFile, LooseFiles
from rugged.data.sources.trees import read_file

_NO_MEMORY = ("allocate memory", "Insufficient memory")
_LONGEST_QUEUE = 64  # Pictures that are read before their turn comes.


@dataclass(frozen=True, eq=False)
class FilePictures:
    """Picture files that can be used. Instances travel to worker processes.

    Attributes:
        folder: Where they lie.
        ids: Their paths in it, sorted.
        sizes: Height and width of each.
        digests: The SHA-256 of each file, in hex: another file in its place is refused.
    """

    folder: Path
    ids: tuple[str, ...]
    sizes: tuple[tuple[int, int], ...]
    digests: tuple[str, ...]

    @property
    def content_hash(self) -> str:
        """The SHA-256, in hex, of each path and the SHA-256 of its file, a line each."""
        content = "".join(f"{path}\n{digest}\n" for path, digest in zip(self.ids, self.digests, strict=True))
        return sha256(content.encode()).hexdigest()

    @property
    def pixels(self) -> int:
        """Pixels of each, on average."""
        return max(1, sum(height * width for height, width in self.sizes) // len(self.sizes))

    @property
    def smallest(self) -> int:
        """As ``SourcePictures`` says."""
        return min(range(len(self.sizes)), key=lambda member: min(self.sizes[member]))

    def __len__(self) -> int:
        return len(self.ids)

    def corrupted(
        self, members: Sequence[int], corruptor: Corruptor, corruption: str, severity: int
    ) -> Iterator[tuple[Sequence[int], Tensor]]:
        """As ``SourcePictures`` says: one at a time."""
        for member in members:
            path = self.folder / self.ids[member]
            try:
                data = read_file(path)
                if sha256(data).hexdigest() != self.digests[member]:
                    raise BadImageError("changed", "another file than the one that was looked at")
                pixels = decode_image(data).pixels
            except BadImageError as error:
                raise DataError(
                    f"{path} cannot be used any more: {error}. Put it back and run the same command again, or choose "
                    "another folder."
                ) from error
            clean = torch.tensor(pixels).permute(2, 0, 1)[None].contiguous()
            with _said_of(path, corruption):
                corrupted = corruptor(clean, corruption, severity, ids=[self.ids[member]])
            yield [member], corrupted


def look_at(found: LooseFiles, longest: int, threads: int) -> tuple[FilePictures, list[BadFile]]:
    """Decode every picture once: what can be used, and what cannot, with reasons.

    Args:
        found: The pictures.
        longest: Pixels of a longer side that can be written.
        threads: To decode in.

    Raises:
        Interrupted: A signal came.
    """
    looks: list[_Look] = []
    bad = list(found.problems)
    with (
        stop_on_signal("Stopping", "Stopped. Run the same command again to go on.") as stop,
        progress("Looking at the pictures", len(found.paths), "pictures") as bar,
        ThreadPoolExecutor(threads, "decode") as pool,
    ):
        for start in range(0, len(found.paths), _LONGEST_QUEUE):
            if stop.signal_number is not None:
                break
            paths = found.paths[start : start + _LONGEST_QUEUE]
            for look in pool.map(partial(_look, found.where, longest), paths):
                if isinstance(look, _Look):
                    looks.append(look)
                else:
                    bad.append(look)
            bar.advance(len(paths))
    ids, sizes = tuple(look.path for look in looks), tuple(look.size for look in looks)
    return FilePictures(found.where, ids, sizes, tuple(look.sha256 for look in looks)), bad


@dataclass(frozen=True, slots=True)
class _Look:
    """What is known of a picture that can be used."""

    path: str
    size: tuple[int, int]
    sha256: str


def _look(folder: Path, longest: int, path: str) -> _Look | BadFile:
    try:
        data = read_file(folder / path)
        height, width, _ = decode_image(data).pixels.shape
    except BadImageError as error:
        return folder / path, str(error)
    except MemoryError as error:
        raise DataError(f"{folder / path} needs more memory than there is. Take fewer --workers.") from error
    if max(height, width) > longest:
        return folder / path, f"too long to be written ({width} x {height} pixels; at most {longest:,})"
    return _Look(path, (height, width), sha256(data).hexdigest())


@contextmanager
def _said_of(path: Path, corruption: str) -> Iterator[None]:
    """Say of which picture something is that cannot be done."""
    try:
        yield
    except CorruptionError as error:
        raise CorruptionError(f"{path}: {error} Or begin another folder without this picture.") from error
    except (MemoryError, RuntimeError, cv2.error) as error:  # PyTorch and OpenCV each say it in their own way.
        if not isinstance(error, MemoryError) and not any(words in str(error) for words in _NO_MEMORY):
            raise
        raise CorruptionError(
            f"{path}: {corruption} needs more memory than there is. Take fewer --workers, or begin another folder "
            "without this picture."
        ) from error
