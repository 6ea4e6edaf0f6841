"""The grid of corruptions and severities, each cell of which a model is measured in, once."""

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from rugged.benchmark.cells import measure_missing
from rugged.benchmark.earlier import is_at_home, join_earlier, join_grids, newest_figures, remove_figures
from rugged.benchmark.kept_pictures.choice import choose_for_classes, choose_for_galleries
from rugged.benchmark.kept_pictures.pictures import PictureKeeper
from rugged.benchmark.kept_pictures.samples import SampleStrips
from rugged.benchmark.predictions import finite, make_cell
from rugged.benchmark.routes.route import Images, Route
from rugged.benchmark.variants import Answer, Variant
from rugged.core.catalogue import BENCHMARK, CellKey, display_name
from rugged.core.errors import ConfigError
from rugged.core.progress import Bar, say
from rugged.core.stopping import StopRequest
from rugged.engine import Fabric, by_the_first, chunks, in_turn, measured_on
from rugged.engine.prefetch import ahead
from rugged.engine.subject import Subject
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
    read_cell,
    read_summary,
    why_no_default,
    write_cell,
)

Cells = dict[CellKey, Cell]


@dataclass
class GridBench:
    """A model and the images it is measured on. See ``rugged.benchmark.cells.Bench`` for what measuring asks of it.

    Attributes:
        fabric: The processes.
        run: The run folder that receives the results.
        subject: The model.
        route: Where its images come from.
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
        """Under which the images are measured."""
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
        reference = self._reference(baseline)
        if joined is None:
            # The old figures must not stand beside the new cells, not even if this measurement is interrupted.
            remove_figures(self.figures)
        else:
            self.earlier = read_summary(newest_figures(self.figures))
        return reference

    def _reference(self, baseline: str | Path | None) -> Baseline | None:
        """What the errors are relative to. No CE goes without an mCE, which is what says whose errors divide."""
        if not any(name in BENCHMARK for name in self.conditions.corruptions):
            if baseline is not None:
                say(f"No CE and mCE: none of the benchmark's {len(BENCHMARK)} corruptions is measured.")
            return None
        if baseline is not None:
            return load_baseline(baseline, self.conditions)
        shipped = default_baseline(self.conditions)
        if shipped is not None:
            say(f"CE and mCE are relative to {shipped.name}, the baseline for these pictures that comes with rugged.")
        elif why := why_no_default(self.conditions):
            say(f"No CE and mCE: {why}.")
        return shipped

    def measure_missing(self) -> Cells:
        """Measure every cell that is not saved yet, and give them all: to the first of several processes."""
        if self.variant is not None:
            return measure_missing(self, "Benchmark", note=f" ({self.variant.name})")
        return measure_missing(self, "Benchmark", before=self._write_samples)

    def _write_samples(self, todo: Sequence[CellKey]) -> None:
        SampleStrips(self.run.samples, self.route).keep(todo)

    def keep_pictures(self, cells: Cells) -> None:
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
