"""Running a study: row after row is trained and measured; what is finished already is not done again."""

import os
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from rugged.benchmark import benchmark
from rugged.benchmark.predictions import make_cell
from rugged.core.errors import ConfigError, IncomparableError, Interrupted, ModelError, ResultsError, RuggedError
from rugged.core.files import exclusive, sha256_file
from rugged.core.progress import progress, say
from rugged.core.selection import choose_corruptions
from rugged.core.stopping import stop_on_signal
from rugged.corruptions import choose_textures
from rugged.data import Dataset, write_one_per_image
from rugged.data.packed import require_run_apart
from rugged.engine import Device, as_batch, chunks, infer, make_fabric, measured_on
from rugged.models import load_model, resolve
from rugged.pipelines.study import MEASURED, Row, Study, StudyFolder, state
from rugged.report.curves import draw_curves
from rugged.results import CLEAN, RunFolder, Stamp, load_baseline, read_cell, read_stamp, read_summary, write_cell
from rugged.train import Recipe, load_recipe, train


@dataclass(frozen=True)
class Failure:
    """A row that could not be finished, and why."""

    row: str
    message: str


def run_study(
    study: Study,
    rows: Sequence[Row],
    dataset: Dataset,
    out: Path,
    *,
    device: Device = "auto",
    command: str = "",
) -> list[Failure]:
    """Train and measure rows of a study. One that fails is reported, and the others are gone on with.

    Args:
        study: What the rows are measured on.
        rows: Some of its rows, in its order.
        dataset: The data set; its corrupted copy is made where the study needs one.
        out: The study's folder.
        device: Where to train and measure.
        command: The command line, for the manifests.

    Returns:
        The rows that failed.

    Raises:
        ConfigError: A row's recipe cannot be used, or there are several processes. In this case, and in the three that
            follow, nothing has been done.
        ModelError: A row's architecture does not exist.
        CorruptionError: The rows are measured under frost, and its textures are not where the study has them.
        DataError: The study's folder lies in the data.
        Interrupted: A signal came; run again to go on.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise ConfigError(
            "A study runs in one process, but torchrun started several. Start it plainly; `--only` shares its rows "
            "among machines, and `torchrun -m rugged train` trains a row in several processes."
        )
    require_run_apart(out, dataset)
    recipes = [read_recipe(row) for row in rows]
    if "frost" in choose_corruptions(study.corruptions):
        choose_textures(study.textures)  # Else a wrong folder shows only after the first row's training.
    folder = StudyFolder(out)
    copy = _copy(study, dataset, folder, command)
    work = _Work(study, folder, dataset, copy, device, command)
    failures = []
    for number, (row, recipe) in enumerate(zip(rows, recipes, strict=True), start=1):
        say(f"Row {number} of {len(rows)}: {row.name}")
        try:
            work.do(row, recipe)
        except Interrupted:
            raise
        except Exception as error:  # The rest of a night's work must not die of whatever one row dies of.
            known = isinstance(error, RuggedError)
            failures.append(Failure(row.name, str(error) if known else f"{type(error).__name__}: {error}"))
            say(f"{row.name} failed: {error if known else traceback.format_exc()}")
    return failures


def read_recipe(row: Row) -> Recipe:
    """A row's recipe, its architecture looked up: what cannot be trained is to be known before hours of training.

    Raises:
        ConfigError: There is no such recipe, or an override that it does not take.
        ModelError: There is no such architecture.
    """
    try:
        recipe = load_recipe(row.recipe, row.overrides)
        resolve(recipe.model.architecture)
    except (ConfigError, ModelError) as error:
        raise type(error)(f"Row {row.name} of the study: {error}") from error
    return recipe


def _copy(study: Study, dataset: Dataset, folder: StudyFolder, command: str) -> Dataset | None:
    wanted = study.one_per_image
    if wanted is None:
        return None
    say("Data: a copy with one corruption in each picture")
    return write_one_per_image(
        dataset,
        folder.copy,
        corruptions=wanted.corruptions,
        severities=wanted.severities,
        seed=wanted.seed,
        textures=study.textures,
        command=command,
    )


@dataclass(frozen=True)
class _Work:
    """What every row needs."""

    study: Study
    folder: StudyFolder
    dataset: Dataset
    copy: Dataset | None
    device: Device
    command: str

    def do(self, row: Row, recipe: Recipe) -> None:
        """Train a row and measure it on all that the study asks for."""
        pictures = self.copy if row.data == "one_per_image" and self.copy is not None else self.dataset
        run = train(recipe, pictures, self.folder.run(row).path, device=self.device, command=self.command)
        draw_curves(run)
        benchmark(
            run.path,
            self.dataset,
            corruptions=self.study.corruptions,
            textures=self.study.textures,
            baseline=self._baseline(row),
            device=self.device,
            command=self.command,
        )
        if self.copy is not None:
            measure_once(run, self.copy, self.folder.on_copy(row), device=self.device)

    def _baseline(self, row: Row) -> Path | None:
        """The baseline's run folder; None for itself, and where it is no measure for others: the tables do without."""
        first = self.study.rows[0]
        run = self.folder.run(first)
        if self.study.baseline is None or row == first:
            return None
        if (how := state(self.study, first, self.folder)) not in MEASURED:
            say(f"The study's tables will lack CE and mCE: its baseline {first.name} is {how}.")
            return None
        try:
            load_baseline(run.path, read_summary(run.summary).conditions)
        except IncomparableError as error:  # It makes no errors at all: no reason to measure nothing.
            say(f"{row.name} gets no mCE: {error}")
            return None
        return run.path


def measure_once(run: RunFolder, dataset: Dataset, folder: Path, *, device: Device = "auto") -> None:
    """Save a model's predictions for validation pictures as they are, in fp32, unless they are saved already.

    Args:
        run: Holds the finished model.
        dataset: With the model's classes; its validation split is read.
        folder: Receives one cell, ``clean-0.parquet``: no corruption is added to what the pictures carry.
        device: Where.

    Raises:
        ModelError: There is no finished model.
        RunError: The run folder is in use.
        Interrupted: A signal came; nothing was kept.
    """
    fabric, split = make_fabric(device, "fp32", tuned=False), dataset.val
    with exclusive(run.lock, f"measure {run.path}"):
        model, spec = load_model(run.model)
        provenance = {
            "model_sha256": sha256_file(run.model),
            "dataset": dataset.name,
            "content_hash": dataset.content_hash,
            "split": split.name,
            **measured_on(fabric),
        }
        if _is_saved(folder, provenance, split.ids):
            return
        fabric.setup_module(model.eval())
        started, logits = time.monotonic(), []
        with stop_on_signal() as stop, progress(f"Predicting {dataset.name}", len(split)) as bar:
            for chunk in chunks(len(split)):
                if stop.signal_number is not None:
                    break  # The block's end says so.
                logits.append(infer(fabric, model, spec, as_batch(split.images[chunk], fabric.device)))
                bar.advance(len(logits[-1]))
        stamp = Stamp(provenance, round(time.monotonic() - started, 2))
        write_cell(folder, make_cell(CLEAN, 0, split.ids, split.labels, torch.cat(logits)), stamp)


def _is_saved(folder: Path, provenance: Mapping[str, Any], ids: Sequence[str]) -> bool:
    """Whether there are whole predictions for these pictures that were made this way."""
    stamp = read_stamp(folder, CLEAN, 0)
    if stamp is None or stamp.provenance != provenance:
        return False
    try:
        return read_cell(folder, CLEAN, 0).ids == ids
    except ResultsError:
        return False
