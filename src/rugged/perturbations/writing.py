"""Writing the sequences of many pictures: on all cores, resumable, with a record of how they were made."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from rugged.core import files
from rugged.core.differences import differences
from rugged.core.environment import available_cores, versions
from rugged.core.errors import RunError
from rugged.core.progress import progress
from rugged.core.stopping import StopRequest, stop_on_signal
from rugged.corruptions import STREAM_VERSION
from rugged.perturbations import storage, video
from rugged.perturbations.catalogue import PRESETS, compares_with_first, frames_of
from rugged.perturbations.engine import perturb
from rugged.perturbations.storage import FileFormat

MANIFEST = "manifest.json"

_KIND = "perturbation sequences"
_DECIDING = ("rugged", "torch", "numpy", "opencv-python-headless", "pillow")  # which decodes and resizes
_LOCK = ".lock"
_PIXELS_AT_ONCE = 1 << 16  # of frames, over the pictures that a thread takes together: 16 of 64 x 64, 1 of 224 x 224
_BYTES_AT_ONCE = 1 << 21  # of these pictures themselves, which may be far larger than their frames


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture to perturb.

    Attributes:
        id: ``<class id>/<stem>``: it keys the draws and names the output.
        load: Gives its pixels, ``(H, W, 3)`` uint8 of any size. Called from several threads at once.
    """

    id: str
    load: Callable[[], NDArray[np.uint8]]


@dataclass(frozen=True)
class Order:
    """What is to be written.

    Attributes:
        out: The folder.
        sequences: Names of sequences.
        preset: Which published set.
        difficulty: 1 to 3.
        seed: Of the draws.
        file_format: ``frames`` or ``mp4``.
        source: What the pictures are, as a few words or hashes: kept with the output, which takes no others.
    """

    out: Path
    sequences: tuple[str, ...]
    preset: str
    difficulty: int
    seed: int
    file_format: FileFormat
    source: Mapping[str, str]

    def conditions(self) -> dict[str, Any]:
        """What everything in one folder has in common."""
        return {
            "source": dict(self.source),
            "preset": self.preset,
            "seed": self.seed,
            "stream_version": STREAM_VERSION,
            "format": self.file_format,
            "versions": versions(_DECIDING),
        }

    def folder(self, name: str) -> Path:
        """Where a sequence's files go."""
        return self.out / storage.folder_name(name, self.difficulty)

    def missing(self, name: str, pictures: Sequence[Picture]) -> list[Picture]:
        """The pictures whose sequence is not there."""
        frames = frames_of(name, self.preset)

        def there(picture: Picture) -> bool:
            path = storage.place(self.folder(name), picture.id, self.file_format)
            return storage.is_whole(path, frames, self.file_format)

        return [picture for picture in pictures if not there(picture)]


def write_sequences(pictures: Sequence[Picture], order: Order, command: str) -> dict[str, int]:
    """Write the sequences that are not there yet.

    Args:
        pictures: Of which pictures.
        order: What is to be written, and where.
        command: What was typed, for the record.

    Returns:
        How many sequences each folder holds now.

    Raises:
        RunError: The folder holds something else or sequences made under other conditions, or is being written by
            another process.
        DataError: A picture's id cannot be the name of a place, or something cannot be written.
        Interrupted: A signal asked for the end. What is written is whole, and is kept.
    """
    if order.file_format == "mp4":
        video.require_av()
    for picture in pictures:
        storage.place(order.out, picture.id, order.file_format)  # An id that names none is told before anything else.
    _read_manifest(order.out)
    with files.exclusive(order.out / _LOCK, f"write sequences to {order.out}"):
        _check_conditions(order)
        _record(order, command, len(pictures), finished=False)
        missing = {name: order.missing(name, pictures) for name in order.sequences}
        left, total = sum(map(len, missing.values())), len(pictures) * len(order.sequences)
        with stop_on_signal() as request, progress("Perturbing", total, "sequences", total - left) as bar:
            for count in _write_all(pictures, missing, order, request):
                bar.advance(count)
        lost = [picture.id for name, written in missing.items() for picture in order.missing(name, written)]
        if lost:
            raise RunError(f"{order.out} lacks {len(lost)} sequences at the end ({lost[0]} …). Run the command again.")
        return _record(order, command, len(pictures), finished=True)


