"""The benchmark: every cell of corruption × severity into a file of predictions, then a summary of the files."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rugged.benchmark.choice import choose_images
from rugged.benchmark.predictions import make_cell
from rugged.benchmark.samples import SampleStrips
from rugged.core.catalogue import BENCHMARK, SEVERITIES, display_name
from rugged.core.environment import versions
from rugged.core.errors import ConfigError, Interrupted, ModelError, ResultsError, RunError
from rugged.core.files import exclusive, read_json, sha256_file, write_json
from rugged.core.progress import Bar, progress, say
from rugged.core.selection import choose_corruptions, choose_preset, choose_severities
from rugged.core.stopping import StopRequest, stop_on_signal
from rugged.corruptions import STREAM_VERSION, Textures, choose_textures, corrupt
from rugged.data import Dataset, Split, content_hash
from rugged.engine import (
    Device,
    Fabric,
    Precision,
    as_batch,
    chunks,
    describe,
    infer,
    make_fabric,
)
from rugged.models import ModelSpec, load_model
from rugged.results import (
    CLEAN,
    Cell,
    Conditions,
    Made,
    ModelFacts,
    RunFolder,
    Stamp,
    Summary,
    load_baseline,
    read_cell,
    read_stamp,
    read_summary,
    summarise,
    write_cell,
    write_summary,
)


def benchmark(
    folder: Path,
    dataset: Dataset,
    *,
    corruptions: Sequence[str] = BENCHMARK,
    severities: Sequence[int] = SEVERITIES,
    limit: int | None = None,
    seed: int = 0,
    preset: str | None = None,
    textures: str | None = None,
    baseline: str | Path | None = None,
    replace_results: bool = False,
    device: Device = "auto",
    precision: Precision = "fp32",
    command: str = "",
) -> Summary:
    """Measure a run's model on clean and corrupted validation images.

    Each cell is saved as it is done, so an interrupted benchmark goes on where it stopped, and none is measured twice.

    Args:
        folder: The run folder; its ``benchmark`` folder receives the results.
        dataset: The data set whose validation split is read.
        corruptions: Which, by name or by the name of a set (``"benchmark"``, ``"extra"``, ``"all"``).
        severities: Which of 1 to 5.
        limit: Take only so many images, evenly over the classes.
        seed: Of the keyed random streams.
        preset: Severity table; chosen by the images' size unless named.
        textures: For frost: a folder of the published photographs, or ``"procedural"``; None looks for the photographs
            and fetches them on first use.
        baseline: A benchmarked run folder, or the name of a shipped baseline, to normalise by, for CE and mCE.
        replace_results: Replace a full benchmark of this model that was measured under other conditions.
        device: Where.
        precision: Of convolutions and matrix products.
        command: The command line, for the summary.

    Returns:
        The summary, as written to ``benchmark/summary.json``.

    Raises:
        ConfigError: A corruption, severity, limit or preset that cannot be measured.
        ModelError: There is no finished model, it was trained for other classes, or it answers with no numbers.
        IncomparableError: The baseline was measured under other conditions.
        RunError: The folder is in use, or holds a full benchmark under other conditions.
        Interrupted: A signal came; the cells measured so far are saved.
    """
    run = RunFolder(folder)
    split = choose_images(dataset.val, limit)
    chosen = choose_corruptions(corruptions)
    ice = choose_textures(textures) if "frost" in chosen else None
    conditions = _conditions(dataset, split, chosen, severities, preset, seed, ice)
    with exclusive(run.lock, f"benchmark {folder}"):
        model, spec = load_model(run.model)
        _require_same_classes(spec, dataset)
        bench = _Bench(
            make_fabric(device, precision), run, model, spec, split, conditions, _facts(run, model, spec), ice
        )
        reference = bench.make_room(baseline, replace_results)
        write_json(run.classes, [asdict(info) for info in dataset.classes])
        cells = bench.measure_missing()
        summary = bench.summarise(cells, command, (*dataset.notes, *_cautions(run, dataset)), reference)
        if reference is None and run.summary.exists() and read_summary(run.summary).mce is not None:
            say("The mCE of the last time is gone from the summary: add --baseline again to have it.")
        write_summary(run.summary, summary)
    return summary


def _conditions(
    dataset: Dataset,
    split: Split,
    corruptions: tuple[str, ...],
    severities: Sequence[int],
    preset: str | None,
    seed: int,
    textures: Textures | None,
) -> Conditions:
    return Conditions(
        dataset=dataset.name,
        content_hash=content_hash(dataset.classes, split),
        split=split.name,
        images=len(split),
        classes=len(dataset.classes),
        size=dataset.size,
        route="in memory",
        stored="no",
        preset=choose_preset(preset, *dataset.size),
        textures="none" if textures is None else textures.label,
        seed=seed,
        stream_version=STREAM_VERSION,
        corruptions=corruptions,
        severities=choose_severities(severities),
        limit=len(split) if len(split) < len(dataset.val) else None,
    )


def _require_same_classes(spec: ModelSpec, dataset: Dataset) -> None:
    classes = tuple(info.id for info in dataset.classes)
    if classes != spec.classes:
        raise ModelError(
            f"The model knows {len(spec.classes)} classes ({spec.classes[0]} …), the data set {dataset.name} has "
            f"{len(classes)} ({classes[0]} …). Benchmark it on data with the classes it was trained for."
        )


def _facts(run: RunFolder, model: nn.Module, spec: ModelSpec) -> ModelFacts:
    return ModelFacts(
        name=run.name,
        architecture=spec.architecture,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        sha256=sha256_file(run.model),
        input_size=spec.input_size,
        training_operations=spec.training_operations,
    )


def _cautions(run: RunFolder, dataset: Dataset) -> list[str]:
    """Warnings about the data: pictures that are corrupted already, or that the model may have been trained on."""
    cautions = []
    if dataset.corruptions:
        cautions.append(
            "The pictures of this data set carry a corruption each already: the figures called clean are of them as "
            "they are, all others are of pictures corrupted twice. Neither is comparable with published numbers."
        )
    manifest = read_json(run.manifest) if run.manifest.exists() else None
    trained_on = manifest.get("dataset", {}).get("content_hash") if isinstance(manifest, dict) else None
    if trained_on not in (None, dataset.content_hash):
        cautions.append(
            f"The model was trained on other data (content {trained_on[:12]}…, here {dataset.content_hash[:12]}…). If "
            "these validation pictures were among its training pictures, the figures are better than they should be."
        )
    return cautions


@dataclass
class _Bench:
    """A model and the images it is measured on."""

    fabric: Fabric
    run: RunFolder
    model: nn.Module
    spec: ModelSpec
    split: Split
    conditions: Conditions
    facts: ModelFacts
    textures: Textures | None

    def __post_init__(self) -> None:
        hardware = describe(self.fabric)
        self.provenance: dict[str, Any] = {
            "model_sha256": self.facts.sha256,
            "versions": versions(),
            "hardware": {key: hardware[key] for key in ("cpu", "accelerator", "precision")},
        }

    def provenance_of(self, corruption: str) -> dict[str, Any]:
        """What the cells of one corruption are stamped with."""
        return {**self.provenance, **self.conditions.of_cell(corruption)}

    def make_room(self, baseline: str | Path | None, replace_results: bool) -> Summary | None:
        """See, before hours of measuring, that results and baseline go with what is there; give the baseline."""
        outdated = self._join_saved(replace_results)
        reference = None if baseline is None else load_baseline(baseline, self.conditions)
        if outdated:
            # The old figures must not stand beside the new cells, not even if this measurement is interrupted.
            self.run.summary.unlink()
        return reference

    def _join_saved(self, replace_results: bool) -> bool:
        """Go with the results that are there: add to them, or replace them where that is meant.

        Returns:
            Whether the saved summary is of another model or of other conditions and must go.

        Raises:
            RunError: It is of this model, on all images, and nobody said that it may be replaced.
        """
        try:
            saved = read_summary(self.run.summary)
        except ResultsError:
            return self.run.summary.exists()
        same_model = saved.model.sha256 == self.facts.sha256
        precision = self.provenance["hardware"]["precision"]
        if (
            same_model
            and saved.conditions.goes_with(self.conditions)
            and saved.made.hardware.get("precision") == precision
        ):
            if set(self.conditions.cells) <= set(saved.conditions.cells):
                # A look at fewer cells takes nothing away.
                kept = saved.conditions
                self.conditions = replace(
                    self.conditions, corruptions=kept.corruptions, severities=kept.severities, textures=kept.textures
                )
            return False
        if same_model and saved.conditions.limit is None and not replace_results:
            raise RunError(
                f"{self.run.benchmark} holds a benchmark of this model on all images under other conditions (seed "
                f"{saved.conditions.seed}, preset {saved.conditions.preset}, frost textures "
                f"{saved.conditions.textures}, {saved.made.hardware.get('precision')}). "
                "Add --replace to measure it anew under these, or work on a copy of the run folder."
            )
        return True

    def measure_missing(self) -> dict[tuple[str, int], Cell]:
        """Measure every cell that is not saved yet, and give them all."""
        samples = SampleStrips(self.run.samples, self.split, self.fabric.device)
        samples.write_index()
        cells = {cell: saved for cell in self.conditions.cells if (saved := self._saved(*cell)) is not None}
        todo = [cell for cell in self.conditions.cells if cell not in cells]
        if cells:
            say(f"{len(cells)} of {len(self.conditions.cells)} cells are already measured.")
        for corruption, severity in self.conditions.cells:
            if (corruption, severity) in todo or not samples.exists(corruption, severity):
                samples.write(corruption, severity, self._corrupt(samples.images, samples.ids, corruption, severity))
        if todo:
            cells |= self._measure(todo)
        return cells

    def _saved(self, corruption: str, severity: int) -> Cell | None:
        """The saved cell, if it is whole and was measured under these very conditions on these very images."""
        stamp = read_stamp(self.run.predictions, corruption, severity)
        if stamp is None or stamp.provenance != self.provenance_of(corruption):
            return None
        try:
            cell = read_cell(self.run.predictions, corruption, severity)
        except ResultsError:
            return None
        return cell if cell.ids == self.split.ids and np.array_equal(cell.labels, self.split.labels) else None

    def _measure(self, todo: Sequence[tuple[str, int]]) -> dict[tuple[str, int], Cell]:
        self.fabric.setup_module(self.model.eval())
        cells: dict[tuple[str, int], Cell] = {}
        with stop_on_signal() as stop, progress("Benchmark", len(todo) * len(self.split)) as bar:
            for corruption, severity in todo:
                started = time.monotonic()
                cell = self._measure_cell(corruption, severity, stop, bar)
                if cell is not None:
                    seconds = round(time.monotonic() - started, 2)
                    write_cell(self.run.predictions, cell, Stamp(self.provenance_of(corruption), seconds))
                    cells[corruption, severity] = cell
                if stop.signal_number is not None:
                    raise Interrupted(
                        f"Stopped; {len(cells)} cells of {len(todo)} were measured and saved. "
                        "Run the same command again to go on.",
                        stop.signal_number,
                    )
        return cells

    def _measure_cell(self, corruption: str, severity: int, stop: StopRequest, bar: Bar) -> Cell | None:
        """One cell, or None when a stop was requested before its end."""
        logits = []
        for chunk in chunks(len(self.split)):
            if stop.signal_number is not None:
                return None
            images = as_batch(self.split.images[chunk], self.fabric.device)
            corrupted = self._corrupt(images, self.split.ids[chunk], corruption, severity)
            logits.append(infer(self.fabric, self.model, self.spec, corrupted))
            if not logits[-1].isfinite().all():
                raise ModelError(
                    f"The model answers with values that are not numbers (on {corruption} {severity or ''}). "
                    "Its weights are damaged or its training diverged; try --precision fp32, or train it again."
                )
            name = display_name(corruption)
            bar.advance(len(images), f"{name} {severity}" if severity else name)
        return make_cell(corruption, severity, self.split.ids, self.split.labels, torch.cat(logits))

    def _corrupt(self, images: Tensor, ids: Sequence[str], corruption: str, severity: int) -> Tensor:
        if corruption == CLEAN:
            return images
        if corruption == "frost":
            self._require_textures()
        preset, seed = self.conditions.preset, self.conditions.seed
        return corrupt(images, corruption, severity, preset=preset, seed=seed, ids=ids, textures=self.textures)

    def _require_textures(self) -> None:
        """Find the textures of a frost that nobody asked for now, but whose saved cells are damaged or gone."""
        if self.textures is None:
            self.textures = choose_textures("procedural" if self.conditions.textures == "procedural" else None)
        if self.textures.label != self.conditions.textures:
            raise ConfigError(
                f"Cells of frost measured with {self.conditions.textures} are damaged, and there are only "
                f"{self.textures.label} textures now. Name the folder of photographs with --textures."
            )

    def summarise(
        self, cells: dict[tuple[str, int], Cell], command: str, notes: Sequence[str], reference: Summary | None
    ) -> Summary:
        """The summary of all cells, whoever measured them when."""
        stamps = [read_stamp(self.run.predictions, *cell) for cell in cells]
        seconds = sum(stamp.seconds for stamp in stamps if stamp is not None)
        made = Made(command, round(seconds, 1), versions(), describe(self.fabric))
        return summarise(cells, self.facts, self.conditions, made, notes, reference)
