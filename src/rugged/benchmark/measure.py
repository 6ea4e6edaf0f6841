"""The benchmark: every cell of corruption × severity into a file of predictions, then a summary of the files."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rugged.benchmark.cautions import cautions
from rugged.benchmark.cells import made_of, measure_missing
from rugged.benchmark.choice import choose_images
from rugged.benchmark.earlier import is_at_home, join_earlier, join_grids, newest_figures, outdated, remove_figures
from rugged.benchmark.in_memory import Stored, corrupted_in_memory
from rugged.benchmark.official_files import official_files
from rugged.benchmark.picture_choice import choose_for_classes, choose_for_galleries
from rugged.benchmark.pictures import PictureKeeper
from rugged.benchmark.predictions import finite, make_cell
from rugged.benchmark.restored_pictures import keep_restored
from rugged.benchmark.route import Images, Route
from rugged.benchmark.samples import SampleStrips
from rugged.benchmark.variants import (
    VARIANTS,
    Answer,
    Opened,
    Restoration,
    Setting,
    Variant,
    choose_variants,
    open_restorers,
)
from rugged.core.catalogue import BENCHMARK, SEVERITIES, CellKey, display_name
from rugged.core.errors import ConfigError
from rugged.core.files import exclusive, write_json
from rugged.core.progress import Bar, say
from rugged.core.selection import choose_corruptions, choose_severities
from rugged.core.stopping import StopRequest, stop_on_signal
from rugged.data import Dataset, as_dataset
from rugged.data.packed import require_run_apart
from rugged.engine import (
    Device,
    Fabric,
    Precision,
    by_the_first,
    chunks,
    in_turn,
    make_fabric,
    measured_on,
    require_same,
    told_by_the_first,
)
from rugged.engine.prefetch import ahead
from rugged.engine.subject import Subject, open_subject
from rugged.results import (
    CLEAN,
    Baseline,
    Cell,
    Conditions,
    RunFolder,
    Stamp,
    Summary,
    baseline_path,
    default_baseline,
    join_cells,
    load_baseline,
    place_of,
    read_cell,
    read_summary,
    save_baseline,
    summarise,
    variant_result,
    why_no_default,
    write_cell,
    write_summary,
)

_Cells = dict[CellKey, Cell]


def benchmark(
    model: str | Path,
    dataset: Dataset | str | Path,
    *,
    out: str | Path | None = None,
    weights: str | Path | None = None,
    corruptions: Sequence[str] = BENCHMARK,
    severities: Sequence[int] = SEVERITIES,
    limit: int | None = None,
    seed: int = 0,
    preset: str | None = None,
    textures: str | Path | None = None,
    stored: Stored = "no",
    official: str | Path | None = None,
    baseline: str | Path | None = None,
    variants: Sequence[str] = (),
    restorers: Sequence[str | Path] = (),
    as_baseline: str | Path | None = None,
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
            see ``rugged.engine.open_subject``.
        dataset: The data set whose validation split is read: opened, or as ``rugged.open_dataset`` takes it.
        out: The run folder whose ``benchmark`` folder receives the results; by default the model's own, or one of its
            name in ``runs``.
        weights: For an architecture, a local file instead of the published weights.
        corruptions: Which, by name or by the name of a set (``"benchmark"``, ``"extra"``, ``"all"``); none measures
            clean pictures alone.
        severities: Which of 1 to 5.
        limit: Take only so many images, evenly over the classes.
        seed: Of the keyed random streams.
        preset: Severity table; chosen by the images' size unless named.
        textures: For frost: a folder of the published photographs, or ``"procedural"``; None looks for the photographs
            and fetches them on first use.
        stored: ``"jpeg85"`` passes each corrupted picture through the storage step of the official files.
        official: Read corrupted pictures from these files, a folder or a tar, instead of corrupting: a published
            collection, or what ``rugged corrupt`` wrote. Seed, preset, textures and storage are then theirs.
        baseline: A benchmarked run folder, a baseline's file or its name, to normalise by, for CE and mCE. None takes
            the one that comes with rugged for these conditions, where there is one.
        variants: Test-time variants to measure beside the plain classifier: ``"batchnorm"``, ``"temperature"``,
            ``"pgd"``.
        restorers: Files or run folders of restorers: each is measured as a variant that restores every picture, clean
            ones too, before the classifier sees it.
        as_baseline: Save the model's errors as a baseline of this name, or to this ``.json`` file.
        replace_results: Replace a full benchmark of this model that was measured under other conditions, and another
            model's baseline.
        device: Where.
        precision: Of convolutions and matrix products.
        command: The command line, for the summary.

    Returns:
        The summary, as written to ``benchmark/summary.json``.

    Raises:
        ConfigError: A corruption, severity, limit, preset or variant that cannot be measured, or a baseline's name that
            is none or is taken.
        DataError: There are no pictures to measure or, for the temperature, too few to fit it on; official files are
            missing or damaged; or the results would lie in the data.
        ModelError: There is no finished model or restorer, the model was trained for other classes, it answers with no
            numbers, or it cannot do what a variant needs.
        IncomparableError: The baseline was measured under other conditions.
        ResultsError: There is no such baseline, or it cannot be read.
        RunError: The folder is in use, or holds a full benchmark under other conditions.
        Interrupted: A signal came; the cells measured so far are saved.
    """
    run, dataset = place_of(model, out), as_dataset(dataset)
    require_run_apart(run.path, dataset)
    chosen = choose_corruptions(corruptions) if len(corruptions) else ()
    levels, others = choose_severities(severities), choose_variants(variants)
    fabric = make_fabric(device, precision, tuned=False)
    subject = open_subject(model, run.name, dataset, fabric, weights)  # Before the route: it may fetch photographs.
    opened = open_restorers(restorers, fabric)
    route = _open_route(
        dataset, chosen, levels, limit, fabric.device,
        official=official, preset=preset, seed=seed, textures=textures, stored=stored,
    )  # fmt: skip
    with ExitStack() as held:
        by_the_first(fabric, lambda: held.enter_context(exclusive(run.lock, f"benchmark {model}")))
        asked = f"{run.path.resolve()} {subject.facts} {route.conditions} {others} {[facts for _, facts in opened]}"
        require_same(fabric, "model, data or options", asked)
        bench = _Bench(fabric, run, subject, route)
        ways = _make_variants(others, opened, Setting(fabric, subject, dataset, bench.fewest_images, seed))
        reference = by_the_first(fabric, lambda: bench.make_room(baseline, as_baseline, replace_results))
        route.conditions = told_by_the_first(fabric, lambda: route.conditions)
        by_the_first(fabric, lambda: write_json(run.classes, [asdict(info) for info in dataset.classes]))
        cells = bench.measure_missing()
        beside = [(way, replace(bench, variant=way).measure_missing()) for way in ways]

        def finish() -> Summary:
            summary = _conclude(bench, dataset, cells, beside, reference, command)
            if as_baseline is not None:
                say(f"Saved as the baseline {save_baseline(summary, as_baseline, replace_results)}.")
            return summary

        return told_by_the_first(fabric, finish)


