"""The benchmark: every cell of corruption × severity into a file of predictions, then a summary of the files."""

import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from rugged.benchmark.choice import choose_images
from rugged.benchmark.in_memory import InMemory
from rugged.benchmark.predictions import make_cell
from rugged.benchmark.samples import SampleStrips
from rugged.benchmark.subject import Subject, open_subject, place_of
from rugged.benchmark.variants import VARIANTS, Answer, Setting, Variant, choose_variants
from rugged.core.catalogue import BENCHMARK, SEVERITIES, display_name
from rugged.core.environment import versions
from rugged.core.errors import Interrupted, ModelError, ResultsError, RunError
from rugged.core.files import exclusive, read_json, write_json
from rugged.core.progress import Bar, say
from rugged.core.selection import choose_corruptions, choose_preset, choose_severities
from rugged.core.stopping import StopRequest, stop_on_signal
from rugged.corruptions import STREAM_VERSION, Textures, choose_textures
from rugged.data import Dataset, Split, content_hash
from rugged.engine import (
    Device,
    Fabric,
    Precision,
    as_batch,
    by_the_first,
    chunks,
    describe,
    in_turn,
    make_fabric,
    require_same,
    shown_by_the_first,
    told_by_the_first,
)
from rugged.results import (
    CLEAN,
    Cell,
    Conditions,
    Made,
    RunFolder,
    Stamp,
    Summary,
    load_baseline,
    read_cell,
    read_stamp,
    read_summary,
    summarise,
    variant_result,
    write_cell,
    write_summary,
)

Stored = Literal["no", "jpeg85"]


def benchmark(
    model: str | Path,
    dataset: Dataset,
    *,
    out: Path | None = None,
    weights: Path | None = None,
    corruptions: Sequence[str] = BENCHMARK,
    severities: Sequence[int] = SEVERITIES,
    limit: int | None = None,
    seed: int = 0,
    preset: str | None = None,
    textures: str | None = None,
    stored: Stored = "no",
    baseline: str | Path | None = None,
    variants: Sequence[str] = (),
    replace_results: bool = False,
    device: Device = "auto",
    precision: Precision = "fp32",
    command: str = "",
) -> Summary:
    """Measure a classifier on clean and corrupted validation images.

    Each cell is saved as it is done, so an interrupted benchmark goes on where it stopped, and none is measured twice.
    Started by ``torchrun``, several processes share every cell and give what one gives.

    Args:
        model: A run folder, a model file, an ONNX file, ``module:function``, or an architecture with published weights:
            see :func:`rugged.benchmark.subject.open_subject`.
        dataset: The data set whose validation split is read.
        out: The run folder whose ``benchmark`` folder receives the results; by default the model's own, or one of its
            name in ``runs``.
        weights: For an architecture, a local file instead of the published weights.
        corruptions: Which, by name or by the name of a set (``"benchmark"``, ``"extra"``, ``"all"``).
        severities: Which of 1 to 5.
        limit: Take only so many images, evenly over the classes.
        seed: Of the keyed random streams.
        preset: Severity table; chosen by the images' size unless named.
        textures: For frost: a folder of the published photographs, or ``"procedural"``; None looks for the photographs
            and fetches them on first use.
        stored: ``"jpeg85"`` passes each corrupted picture through the storage step of the official files.
        baseline: A benchmarked run folder, or the name of a shipped baseline, to normalise by, for CE and mCE.
        variants: Test-time variants to measure beside the plain classifier: ``"batchnorm"``, ``"temperature"``,
            ``"pgd"``.
        replace_results: Replace a full benchmark of this model that was measured under other conditions.
        device: Where.
        precision: Of convolutions and matrix products.
        command: The command line, for the summary.

    Returns:
        The summary, as written to ``benchmark/summary.json``.

    Raises:
        ConfigError: A corruption, severity, limit, preset or variant that cannot be measured.
        ModelError: There is no finished model, it was trained for other classes, it answers with no numbers, or it
            cannot do what a variant needs.
        IncomparableError: The baseline was measured under other conditions.
        RunError: The folder is in use, or holds a full benchmark under other conditions.
        Interrupted: A signal came; the cells measured so far are saved.
    """
    run = place_of(model, out)
    split = choose_images(dataset.val, limit)
    chosen, others = choose_corruptions(corruptions), choose_variants(variants)
    ice = choose_textures(textures) if "frost" in chosen else None
    conditions = _conditions(dataset, split, chosen, severities, preset, seed, ice, stored)
    fabric = make_fabric(device, precision, tuned=False)
    subject = open_subject(model, run.name, dataset, fabric, weights)
    with ExitStack() as held:
        by_the_first(fabric, lambda: held.enter_context(exclusive(run.lock, f"benchmark {model}")))
        require_same(fabric, "model, data or options", f"{run.path.resolve()} {subject.facts} {conditions} {others}")
        bench = _Bench(fabric, run, subject, split, InMemory(conditions, ice))
        setting = Setting(fabric, subject, dataset, split, seed)
        with stop_on_signal() as stop:
            ways = [VARIANTS[name](setting, stop) for name in others]
        reference = by_the_first(fabric, lambda: bench.make_room(baseline, replace_results))
        bench.route.conditions = told_by_the_first(fabric, lambda: bench.conditions)
        by_the_first(fabric, lambda: write_json(run.classes, [asdict(info) for info in dataset.classes]))
        cells = bench.measure_missing()
        beside = [(way, replace(bench, variant=way).measure_missing()) for way in ways]

        def finish() -> Summary:
            summary = bench.summarise(cells, command, (*dataset.notes, *cautions(subject, dataset)), reference)
            rows = [variant_result(way.name, way.how, found, summary, reference) for way, found in beside]
            summary = replace(summary, variants=tuple(rows))
            _say_what_goes(run, summary)
            write_summary(run.summary, summary)
            return summary

        return told_by_the_first(fabric, finish)


