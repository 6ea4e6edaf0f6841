"""Judging a restorer: how near it brings corrupted pictures to the clean ones, beside what else could be done."""

import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from rugged.analyze import restoration_table
from rugged.benchmark.cells import made_of, measure_missing
from rugged.benchmark.choice import choose_images
from rugged.benchmark.earlier import join_earlier, join_grids, outdated, remove_figures
from rugged.benchmark.restorers.classical import PICTURES, Blur, Wiener, fit_wiener
from rugged.benchmark.restorers.sheet import draw_restoration
from rugged.benchmark.routes.in_memory import InMemory, corrupted_in_memory
from rugged.benchmark.variants import open_restorers
from rugged.core.catalogue import BLURS, SEVERITIES, CellKey, display_name
from rugged.core.errors import ConfigError, RunError
from rugged.core.files import atomic_path, exclusive, sha256_file, write_text
from rugged.core.progress import Bar, say
from rugged.core.selection import choose_corruptions, choose_severities
from rugged.core.stopping import StopRequest
from rugged.core.tables import as_csv
from rugged.core.wording import counted
from rugged.corruptions import choose_corruptor
from rugged.data import Dataset, as_dataset
from rugged.data.packed import require_run_apart
from rugged.data.splits import require_training
from rugged.engine import (
    Device,
    Fabric,
    Precision,
    Restorer,
    as_pictures,
    by_the_first,
    chunks,
    in_turn,
    make_fabric,
    measured_on,
    require_same,
    told_by_the_first,
)
from rugged.metrics import structural_similarity
from rugged.metrics.image_quality import WINDOW, bounded_psnr
from rugged.results import (
    CLEAN,
    Conditions,
    Nearness,
    RestorationSummary,
    RestorerFacts,
    RunFolder,
    Stamp,
    place_of,
    read_nearness,
    read_restoration,
    summarise_restoration,
    write_nearness,
    write_restoration,
)


def benchmark_restorer(
    restorer: str | Path,
    dataset: Dataset | str | Path,
    *,
    out: str | Path | None = None,
    corruptions: Sequence[str] = BLURS,
    severities: Sequence[int] = SEVERITIES,
    limit: int | None = None,
    seed: int = 0,
    preset: str | None = None,
    textures: str | Path | None = None,
    replace_results: bool = False,
    device: Device = "auto",
    precision: Precision = "fp32",
    command: str = "",
) -> RestorationSummary:
    """Measure PSNR and SSIM of restored validation pictures, of corrupted ones as they are, and of a Wiener filter.

    Each cell is saved as it is done, so an interrupted measurement goes on where it stopped. Started by ``torchrun``,
    several processes share every cell.

    Args:
        restorer: Its file, or the folder of the run that trained it.
        dataset: The data set whose validation split is corrupted: opened, or as ``rugged.open_dataset``
            takes it. Training pictures teach the Wiener filter.
        out: The run folder whose ``benchmark`` folder receives the results; by default the restorer's own, or one of
            its name in ``runs``.
        corruptions: Which, by name or by the name of a set (``"benchmark"``, ``"extra"``, ``"all"``).
        severities: Which of 1 to 5.
        limit: Take only so many images, evenly over the classes.
        seed: Of the keyed random streams.
        preset: Severity table; chosen by the images' size unless named.
        textures: For frost, as :func:`rugged.benchmark.benchmark` takes them.
        replace_results: Replace results of all images that were measured under other conditions.
        device: Where.
        precision: Of the restorer.
        command: The command line, for the summary.

    Returns:
        The summary, as written to ``benchmark/restoration.json``.

    Raises:
        ConfigError: A corruption, severity, limit or preset that cannot be measured, or pictures too small for SSIM.
        DataError: There are no pictures to measure, or none to teach the Wiener filter; or the results would lie in
            the data.
        ModelError: There is no such restorer.
        RunError: The folder is in use, or holds results under other conditions.
        Interrupted: A signal came; the cells measured so far are saved.
    """
    dataset = as_dataset(dataset)
    if min(dataset.size) < WINDOW:
        raise ConfigError(
            f"The pictures of {dataset.name} have {dataset.size[1]} × {dataset.size[0]} pixels; SSIM needs at least "
            f"{WINDOW} × {WINDOW}."
        )
    run, chosen, levels = place_of(restorer, out), choose_corruptions(corruptions), choose_severities(severities)
    require_run_apart(run.path, dataset)
    split = choose_images(dataset.val, limit)
    fabric = make_fabric(device, precision, tuned=False, keep_memory=True)
    ((opened, facts),) = open_restorers([restorer], fabric)  # Before the route, which may fetch photographs of frost.
    corruptor = choose_corruptor(dataset.size, chosen, preset, seed, textures)
    route = corrupted_in_memory(dataset, split, corruptor, chosen, levels, "no", fabric.device)
    with ExitStack() as held:
        by_the_first(fabric, lambda: held.enter_context(exclusive(run.lock, f"benchmark {restorer}")))
        require_same(fabric, "restorer, data or options", f"{run.path.resolve()} {facts} {route.conditions}")
        judge = _Judge(fabric, run, opened, facts, dataset, route)
        by_the_first(fabric, lambda: judge.make_room(replace_results))
        route.conditions = told_by_the_first(fabric, lambda: route.conditions)
        cells = measure_missing(judge, "Restorer")
        return told_by_the_first(fabric, lambda: judge.finish(cells, command))


