"""The route of files: perturbation sequences in official MP4s, or in what ``rugged perturb`` has written."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from rugged.benchmark.route import Images
from rugged.benchmark.sequence_route import notes_of, with_sequences
from rugged.core.errors import DataError
from rugged.core.files import read_json
from rugged.data import Dataset
from rugged.data.splits import evenly
from rugged.perturbations import frames_of
from rugged.perturbations.request import choose_preset
from rugged.perturbations.storage import FileFormat, folder_name, place
from rugged.perturbations.video import read_video
from rugged.perturbations.writing import MANIFEST
from rugged.results import SequenceConditions

_ROUTES: dict[FileFormat, str] = {"mp4": "MP4 files", "frames": "PNG files"}


@dataclass(frozen=True)
class SequenceFiles:
    """Sequences in a folder: ``<sequence>/<class id>/<stem>.mp4``, or folders ``<stem>`` of PNG frames.

    Attributes:
        folder: Of all sequences.
        difficulty: 1 to 3; noise has a folder for each.
        file_format: Which of the two.
        images: Those that are measured; ids are ``<class id>/<stem>``.
        limited: Whether these are fewer than there are.
        made: Preset and seed, where ``rugged perturb`` wrote them down.
        passed_over: How many are of no class of the data set.
    """

    folder: Path
    difficulty: int
    file_format: FileFormat
    images: Images
    limited: bool
    made: dict[str, Any]
    passed_over: int

    def frames(self, name: str, piece: slice) -> Tensor:
        """The frames of some pictures: ``(n, F, 3, H, W)`` uint8 on the CPU.

        Raises:
            DataError: One cannot be read, or has another number of frames than a sequence of its kind has, or frames of
                another size than its neighbours.
        """
        paths = [self._path(name, each) for each in self.images.ids[piece]]
        loaded = [read_video(path) if self.file_format == "mp4" else _read_frames(path) for path in paths]
        preset = choose_preset(self.made.get("preset"), loaded[0].shape[1:3])
        for path, one in zip(paths, loaded, strict=True):
            if len(one) != (expected := frames_of(name, preset)):
                raise DataError(
                    f"{path} has {len(one)} frames; expected the {expected} of {name} at preset {preset}. Write or "
                    "download it again."
                )
            if one.shape != loaded[0].shape:
                raise DataError(f"The frames of {path} are of another size than those of {paths[0]}. Write them again.")
        return torch.from_numpy(np.stack(loaded)).permute(0, 1, 4, 2, 3)

    def fingerprint(self, name: str) -> str:
        """A hash over names and sizes of the files of one kind of sequence."""
        digest = sha256()
        for each in self.images.ids:
            path = self._path(name, each)
            files = [path] if self.file_format == "mp4" else sorted(path.glob("*.png"))
            digest.update(f"{each} {[file.stat().st_size for file in files]}\n".encode())
        return digest.hexdigest()

    def _path(self, name: str, identifier: str) -> Path:
        return place(self.folder / folder_name(name, self.difficulty), identifier, self.file_format)


@dataclass
class SequencesFromFiles:
    """Reads. See ``rugged.benchmark.sequence_route.SequenceRoute`` for the methods.

    Attributes:
        conditions: As the files and the data set have them.
        files: The frames.
    """

    conditions: SequenceConditions
    files: SequenceFiles

    @property
    def images(self) -> Images:
        """Those of the files."""
        return self.files.images

    def frames(self, name: str, piece: slice) -> Tensor:
        """Read frames."""
        return self.files.frames(name, piece)

    def provenance(self, name: str) -> dict[str, Any]:
        """A fingerprint of the files of one kind of sequence."""
        return {"files": self.files.fingerprint(name)}

    def joined_with(self, saved: SequenceConditions) -> SequenceConditions:  # noqa: ARG002
        """These alone: files of others may not be here."""
        return self.conditions

    def notes(self) -> list[str]:
        """What a reader must know."""
        video = "Frames from MP4 files, whose compression removes much of a noise."
        found = notes_of(self.conditions, video if self.files.file_format == "mp4" else "")
        if self.files.passed_over:
            lacking = f"{self.files.passed_over:,} sequences of classes that {self.conditions.dataset} lacks"
            found.append(f"{lacking} were passed over.")
        return found


def sequences_from_files(
    folder: Path, dataset: Dataset, chosen: tuple[str, ...], difficulty: int, limit: int | None
) -> SequencesFromFiles:
    """Open sequences that lie in files.

    Args:
        folder: Of all sequences.
        dataset: Its classes count.
        chosen: Which sequences.
        difficulty: 1 to 3.
        limit: Take only so many pictures, evenly over the classes.

    Raises:
        DataError: The files are not all there, or cannot be read.
    """
    found = find_sequences(folder, chosen, difficulty, dataset, limit)
    ids, made = found.images.ids, found.made
    height, width = found.frames(chosen[0], slice(0, 1)).shape[-2:]
    conditions = SequenceConditions(
        dataset=dataset.name,
        content_hash=sha256(repr(([info.id for info in dataset.classes], ids)).encode()).hexdigest(),
        split="files",
        images=len(ids),
        classes=len(dataset.classes),
        size=(height, width),
        route=_ROUTES[found.file_format],
        preset=choose_preset(made.get("preset"), (height, width)),
        difficulty=difficulty,
        seed=made.get("seed", 0),
        stream_version=made.get("stream_version", 0),
        sequences=(),
        averaged=(),
        complete=False,
        limit=len(ids) if found.limited else None,
    )
    return SequencesFromFiles(with_sequences(conditions, chosen), found)


def find_sequences(
    folder: Path, names: Sequence[str], difficulty: int, dataset: Dataset, limit: int | None
) -> SequenceFiles:
    """Look at what a folder holds.

    Args:
        folder: Of all sequences.
        names: Of those that are to be measured. All must hold the same pictures.
        difficulty: 1 to 3.
        dataset: Its classes count; sequences of other classes are passed over.
        limit: Take only so many pictures, evenly over the classes.

    Raises:
        DataError: A sequence is missing, or they are not of the same pictures, or of no class of the data set.
    """
    found = {name: _list(folder / folder_name(name, difficulty)) for name in names}
    file_format, every = found[names[0]]
    for name, (other_format, ids) in found.items():
        if (other_format, ids) != (file_format, every):
            raise DataError(
                f"{folder} holds {len(every):,} sequences of {names[0]} and {len(ids):,} of {name}, not of the same "
                "pictures or not in the same format. Write or download what is missing."
            )
    index = {info.id: label for label, info in enumerate(dataset.classes)}
    known = [each for each in every if each.partition("/")[0] in index]
    if not known:
        raise DataError(
            f"The sequences in {folder} are of no class of {dataset.name} ({every[0]} …; expected folders named like "
            f"{dataset.classes[0].id})."
        )
    labels = np.array([index[each.partition("/")[0]] for each in known], dtype=np.int64)
    chosen = np.arange(len(known)) if limit is None else evenly(labels, limit)
    return SequenceFiles(
        folder,
        difficulty,
        file_format,
        Images(tuple(known[place] for place in chosen), labels[chosen]),
        len(chosen) < len(known),
        _made(folder),
        len(every) - len(known),
    )


def _list(folder: Path) -> tuple[FileFormat, list[str]]:
    """The format of a folder's sequences, and their ids in order."""
    videos = [path.relative_to(folder).with_suffix("") for path in folder.rglob("*.mp4")]
    pictures = [path.parent.relative_to(folder) for path in folder.rglob("00.png")]
    whole = sorted(
        each.as_posix() for each in videos or pictures if not any(part.startswith(".") for part in each.parts)
    )
    if not whole:
        raise DataError(
            f"{folder} holds no sequences; expected <class id>/<stem>.mp4, or folders <class id>/<stem> of PNG frames "
            "as `rugged perturb` writes them."
        )
    return ("mp4" if videos else "frames"), whole


def _made(folder: Path) -> dict[str, Any]:
    """What ``rugged perturb`` wrote down; nothing for others' files."""
    if not (folder / MANIFEST).exists():
        return {}
    manifest = read_json(folder / MANIFEST)
    conditions = manifest.get("conditions", {}) if isinstance(manifest, dict) else {}
    return {name: conditions[name] for name in ("preset", "seed", "stream_version") if name in conditions}


def _read_frames(folder: Path) -> npt.NDArray[np.uint8]:
    """All frames of a folder: ``(F, H, W, 3)``."""
    try:
        return np.stack([np.asarray(Image.open(path).convert("RGB")) for path in sorted(folder.glob("*.png"))])
    except (OSError, ValueError) as error:
        raise DataError(f"The frames in {folder} cannot be read ({error}). Write them again.") from error