def _write_all(
    pictures: Sequence[Picture], missing: Mapping[str, Sequence[Picture]], order: Order, request: StopRequest
) -> Iterator[int]:
    """Write in threads (codecs and tensor operations release the interpreter's lock); yield counts of sequences."""
    todo = {name: {picture.id for picture in some} for name, some in missing.items()}
    wanted = [picture for picture in pictures if any(picture.id in ids for ids in todo.values())]
    step = max(1, _PIXELS_AT_ONCE // PRESETS[order.preset].side ** 2)
    batches = [wanted[start : start + step] for start in range(0, len(wanted), step)]
    torch.get_num_threads()  # Asked before the workers are told 1, our own number stays what it was.
    pool = ThreadPoolExecutor(available_cores(), "perturb", initializer=torch.set_num_threads, initargs=(1,))
    try:
        waiting = [pool.submit(_write_batch, batch, todo, order, request) for batch in batches]
        for future in as_completed(waiting):
            yield future.result()
            if request.signal_number is not None:
                break
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _write_batch(batch: Sequence[Picture], todo: Mapping[str, set[str]], order: Order, request: StopRequest) -> int:
    """Write what is missing of a few pictures; gives the number of sequences."""
    written = 0
    for same_size in _stacks(batch):
        for name, ids in todo.items():
            chosen = [(picture, pixels) for picture, pixels in same_size if picture.id in ids]
            if chosen and request.signal_number is None:
                _write_sequence(name, chosen, order)
                written += len(chosen)
    return written


def _stacks(batch: Sequence[Picture]) -> Iterator[list[tuple[Picture, NDArray[np.uint8]]]]:
    """Load pictures and put those of one size together, of large ones a few at a time."""
    loaded: dict[tuple[int, ...], list[tuple[Picture, NDArray[np.uint8]]]] = defaultdict(list)
    held = 0
    for picture in batch:
        pixels = picture.load()
        loaded[pixels.shape].append((picture, pixels))
        held += pixels.nbytes
        if held >= _BYTES_AT_ONCE:
            yield from loaded.values()
            loaded.clear()
            held = 0
    yield from loaded.values()


def _write_sequence(name: str, chosen: Sequence[tuple[Picture, NDArray[np.uint8]]], order: Order) -> None:
    images = torch.from_numpy(np.stack([pixels for _, pixels in chosen])).permute(0, 3, 1, 2)
    ids = [picture.id for picture, _ in chosen]
    result = perturb(images, name, preset=order.preset, difficulty=order.difficulty, seed=order.seed, ids=ids)
    for identifier, frames in zip(ids, result.permute(0, 1, 3, 4, 2).contiguous().numpy(), strict=True):
        storage.write(storage.place(order.folder(name), identifier, order.file_format), frames, order.file_format)


def _read_manifest(out: Path) -> dict[str, Any] | None:
    """Read the record of what a folder holds; None when there is nothing in it. Refuse a folder of anything else."""
    if out.exists() and not out.is_dir():
        raise RunError(f"{out} is a file. Name an empty or a new folder.")
    if (out / MANIFEST).exists():
        manifest = files.read_json(out / MANIFEST)
        if isinstance(manifest, dict) and manifest.get("kind") == _KIND:
            _check_shape(manifest, out)
            return manifest
    elif not out.exists() or all(path.name.startswith(".") for path in out.iterdir()):
        return None
    raise RunError(f"{out} holds other things than perturbation sequences. Name an empty or a new folder.")


def _check_shape(manifest: Mapping[str, Any], out: Path) -> None:
    """Refuse a record that does not have the parts of one of ours."""
    conditions, sequences = manifest.get("conditions"), manifest.get("sequences")
    entries = sequences.values() if isinstance(sequences, Mapping) else [None]
    if not all(isinstance(part, Mapping) for part in (conditions, *entries)):
        raise RunError(
            f"{out / MANIFEST} does not say how the sequences beside it were made: it was edited by hand. Name another "
            "folder, or delete this one."
        )


def _check_conditions(order: Order) -> None:
    """Refuse a folder whose sequences were made otherwise."""
    manifest = _read_manifest(order.out)
    if manifest is None:
        return
    differing = differences(manifest["conditions"], order.conditions())
    if differing:
        raise RunError(
            f"{order.out} holds sequences made under other conditions: {'; '.join(differing)}. "
            f"Name another folder, or ask for the same."
        )


def _record(order: Order, command: str, asked_for: int, *, finished: bool) -> dict[str, int]:
    """Write the manifest, of what this command adds and of what earlier ones have left.

    Returns:
        How many sequences each folder holds, which is counted when the command has finished.
    """
    entries = (_read_manifest(order.out) or {"sequences": {}})["sequences"]
    for name in order.sequences:
        entries[order.folder(name).name] = {
            "sequence": name,
            "frames": frames_of(name, order.preset),
            "compared_with": "the first frame" if compares_with_first(name) else "the frame before",
            "asked_for": asked_for,
        }
    if finished:
        for folder, entry in entries.items():
            entry["count"] = storage.count(order.out / folder, order.file_format)
    record: dict[str, Any] = {
        "kind": _KIND,
        "conditions": order.conditions(),
        "sequences": entries,
        "command": command,
    }
    if order.file_format == "mp4":
        record["video"] = {"codec": "libx264", "pixel_format": video.PIXEL_FORMAT, **video.OPTIONS}
    files.write_json(order.out / MANIFEST, record)
    return {folder: entry.get("count", 0) for folder, entry in entries.items()}