@dataclass
class _Judge:
    """A restorer and the pictures it is measured on."""

    fabric: Fabric
    run: RunFolder
    restorer: Restorer
    facts: RestorerFacts
    dataset: Dataset
    route: InMemory
    fitted: dict[CellKey, Wiener] = field(default_factory=dict)

    @property
    def conditions(self) -> Conditions:
        return self.route.conditions

    @property
    def folder(self) -> Path:
        """Where the cells are saved."""
        return self.run.nearness

    @property
    def figures(self) -> Path:
        """The summary."""
        return self.run.restoration

    @property
    def cells(self) -> list[CellKey]:
        """What is to be measured."""
        return self.conditions.cells

    def provenance_of(self, corruption: str, severity: int) -> dict[str, Any]:
        """What a cell is stamped with."""
        return {
            "restorer_sha256": self.facts.sha256,
            "wiener": {"pictures": PICTURES, "data": self.dataset.content_hash},
            **measured_on(self.fabric),
            **self.conditions.of_cell(corruption),
            **self.route.provenance(corruption, severity),
        }

    def make_room(self, replace_results: bool) -> None:
        """Go with the results that are there: add to them, or replace them where that is meant.

        Raises:
            RunError: They are of another restorer, or of this one on all images, and nobody said that they may go; or
                the folder is another restorer's.
        """
        joined = join_earlier(
            read_restoration,
            self.figures,
            self.facts.sha256,
            lambda saved: join_grids(self.conditions, saved, self.fabric),
            at_home=self._is_at_home(),
            replace=replace_results,
        )
        self.route.conditions = joined or self.conditions
        if joined is None:
            remove_figures(self.figures)
            for path in (self.run.restoration_table, self.run.restoration_sheet):
                path.unlink(missing_ok=True)

    def _is_at_home(self) -> bool:
        """Whether results go into the run folder that the restorer was trained in."""
        own = self.run.restorer
        if own.exists() and sha256_file(own) == self.facts.sha256:
            return True
        if own.exists() or self.run.manifest.exists():
            raise RunError(f"{self.run.path} is the run folder of something else. Name another one with --out.")
        return False

    def count(self, corruption: str) -> int:
        """How many pictures a cell is about."""
        return len(self.route.images(corruption).ids)

    def read(self, corruption: str, severity: int) -> Nearness | None:
        """A saved cell, if it is of these very pictures."""
        cell = read_nearness(self.folder, corruption, severity)
        return cell if cell.ids == self.route.split.ids else None

    def measure(self, corruption: str, severity: int, stop: StopRequest, bar: Bar) -> Nearness | None:
        """Measure one cell and save it; None in all processes but the first."""
        started, ids = time.monotonic(), self.route.split.ids
        wiener = self.classical(corruption, severity)
        note = f"{display_name(corruption)} {severity}" if severity else display_name(corruption)

        def judged(chunk: slice) -> dict[str, NDArray[np.float64]]:
            rows = np.arange(len(ids))[chunk]
            clean = as_pictures(self.route.pictures(CLEAN, 0, rows))
            methods = self.methods(corruption, severity, rows, wiener)
            return {name: values for method in methods for name, values in _nearness(method, methods[method], clean)}

        def advance(finished: Sequence[slice]) -> None:
            bar.advance(sum(len(ids[chunk]) for chunk in finished), note)

        parts = in_turn(self.fabric, list(chunks(len(ids))), judged, stop, advance)

        def save() -> Nearness:
            cell = Nearness(ids, {name: np.concatenate([part[name] for part in parts]) for name in parts[0]})
            stamp = Stamp(self.provenance_of(corruption, severity), round(time.monotonic() - started, 2))
            write_nearness(self.folder, corruption, severity, cell, stamp)
            return cell

        return by_the_first(self.fabric, save)

    def classical(self, corruption: str, severity: int) -> Wiener | None:
        """The filter for a cell; none for clean pictures, of which it would know that there is nothing to do."""
        if corruption == CLEAN:
            return None
        require_training(self.dataset.train)  # Its spectra are those of pictures that are not measured.
        key = (corruption, severity)
        if key not in self.fitted:
            blur = Blur(corruption, severity, self.route.corruptor_for(corruption))
            self.fitted[key] = fit_wiener(blur, self.dataset.train, self.fabric.device)
        return self.fitted[key]

    def methods(
        self, corruption: str, severity: int, rows: NDArray[np.int64], wiener: Wiener | None
    ) -> dict[str, Tensor]:
        """What each method makes of some pictures of a cell, ``(N, 3, H, W)`` uint8."""
        shown = self.route.pictures(corruption, severity, rows)
        ids = [self.route.split.ids[row] for row in rows]
        found = {"nothing": shown, "restored": self.restorer.restore(shown)}
        return found if wiener is None else {**found, "classical": wiener.restore(shown, ids)}

    def finish(self, cells: Mapping[CellKey, Nearness], command: str) -> RestorationSummary:
        """The figures of all saved cells, whoever measured them when, with their table and a page of pictures."""
        conditions, made = self.conditions, made_of(self, command)
        summary = summarise_restoration(cells, self.facts, conditions, made, self._notes())
        write_text(self.run.restoration_table, as_csv(restoration_table(summary)))
        write_restoration(self.figures, summary)
        outdated(self.figures).unlink(missing_ok=True)
        self._draw()
        return summary

    def _draw(self) -> None:
        try:
            sheet = draw_restoration(self.facts.name, self.conditions, self.route, self._shown)
        except ConfigError as error:  # Frost, whose textures are no longer here. Everything is measured all the same.
            self.run.restoration_sheet.unlink(missing_ok=True)
            say(f"There is no page of pictures: {error}")
            return
        with atomic_path(self.run.restoration_sheet) as temporary:
            sheet.save(temporary, "PNG")

    def _shown(self, corruption: str, severity: int, row: int) -> dict[str, NDArray[np.uint8]]:
        """One picture as each method leaves it."""
        methods = self.methods(corruption, severity, np.array([row]), self.classical(corruption, severity))
        return {name: as_pictures(pictures)[0] for name, pictures in methods.items()}

    def _notes(self) -> tuple[str, ...]:
        conditions, spec = self.conditions, self.restorer.spec
        found = [*self.dataset.notes]
        seen = [display_name(name) for name in conditions.corruptions if name in spec.corruptions]
        unseen = [display_name(name) for name in conditions.corruptions if name not in spec.corruptions]
        if seen:
            found.append(
                f"The restorer was trained on these: {', '.join(seen)}. Its figures there do not speak for corruptions "
                "it has never seen."
            )
        if spec.corruptions and unseen:
            found.append(f"The restorer has not seen these in training: {', '.join(unseen)}.")
        if conditions.limit is not None:
            found.append(f"Quick run: limited to {counted(conditions.images, 'image')}, taken evenly over the classes.")
        found.append(
            "The classical method is a Wiener filter that is told the corruption and its severity, and of motion blur "
            f"each picture's direction; its spectra are of {min(PICTURES, len(self.dataset.train)):,} training "
            "pictures. The restorer is told nothing."
        )
        return tuple(found)


def _nearness(method: str, pictures: Tensor, clean: NDArray[np.uint8]) -> list[tuple[str, NDArray[np.float64]]]:
    pixels = as_pictures(pictures)
    psnr = bounded_psnr(pixels, clean)
    return [(f"psnr_{method}", psnr), (f"ssim_{method}", structural_similarity(pixels, clean))]