def _open_route(
    dataset: Dataset,
    corruptions: tuple[str, ...],
    severities: tuple[int, ...],
    limit: int | None,
    device: torch.device,
    *,
    official: str | Path | None,
    preset: str | None,
    seed: int,
    textures: str | Path | None,
    stored: Stored,
) -> Route:
    """Where corrupted pictures come from: made in memory as the last four say, or read from official files."""
    if official is None:
        split = choose_images(dataset.val, limit)
        return corrupted_in_memory(dataset, split, corruptions, severities, preset, seed, textures, stored, device)
    if not corruptions:
        raise ConfigError("The files are of corrupted pictures. Name corruptions, or leave the files out.")
    if (preset, textures, seed, stored) != (None, None, 0, "no"):
        raise ConfigError("Preset, textures, seed and storage are those of the files. Leave them out.")
    return official_files(Path(official), dataset, corruptions, severities, limit, device)


def _make_variants(names: Sequence[str], opened: Sequence[Opened], setting: Setting) -> list[Variant]:
    """The other ways to answer: those that have a name, then one for each restorer."""
    with stop_on_signal() as stop:
        named = [VARIANTS[name](setting, stop) for name in names]
    return [*named, *(Restoration(setting, *each) for each in opened)]


def _conclude(
    bench: "_Bench",
    dataset: Dataset,
    cells: _Cells,
    beside: Sequence[tuple[Variant, _Cells]],
    reference: Baseline | None,
    command: str,
) -> Summary:
    """Write the summary of what was measured, and the pictures that go with it."""
    run, route = bench.run, bench.route
    notes = (*cautions(bench.subject, dataset), *route.notes(), *dataset.notes)
    made = made_of(bench, command)
    summary = summarise(cells, bench.subject.facts, route.conditions, made, notes, reference)
    bench.keep_pictures(cells)
    rows = []
    for way, found in beside:
        restorer = way.facts_of_restorer if isinstance(way, Restoration) else None
        rows.append(variant_result(way.name, way.how, found, cells, summary, reference, restorer))
        if isinstance(way, Restoration) and route.conditions.corruptions:
            keep_restored(run.variant(way.name), route, way.restorer)
    summary = replace(summary, variants=tuple(rows))
    if bench.earlier is not None:
        _say_what_goes(bench.earlier, summary)
    write_summary(run.summary, summary)
    outdated(run.summary).unlink(missing_ok=True)
    return summary


