"""The benchmark: every cell of corruption × severity into a file of predictions, then a summary of the files."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from rugged.benchmark.choice import evenly
from rugged.benchmark.predictions import make_cell
from rugged.benchmark.samples import SampleStrips
from rugged.core.catalogue import SEVERITIES, display_name
from rugged.core.environment import versions
from rugged.core.errors import DataError, Interrupted, ModelError
from rugged.core.files import exclusive, sha256_file, write_json
from rugged.core.progress import Bar, progress, say
from rugged.corruptions import AVAILABLE, STREAM_VERSION, corrupt, preset_for
from rugged.data import Dataset, Split
from rugged.engine import (
    Device,
    Fabric,
    Precision,
    StopRequest,
    as_batch,
    chunks,
    describe,
    infer,
    make_fabric,
    stop_on_signal,
)
from rugged.models import ModelSpec, load_model
from rugged.results import (
    CLEAN,
    Cell,
    Conditions,
    Made,
    ModelFacts,
    RunFolder,
    Summary,
    load_baseline,
    normalise,
    read_cell,
    read_provenance,
    summarise,
    write_cell,
    write_summary,
)


def benchmark(
    folder: Path,
    dataset: Dataset,
    *,
    corruptions: Sequence[str] = AVAILABLE,
    severities: Sequence[int] = SEVERITIES,
    limit: int | None = None,
    seed: int = 0,
    preset: str | None = None,
    baseline: Path | None = None,
    device: Device = "auto",
    precision: Precision = "fp32",
    command: str = "",
) -> Summary:
    """Measure a run's model on clean and corrupted validation images.

    Each cell is saved as it is done, so an interrupted benchmark goes on where it stopped; cells that were saved
    under the same conditions are not measured again.

    Args:
        folder: The run folder; its ``benchmark`` folder receives the results.
        dataset: The data set whose validation split is read.
        corruptions: Which; all that exist unless named.
        severities: Which of 1 to 5.
        limit: Take only so many images, evenly over the classes.
        seed: Of the keyed random streams.
        preset: Severity table; chosen by the images' size unless named.
        baseline: A benchmarked run folder to normalise by, for CE and mCE.
        device: Where.
        precision: Of convolutions and matrix products.
        command: The command line, for the summary.

    Returns:
        The summary, as written to ``benchmark/summary.json``.

    Raises:
        ModelError: There is no finished model, or it was trained for other classes.
        IncomparableError: The baseline was measured under other conditions.
        Interrupted: A signal came; the cells measured so far are saved.
    """
    run = RunFolder(folder)
    model, spec = load_model(run.model)
    split = _choose(dataset, spec, limit)
    conditions = Conditions(
        dataset=dataset.name,
        content_hash=dataset.content_hash,
        split=split.name,
        images=len(split),
        classes=len(dataset.classes),
        size=dataset.size,
        route="in memory",
        stored="no",
        preset=preset or preset_for(*dataset.size),
        textures="none",
        seed=seed,
        stream_version=STREAM_VERSION,
        corruptions=tuple(name for name in AVAILABLE if name in corruptions),
        severities=tuple(sorted(severities)),
        limit=limit if len(split) < len(dataset.val) else None,
    )
    facts = ModelFacts(
        name=run.name,
        architecture=spec.architecture,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        sha256=sha256_file(run.model),
        input_size=spec.input_size,
        training_operations=spec.training_operations,
    )
    # Before hours of measuring: can the baseline be used?
    reference = None if baseline is None else load_baseline(baseline, conditions)
    with exclusive(run.lock, f"benchmark {folder}"):
        bench = _Bench(make_fabric(device, precision), run, model, spec, split, conditions, facts)
        write_json(run.classes, [asdict(info) for info in dataset.classes])
        cells, seconds = bench.measure_all()
        made = Made(command, round(seconds, 1), versions(), describe(bench.fabric))
        summary = summarise(cells, facts, conditions, made)
        if reference is not None:
            summary = normalise(summary, reference)
        write_summary(run.summary, summary)
    return summary


def _choose(dataset: Dataset, spec: ModelSpec, limit: int | None) -> Split:
    classes = tuple(info.id for info in dataset.classes)
    if classes != spec.classes:
        raise ModelError(
            f"The model knows {len(spec.classes)} classes ({spec.classes[0]} …), the data set {dataset.name} has "
            f"{len(classes)} ({classes[0]} …). Benchmark it on data with the classes it was trained for."
        )
    if not len(dataset.val):
        raise DataError(f"The data set {dataset.name} has no validation images to measure on.")
    if limit is None:
        return dataset.val
    return dataset.val.take(evenly(dataset.val.labels, limit))


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

    def measure_all(self) -> tuple[dict[tuple[str, int], Cell], float]:
        """Measure what is not saved yet, and read every cell back; also the seconds spent measuring."""
        wanted = [(CLEAN, 0), *((name, s) for name in self.conditions.corruptions for s in self.conditions.severities)]
        todo = [cell for cell in wanted if read_provenance(self.run.predictions, *cell) != self._provenance()]
        if len(todo) < len(wanted):
            say(f"{len(wanted) - len(todo)} of {len(wanted)} cells are already measured.")
        started = time.monotonic()
        if todo:
            self._measure(todo)
        return {cell: read_cell(self.run.predictions, *cell) for cell in wanted}, time.monotonic() - started

    def _provenance(self) -> dict[str, Any]:
        return {
            "model_sha256": self.facts.sha256,
            "precision": describe(self.fabric)["precision"],
            **self.conditions.without_extent(),
        }

    def _measure(self, todo: Sequence[tuple[str, int]]) -> None:
        self.fabric.setup_module(self.model.eval())
        samples = SampleStrips(self.run.samples, self.split, self.fabric.device)
        samples.write_index()
        with stop_on_signal() as stop, progress("Benchmark", len(todo) * len(self.split)) as bar:
            for number, (corruption, severity) in enumerate(todo):
                cell = self._measure_cell(corruption, severity, stop, bar)
                if cell is None:
                    assert stop.signal_number is not None
                    raise Interrupted(
                        f"Stopped; {number} cells of {len(todo)} were measured and saved. "
                        "Run the same command again to go on.",
                        stop.signal_number,
                    )
                samples.write(corruption, severity, self._corrupt(samples.images, samples.ids, corruption, severity))
                write_cell(self.run.predictions, cell, self._provenance())

    def _measure_cell(self, corruption: str, severity: int, stop: StopRequest, bar: Bar) -> Cell | None:
        """One cell, or None when a stop was requested before its end."""
        logits = []
        for chunk in chunks(len(self.split)):
            if stop.signal_number is not None:
                return None
            images = as_batch(self.split.images[chunk], self.fabric.device)
            corrupted = self._corrupt(images, self.split.ids[chunk], corruption, severity)
            logits.append(infer(self.fabric, self.model, self.spec, corrupted))
            name = display_name(corruption) if corruption != CLEAN else "Clean"
            bar.advance(len(images), f"{name} {severity}" if severity else name)
        return make_cell(corruption, severity, self.split.ids, self.split.labels, torch.cat(logits))

    def _corrupt(self, images: Tensor, ids: Sequence[str], corruption: str, severity: int) -> Tensor:
        if corruption == CLEAN:
            return images
        return corrupt(images, corruption, severity, preset=self.conditions.preset, seed=self.conditions.seed, ids=ids)