def _say_what_goes(run: RunFolder, summary: Summary) -> None:
    """Tell of figures that the saved summary has and the new one will not have."""
    if not run.summary.exists():
        return
    saved = read_summary(run.summary)
    if saved.mce is not None and summary.mce is None:
        say("The mCE of the last time is gone from the summary: add --baseline again to have it.")
    names = {row.name for row in summary.variants}
    gone = [row.name for row in saved.variants if row.name not in names]
    if gone:
        say(f"Gone from the summary, but still measured: add --variants {','.join(gone)} again to have it.")


def _conditions(
    dataset: Dataset,
    split: Split,
    corruptions: tuple[str, ...],
    severities: Sequence[int],
    preset: str | None,
    seed: int,
    textures: Textures | None,
    stored: Stored,
) -> Conditions:
    return Conditions(
        dataset=dataset.name,
        content_hash=content_hash(dataset.classes, split),
        split=split.name,
        images=len(split),
        classes=len(dataset.classes),
        size=dataset.size,
        route="in memory",
        stored=stored,
        preset=choose_preset(preset, *dataset.size),
        textures="none" if textures is None else textures.label,
        seed=seed,
        stream_version=STREAM_VERSION,
        corruptions=corruptions,
        severities=choose_severities(severities),
        limit=len(split) if len(split) < len(dataset.val) else None,
    )


def cautions(subject: Subject, dataset: Dataset) -> list[str]:
    """Warnings: of the model, of pictures that are corrupted already, or that it may have been trained on."""
    found = [subject.note] if subject.note else []
    if dataset.corruptions:
        found.append(
            "The pictures of this data set carry a corruption each already: the figures called clean are of them as "
            "they are, all others are of pictures corrupted twice. Neither is comparable with published numbers."
        )
    home = subject.home
    manifest = read_json(home.manifest) if home is not None and home.manifest.exists() else None
    trained_on = manifest.get("dataset", {}).get("content_hash") if isinstance(manifest, dict) else None
    if trained_on not in (None, dataset.content_hash):
        found.append(
            f"The model was trained on other data (content {trained_on[:12]}…, here {dataset.content_hash[:12]}…). If "
            "these validation pictures were among its training pictures, the figures are better than they should be."
        )
    return found