def _say_what_goes(saved: Summary, summary: Summary) -> None:
    """Tell of figures that the saved summary has and the new one will not have."""
    if saved.mce is not None and summary.mce is None:
        say("The mCE of the last time is gone from the summary: add --baseline again to have it.")
    names = {row.name for row in summary.variants}
    gone = [row for row in saved.variants if row.name not in names]
    plain = [row.name for row in gone if not row.restorer]
    restorers = [row.restorer.name for row in gone if row.restorer]  # Where their files lie is not saved.
    options = [f"--variants {','.join(plain)}"] if plain else []
    options += [f"--restore for {', '.join(restorers)}"] if restorers else []
    if gone:
        say(f"Gone from the summary, but still measured: add {' and '.join(options)} again to have it.")


@dataclass
class _Bench:
    """A model and the images it is measured on.

    Attributes:
        variant: Another way in which the model answers.
        earlier: The saved summary that the new figures join.
    """

    fabric: Fabric
    run: RunFolder
    subject: Subject
    route: Route
    variant: Variant | None = None
    earlier: Summary | None = None

    @property
    def conditions(self) -> Conditions:
        return self.route.conditions

    @property
    def folder(self) -> Path:
        """Where the cells are saved."""
        return self.run.predictions if self.variant is None else self.run.variant(self.variant.name)

    @property
    def figures(self) -> Path:
        """The summary, which has those of variants too."""
        return self.run.summary

    @property
    def fewest_images(self) -> int:
        """How many images the smallest cell is about."""
        return min(self.count(name) for name, _ in self.conditions.cells)

    @property
    def cells(self) -> list[CellKey]:
        """What is to be measured."""
        return [(CLEAN, 0)] if self.variant is not None and self.variant.clean_only else self.conditions.cells

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """What all cells are stamped with."""
        found = {"model_sha256": self.subject.facts.sha256, **measured_on(self.fabric)}
        way = self.variant
        return found if way is None else {**found, "variant": {"name": way.name, **way.facts}}

    def provenance_of(self, corruption: str, severity: int) -> dict[str, Any]:
        """What a cell is stamped with."""
        of_route = self.route.provenance(corruption, severity)
        return {**self.provenance, **self.conditions.of_cell(corruption), **of_route}

    def make_room(
        self, baseline: str | Path | None, as_baseline: str | Path | None, replace_results: bool
    ) -> Baseline | None:
        """See, before hours of measuring, that results and baselines go with what is there; give the baseline."""
        joined = join_earlier(
            read_summary,
            self.run.summary,
            self.subject.facts.sha256,
            lambda saved: join_grids(self.conditions, saved, self.fabric),
            at_home=is_at_home(self.subject, self.run),
            replace=replace_results,
        )
        self.route.conditions = joined or self.conditions
        self.route.require_all()
        if as_baseline is not None:
            baseline_path(as_baseline, self.subject.facts.sha256, self.conditions, replace_results)
        if not self.conditions.corruptions and (baseline, as_baseline) != (None, None):
            raise ConfigError("Baselines are for errors under corruption, and none is measured. Name corruptions.")
        shipped = default_baseline(self.conditions) if baseline is None and self.conditions.corruptions else None
        reference = shipped if baseline is None else load_baseline(baseline, self.conditions)
        if shipped is not None:
            say(f"CE and mCE are relative to {shipped.name}, the baseline for these pictures that comes with rugged.")
        elif baseline is None and self.conditions.corruptions and (why := why_no_default(self.conditions)):
            say(f"No CE and mCE: {why}.")
        if joined is None:
            # The old figures must not stand beside the new cells, not even if this measurement is interrupted.
            remove_figures(self.figures)
        else:
            self.earlier = read_summary(newest_figures(self.figures))
        return reference

    def measure_missing(self) -> _Cells:
        """Measure every cell that is not saved yet, and give them all: to the first of several processes."""
        if self.variant is not None:
            return measure_missing(self, "Benchmark", note=f" ({self.variant.name})")
        return measure_missing(self, "Benchmark", before=self._write_samples)

    def _write_samples(self, todo: Sequence[CellKey]) -> None:
        samples = SampleStrips(self.run.samples, self.route)
        samples.write_index()
        for key in self.conditions.cells:
            if key in todo or not samples.exists(*key):
                samples.write(*key)

    def keep_pictures(self, cells: _Cells) -> None:
        """Keep small pictures that the predictions choose, for a report."""
        if not self.conditions.corruptions:  # There is no report of clean pictures alone.
            return
        classes, corrupted = self.conditions.classes, cells[self.conditions.cells[1]]
        clean_ids = choose_for_classes(cells[CLEAN, 0], classes)
        paired = self.conditions.clean_images is None
        ids = clean_ids if paired else choose_for_classes(corrupted, classes)
        PictureKeeper(self.run.pictures, self.route, ids, clean_ids, choose_for_galleries(cells)).keep()

    def count(self, corruption: str) -> int:
        """How many images a cell is about."""
        return len(self.route.images(corruption).ids)

    def read(self, corruption: str, severity: int) -> Cell | None:
        """A saved cell, if it is of these very images."""
        cell, images = read_cell(self.folder, corruption, severity), self.route.images(corruption)
        if cell.ids != images.ids or not np.array_equal(cell.labels, images.labels):
            return None
        return replace(cell, ids=images.ids)  # One copy of the names for all cells: each brought its own.

    def measure(self, corruption: str, severity: int, stop: StopRequest, bar: Bar) -> Cell | None:
        """Measure one cell and save it; None in all processes but the first."""
        started, images = time.monotonic(), self.route.images(corruption)
        name = display_name(corruption)
        note = f"{name} {severity}" if severity else name
        pieces = list(chunks(len(images.ids)))
        own = pieces[self.fabric.global_rank :: self.fabric.world_size]

        def pictures(chunk: slice) -> Tensor:
            return self.route.pictures(corruption, severity, np.arange(len(images.ids))[chunk])

        def advance(finished: Sequence[slice]) -> None:
            bar.advance(sum(len(images.labels[chunk]) for chunk in finished), note)

        with self._answering(pictures, images, stop) as answer, ahead(own, pictures, self.route.ahead) as fetched:

            def predict(chunk: slice) -> Cell:  # At once: the logits of all pictures would be the most that is held.
                logits = finite(answer(next(fetched)[1], chunk), note)
                return make_cell(corruption, severity, (), images.labels[chunk], logits)

            parts = in_turn(self.fabric, pieces, predict, stop, advance)

        def save() -> Cell:
            cell = join_cells(parts, images.ids)
            stamp = Stamp(self.provenance_of(corruption, severity), round(time.monotonic() - started, 2))
            write_cell(self.folder, cell, stamp)
            return cell

        return by_the_first(self.fabric, save)

    def _answering(
        self, pictures: Callable[[slice], Tensor], images: Images, stop: StopRequest
    ) -> AbstractContextManager[Answer]:
        if self.variant is not None:
            return self.variant.answering(pictures, images, stop)
        return nullcontext(lambda shown, _: self.subject.answer(shown))
