"""The run folder: where everything about one model lies."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rugged.core.errors import ModelError
from rugged.core.files import expanded


@dataclass(frozen=True, init=False)
class RunFolder:
    """Names the files of a run folder. Making one touches nothing on disk."""

    path: Path

    def __init__(self, path: str | Path) -> None:
        object.__setattr__(self, "path", expanded(path))

    @property
    def name(self) -> str:
        """The folder's own name, which tables and charts show."""
        return self.path.resolve().name

    @property
    def recipe(self) -> Path:
        """The resolved recipe, overrides included."""
        return self.path / "recipe.toml"

    @property
    def manifest(self) -> Path:
        """How the training came about: data, command, versions, hardware, duration."""
        return self.path / "manifest.json"

    @property
    def metrics(self) -> Path:
        """One row an epoch and split."""
        return self.path / "metrics.csv"

    @property
    def checkpoints(self) -> Path:
        """What training resumes from."""
        return self.path / "checkpoints"

    @property
    def checkpoint(self) -> Path:
        """The newest one."""
        return self.checkpoints / "latest.safetensors"

    def best(self, epoch: int | str) -> Path:
        """The model that did best on the development split so far, by the epoch it comes from."""
        return self.checkpoints / f"best-{epoch}.safetensors"

    @property
    def curves(self) -> Path:
        """Loss and accuracy over the epochs, drawn."""
        return self.path / "curves.html"

    @property
    def events(self) -> Path:
        """The same for TensorBoard, where that was asked for."""
        return self.path / "tensorboard"

    @property
    def diverged(self) -> Path:
        """Ids of the batch whose loss was not finite, one a line, where a training ended so."""
        return self.path / "diverged.txt"

    @property
    def model(self) -> Path:
        """The finished model with its specification."""
        return self.path / "model.safetensors"

    @property
    def restorer(self) -> Path:
        """The finished restorer with its specification, where the run trained one instead."""
        return self.path / "restorer.safetensors"

    @property
    def sheets(self) -> Path:
        """Of a restorer: pages of clean, corrupted and restored pictures, one an epoch."""
        return self.path / "samples"

    @property
    def lock(self) -> Path:
        """Held by the one process that writes here."""
        return self.path / ".lock"

    @property
    def benchmark(self) -> Path:
        """All that the benchmark measured."""
        return self.path / "benchmark"

    @property
    def predictions(self) -> Path:
        """One Parquet file a cell."""
        return self.benchmark / "predictions"

    def variant(self, name: str) -> Path:
        """The same of a test-time variant."""
        return self.benchmark / "variants" / name

    @property
    def nearness(self) -> Path:
        """Of a restorer: how near each picture came to the clean one, one Parquet file a cell."""
        return self.benchmark / "nearness"

    @property
    def restoration(self) -> Path:
        """Every figure of these."""
        return self.benchmark / "restoration.json"

    @property
    def restoration_table(self) -> Path:
        """The same as a table."""
        return self.benchmark / "restoration.csv"

    @property
    def restoration_sheet(self) -> Path:
        """A page of pictures: clean, corrupted, restored, and restored by the classical method."""
        return self.benchmark / "restoration.png"

    @property
    def sequences(self) -> Path:
        """Predictions on perturbation sequences, one Parquet file a sequence and difficulty."""
        return self.benchmark / "sequences"

    def stability(self, difficulty: int) -> Path:
        """Every figure of the sequences of one difficulty, computed from the predictions."""
        return self.benchmark / f"sequences-{difficulty}.json"

    @property
    def samples(self) -> Path:
        """A few pictures as the model saw them, one strip a cell."""
        return self.benchmark / "samples"

    @property
    def pictures(self) -> Path:
        """A small picture of each class under each corruption, and the gallery's pictures."""
        return self.benchmark / "pictures"

    @property
    def classes(self) -> Path:
        """Class ids and names in label order, so that results are read without the data set."""
        return self.benchmark / "classes.json"

    @property
    def summary(self) -> Path:
        """Every figure of the benchmark, computed from the predictions."""
        return self.benchmark / "summary.json"

    @property
    def explanations(self) -> Path:
        """Maps of attention, filters and activations: an index and the pictures that it names."""
        return self.path / "explanations"

    @property
    def card(self) -> Path:
        """The model card."""
        return self.path / "card.md"

    @property
    def report(self) -> Path:
        """The page."""
        return self.path / "report" / "index.html"


def place_of(model: str | Path | Callable[..., Any], out: str | Path | None) -> RunFolder:
    """Where the results of a model go: into its run folder; for one without, into a folder of its name in ``runs``.

    Raises:
        ModelError: It is an object, which has no name, and there is no ``out``.
    """
    if not isinstance(model, (str, os.PathLike)):
        if out is not None:
            return RunFolder(out)
        raise ModelError(
            f"Found a {type(model).__name__}; expected a model's name: a run folder, a file or an architecture. A "
            "network or function in Python has none: where `out` can be given, that names it; elsewhere write it into "
            "a module, and name it module:function."
        )
    path = expanded(model)
    if out is not None:
        return RunFolder(out)
    if path.is_dir():
        return RunFolder(path)
    if path in (RunFolder(path.parent).model, RunFolder(path.parent).restorer):
        return RunFolder(path.parent)
    name = path.stem if path.suffix in (".safetensors", ".onnx") else str(model).rpartition("/")[2].replace(":", "-")
    return RunFolder(Path("runs") / name)
