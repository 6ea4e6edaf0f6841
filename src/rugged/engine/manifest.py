"""``manifest.json``: how a training came about, through all the sessions it took."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from rugged.core.configuration import from_plain, to_plain
from rugged.core.errors import ConfigError, RunError
from rugged.core.files import read_json, write_json


@dataclass(frozen=True)
class TrainedOn:
    """The data set.

    Attributes:
        name: As people call it.
        content_hash: Over pixels, labels and ids.
        notes: What was done to it on the way in.
    """

    name: str
    content_hash: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Origin:
    """The weights that a training began from, where these were not drawn at random.

    Attributes:
        weights: Name of the file, or whose published weights they are.
        sha256: Of the file; None for published ones.
        mean: Of each channel, which they expect subtracted from the pictures.
        std: Of each channel, which they expect the pictures divided by.
        training_operations: Their ledger.
    """

    weights: str
    sha256: str | None
    mean: tuple[float, ...]
    std: tuple[float, ...]
    training_operations: tuple[str, ...]


@dataclass(frozen=True)
class Session:
    """What one process gave to a run, from its first step to the next session's.

    Attributes:
        command: The command line.
        first_step: Steps of the run that were done before it.
        versions: Of Python and the packages that decide a result.
        hardware: With the threads and the precision.
    """

    command: str
    first_step: int
    versions: dict[str, str]
    hardware: dict[str, Any]


@dataclass(frozen=True)
class Manifest:
    """A run's provenance; the figures below ``sessions`` are there once it is finished.

    Attributes:
        status: Whether the model is there.
        architecture: ``source/name``.
        dataset: What it learns from.
        origin: What it began from; None for weights drawn at random.
        companions: SHA-256 of the files of other networks that take part, by the recipe's key that names them.
        sessions: In their order. One that made no step is not among them.
        seconds: Time within steps and on the development split, in all sessions; neither start-up nor the writing of
            checkpoints, nor steps that a kill undid.
        parameters: Of the model, in all.
        sha256: Of the model file.
        epoch: That the model comes from, counted from 1.
        final: Loss and top-1 by split: on the training pictures in the last epoch, on the development split of the
            model as it was saved.
    """

    status: Literal["training", "finished"]
    architecture: str
    dataset: TrainedOn
    origin: Origin | None = None
    companions: dict[str, str] = field(default_factory=dict)
    sessions: tuple[Session, ...] = ()
    seconds: float | None = None
    parameters: int | None = None
    sha256: str | None = None
    epoch: int | None = None
    final: dict[str, dict[str, float]] | None = None


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Write a manifest atomically."""
    write_json(path, to_plain(manifest))


def read_manifest(path: Path) -> Manifest:
    """Read a manifest.

    Raises:
        RuggedError: Missing, or not JSON.
        RunError: JSON that is no manifest of a training.
    """
    try:
        return from_plain(Manifest, read_json(path), source=str(path))
    except ConfigError as error:
        raise RunError(
            f"{path} is not a manifest as this version of rugged writes it: it was edited, damaged or written by "
            "another version. Choose another folder with --out."
        ) from error
