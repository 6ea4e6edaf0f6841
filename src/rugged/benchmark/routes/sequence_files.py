"""The route of files: perturbation sequences in official MP4s, or in what ``rugged perturb`` has written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from rugged.benchmark.routes.route import Images
from rugged.benchmark.routes.sequence_route import extent_of, notes_of
from rugged.core.errors import DataError
from rugged.core.files import read_json
from rugged.core.selection import check_limit
from rugged.data import Dataset
from rugged.data.splits import evenly
from rugged.perturbations import frames_of
from rugged.perturbations.request import choose_preset
from rugged.perturbations.storage import FileFormat, folder_name, place
from rugged.perturbations.video import read_video
from rugged.perturbations.writing import MANIFEST
from rugged.results import SequenceConditions

_ROUTES: dict[FileFormat, str] = {"mp4": "MP4 files", "frames": "PNG files"}


@dataclass
class SequenceFiles:
    """Reads. See ``rugged.benchmark.sequence_route.SequenceRoute`` for the methods.

    Attributes:
        conditions: As the files and the data set have them.
        images: Those that are measured; ids are ``<class id>/<stem>``.
        folder: Of all sequences: ``<sequence>/<class id>/<stem>.mp4``, or folders ``<stem>`` of PNG frames.
        file_format: Which of the two.
        passed_over: How many sequences of a kind are of no class of the data set.
        names_alone: Nothing is known of the pictures but their names.
    """

    conditions: SequenceConditions
    images: Images
    folder: Path
    file_format: FileFormat
    passed_over: int
    names_alone: bool

    def frames(self, name: str, piece: slice) -> Tensor:
        """Read frames.

        Raises:
            DataError: One cannot be read, or has another number of frames than a sequence of its kind has, or frames of
                another size than its neighbours.
        """
        paths = [self._path(name, each) for each in self.images.ids[piece]]
        loaded, preset = [_read(path, self.file_format) for path in paths], self.conditions.preset
        for path, one in zip(paths, loaded, strict=True):
            if len(one) != (expected := frames_of(name, preset)):
                raise DataError(
                    f"{path} has {len(one)} frames; expected the {expected} of {name} at preset {preset}. Write or "
                    "download it again."
                )
            if one.shape != loaded[0].shape:
                raise DataError(f"The frames of {path} are of another size than those of {paths[0]}. Write them again.")
        return torch.from_numpy(np.stack(loaded)).permute(0, 1, 4, 2, 3)

    def provenance(self, name: str) -> dict[str, Any]:
        """A hash over names and sizes of the files of one kind of sequence."""
        digest = sha256()
        for each in self.images.ids:
            path = self._path(name, each)
            files = [path] if self.file_format == "mp4" else sorted(path.glob("*.png"))
            digest.update(f"{each} {[file.stat().st_size for file in files]}\n".encode())
        return {"files": digest.hexdigest()}

    def joined_with(self, saved: SequenceConditions) -> SequenceConditions:  # noqa: ARG002 (files of others may be gone)
        """These alone."""
        return self.conditions

    def notes(self) -> list[str]:
        """Also how many were passed over, and whether other pictures of the same names would be told apart."""
        video = "Frames from MP4 files, whose compression removes much of a noise."
        found = notes_of(self.conditions, video if self.file_format == "mp4" else "")
        if self.passed_over:
            of = f"sequences of classes that {self.conditions.dataset} lacks"
            found.append(f"{self.passed_over:,} {of} were passed over.")
        if self.names_alone:
            found.append(
                "The files do not say which pictures they are of: they are known by their names alone, and others of "
                "the same names would not be told apart."
            )
        return found

    def _path(self, name: str, identifier: str) -> Path:
        return _place(self.folder, name, self.conditions.difficulty, identifier, self.file_format)


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
        ConfigError: The limit is below 1.
        DataError: A sequence is missing or cannot be read, or they are not of the same pictures, or of no class of the
            data set.
    """
    check_limit(limit)
    file_format, every = _list_all(folder, names, difficulty)
    index = {info.id: label for label, info in enumerate(dataset.classes)}
    known = [each for each in every if each.partition("/")[0] in index]
    if not known:
        raise DataError(
            f"The sequences in {folder} are of no class of {dataset.name} ({every[0]} …; expected folders named like "
            f"{dataset.classes[0].id})."
        )
    labels = np.array([index[each.partition("/")[0]] for each in known], dtype=np.int64)
    chosen = np.arange(len(known)) if limit is None else evenly(labels, limit)
    images, made = Images(tuple(known[place] for place in chosen), labels[chosen]), _made(folder)
    source = _source(made)
    height, width = _read(_place(folder, names[0], difficulty, images.ids[0], file_format), file_format).shape[1:3]
    conditions = SequenceConditions(
        dataset=dataset.name,
        content_hash=sha256(repr(([info.id for info in dataset.classes], images.ids, *source)).encode()).hexdigest(),
        split="files",
        images=len(images.ids),
        classes=len(dataset.classes),
        size=(height, width),
        route=_ROUTES[file_format],
        preset=choose_preset(made.get("preset"), (height, width)),
        difficulty=difficulty,
        seed=made.get("seed", 0),
        stream_version=made.get("stream_version", 0),
        limit=len(chosen) if len(chosen) < len(known) else None,
        **extent_of(names),
    )
    return SequenceFiles(conditions, images, folder, file_format, len(every) - len(known), names_alone=not source)


def _place(folder: Path, name: str, difficulty: int, identifier: str, file_format: FileFormat) -> Path:
    return place(folder / folder_name(name, difficulty), identifier, file_format)


def _list_all(folder: Path, names: Sequence[str], difficulty: int) -> tuple[FileFormat, list[str]]:
    """The format and the ids of all kinds of sequences, which must be the same."""
    found = {name: _list(folder / folder_name(name, difficulty)) for name in names}
    file_format, every = found[names[0]]
    for name, (other_format, ids) in found.items():
        if (other_format, ids) != (file_format, every):
            raise DataError(
                f"{folder} holds {len(every):,} sequences of {names[0]} and {len(ids):,} of {name}, not of the same "
                "pictures or not in the same format. Write or download what is missing."
            )
    return file_format, every


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
    return {name: conditions[name] for name in ("preset", "seed", "stream_version", "source") if name in conditions}


def _source(made: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """What tells the pictures from others, whatever their data set is called; nothing where nobody has said it."""
    source = made.get("source")
    return sorted((key, value) for key, value in source.items() if key != "name") if isinstance(source, dict) else []


def _read(path: Path, file_format: FileFormat) -> npt.NDArray[np.uint8]:
    """All frames of a video, or of a folder: ``(F, H, W, 3)``."""
    if file_format == "mp4":
        return read_video(path)
    try:
        return np.stack([np.asarray(Image.open(frame).convert("RGB")) for frame in sorted(path.glob("*.png"))])
    except (OSError, ValueError) as error:
        raise DataError(f"The frames in {path} cannot be read ({error}). Write them again.") from error