@dataclass
class _Bench:
    """A model and the images it is measured on; ``variant`` is another way in which it answers."""

    fabric: Fabric
    run: RunFolder
    subject: Subject
    split: Split
    route: InMemory
    variant: Variant | None = None

    @property
    def conditions(self) -> Conditions:
        return self.route.conditions

    @property
    def predictions(self) -> Path:
        """Where the cells are saved."""
        return self.run.predictions if self.variant is None else self.run.variant(self.variant.name)

    @property
    def cells(self) -> list[tuple[str, int]]:
        """What is to be measured."""
        return [(CLEAN, 0)] if self.variant is not None and self.variant.clean_only else self.conditions.cells

    def __post_init__(self) -> None:
        hardware = describe(self.fabric)
        self.provenance: dict[str, Any] = {
            "model_sha256": self.subject.facts.sha256,
            "versions": versions(),
            "hardware": {key: hardware[key] for key in ("cpu", "accelerator", "precision")},
        }
        if self.variant is not None:
            self.provenance["variant"] = {"name": self.variant.name, **self.variant.facts}

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
        home = self.subject.home
        own = home is not None and home.path.resolve() == self.run.path.resolve()
        if self.run.manifest.exists() and not own:
            raise RunError(f"{self.run.path} is the run folder of another model. Name another one with --out.")
        try:
            saved = read_summary(self.run.summary)
        except ResultsError:
            return self.run.summary.exists()
        same_model = saved.model.sha256 == self.subject.facts.sha256
        precision = self.provenance["hardware"]["precision"]
        if (
            same_model
            and saved.conditions.goes_with(self.conditions)
            and saved.made.hardware.get("precision") == precision
        ):
            if set(self.conditions.cells) <= set(saved.conditions.cells):
                # A look at fewer cells takes nothing away.
                kept = saved.conditions
                self.route.conditions = replace(
                    self.conditions, corruptions=kept.corruptions, severities=kept.severities, textures=kept.textures
                )
            return False
        if not (same_model or own or replace_results):
            raise RunError(
                f"{self.run.benchmark} holds a benchmark of another model ({saved.model.architecture}, "
                f"{saved.model.sha256[:12]}…). Name another folder with --out, or add --replace."
            )
        if same_model and saved.conditions.limit is None and not replace_results:
            raise RunError(
                f"{self.run.benchmark} holds a benchmark of this model on all images under other conditions (seed "
                f"{saved.conditions.seed}, preset {saved.conditions.preset}, frost textures "
                f"{saved.conditions.textures}, {saved.made.hardware.get('precision')}). "
                "Add --replace to measure it anew under these, or work on a copy of the run folder."
            )
        return True

    def measure_missing(self) -> dict[tuple[str, int], Cell]:
        """Measure every cell that is not saved yet, and give them all: to the first of several processes."""
        cells = by_the_first(self.fabric, self._all_saved) or {}
        todo = told_by_the_first(self.fabric, lambda: [cell for cell in self.cells if cell not in cells])
        if self.variant is None:
            by_the_first(self.fabric, lambda: self._write_samples(todo))
        return cells | self._measure(todo) if todo else cells

    def _all_saved(self) -> dict[tuple[str, int], Cell]:
        cells = {cell: saved for cell in self.cells if (saved := self._saved(*cell)) is not None}
        if cells:
            say(f"{len(cells)} of {len(self.cells)} cells are already measured{self._as_named}.")
        return cells

    def _write_samples(self, todo: Sequence[tuple[str, int]]) -> None:
        samples = SampleStrips(self.run.samples, self.split, self.fabric.device)
        samples.write_index()
        for corruption, severity in self.conditions.cells:
            if (corruption, severity) in todo or not samples.exists(corruption, severity):
                shown = self.route.pictures(samples.images, samples.ids, corruption, severity)
                samples.write(corruption, severity, shown)

    def _saved(self, corruption: str, severity: int) -> Cell | None:
        """The saved cell, if it is whole and was measured under these very conditions on these very images."""
        stamp = read_stamp(self.predictions, corruption, severity)
        if stamp is None or stamp.provenance != self.provenance_of(corruption):
            return None
        try:
            cell = read_cell(self.predictions, corruption, severity)
        except ResultsError:
            return None
        return cell if cell.ids == self.split.ids and np.array_equal(cell.labels, self.split.labels) else None

    def _measure(self, todo: Sequence[tuple[str, int]]) -> dict[tuple[str, int], Cell]:
        cells: dict[tuple[str, int], Cell] = {}
        total = len(todo) * len(self.split)
        with stop_on_signal() as stop, shown_by_the_first(self.fabric, f"Benchmark{self._as_named}", total) as bar:
            for number, (corruption, severity) in enumerate(todo):
                try:
                    cell = self._measure_cell(corruption, severity, stop, bar)
                except Interrupted as interruption:
                    raise Interrupted(
                        f"Stopped; {number} cells of {len(todo)} were measured and saved{self._as_named}. "
                        "Run the same command again to go on.",
                        interruption.signal_number,
                    ) from None
                if cell is not None:
                    cells[corruption, severity] = cell
        return cells

    def _measure_cell(self, corruption: str, severity: int, stop: StopRequest, bar: Bar) -> Cell | None:
        """Measure one cell and save it; None in all processes but the first."""
        started = time.monotonic()
        name = display_name(corruption)
        note = f"{name} {severity}" if severity else name

        def pictures(chunk: slice) -> Tensor:
            images = as_batch(self.split.images[chunk], self.fabric.device)
            return self.route.pictures(images, self.split.ids[chunk], corruption, severity)

        def advance(finished: Sequence[slice]) -> None:
            bar.advance(sum(len(self.split.labels[chunk]) for chunk in finished), note)

        with self._answering(pictures, stop) as answer:
            checked = partial(_finite, answer, note)
            logits = in_turn(self.fabric, list(chunks(len(self.split))), checked, stop, advance)

        def save() -> Cell:
            cell = make_cell(corruption, severity, self.split.ids, self.split.labels, torch.cat(logits))
            stamp = Stamp(self.provenance_of(corruption), round(time.monotonic() - started, 2))
            write_cell(self.predictions, cell, stamp)
            return cell

        return by_the_first(self.fabric, save)

    def _answering(self, pictures: Answer, stop: StopRequest) -> AbstractContextManager[Answer]:
        if self.variant is not None:
            return self.variant.answering(pictures, stop)
        return nullcontext(lambda chunk: self.subject.answer(pictures(chunk)))

    @property
    def _as_named(self) -> str:
        return "" if self.variant is None else f" ({self.variant.name})"

    def summarise(
        self, cells: dict[tuple[str, int], Cell], command: str, notes: Sequence[str], reference: Summary | None
    ) -> Summary:
        """The summary of all cells, whoever measured them when."""
        stamps = [read_stamp(self.run.predictions, *cell) for cell in cells]
        seconds = sum(stamp.seconds for stamp in stamps if stamp is not None)
        made = Made(command, round(seconds, 1), versions(), describe(self.fabric))
        return summarise(cells, self.subject.facts, self.conditions, made, notes, reference)


def _finite(answer: Answer, cell: str, chunk: slice) -> Tensor:
    """An answer that is made of numbers.

    Raises:
        ModelError: It is not.
    """
    logits = answer(chunk)
    if not logits.isfinite().all():
        raise ModelError(
            f"The model answers with values that are not numbers (on {cell}). "
            "Its weights are damaged or its training diverged; try --precision fp32, or train it again."
        )
    return logits
