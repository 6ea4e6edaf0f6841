"""How steady a classifier is on perturbation sequences: each kind into a file of predictions, then a summary."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rugged.benchmark.cautions import cautions
from rugged.benchmark.cells import made_of, measure_missing
from rugged.benchmark.earlier import (
    is_at_home,
    join_earlier,
    newest_figures,
    outdated,
    remove_figures,
    what_differs,
)
from rugged.benchmark.predictions import finite, make_cell
from rugged.benchmark.routes.sequence_files import find_sequences
from rugged.benchmark.routes.sequence_route import SequenceRoute, perturbed_in_memory
from rugged.core.catalogue import CellKey, display_name
from rugged.core.errors import ConfigError
from rugged.core.files import exclusive, expanded
from rugged.core.progress import Bar, say
from rugged.core.stopping import StopRequest
from rugged.data import Dataset, as_dataset
from rugged.data.packed import require_run_apart
from rugged.engine import (
    CHUNK,
    Device,
    Fabric,
    Precision,
    by_the_first,
    in_turn,
    make_fabric,
    measured_on,
    require_same,
    told_by_the_first,
)
from rugged.engine.subject import Subject, open_subject
from rugged.perturbations import choose_sequences, compares_with_first, frames_of, stride
from rugged.perturbations.request import check_difficulty
from rugged.results import (
    Cell,
    Frames,
    Moves,
    RunFolder,
    SequenceConditions,
    Stability,
    Stamp,
    join_frames,
    load_steady_baseline,
    moves_of,
    place_of,
    read_frames,
    read_stability,
    stability_of,
    write_frames,
    write_stability,
)


def benchmark_sequences(
    model: str | Path | Callable[..., Any],
    dataset: Dataset | str | Path,
    *,
    sequences: Sequence[str] = ("ten",),
    difficulty: int = 1,
    files: str | Path | None = None,
    out: str | Path | None = None,
    weights: str | Path | None = None,
    limit: int | None = None,
    seed: int = 0,
    preset: str | None = None,
    baseline: str | Path | None = None,
    replace_results: bool = False,
    device: Device = "auto",
    precision: Precision = "fp32",
    command: str = "",
) -> Stability:
    """Measure how often a classifier changes its mind while a picture changes a little.

    Each kind of sequence is saved as it is done, so an interrupted measurement goes on where it stopped. Frames are
    made, or read, for a few pictures at a time. Started by ``torchrun``, several processes share the work and give what
    one gives.

    Args:
        model: As ``rugged.benchmark.benchmark``.
        dataset: The data set whose validation split is perturbed, and whose classes count: opened, or as
            ``rugged.open_dataset`` takes it.
        sequences: Which, by name or by the name of a set (``"ten"``, ``"extra"``, ``"all"``).
        difficulty: 1 to 3: strength of noise, stride of everything else.
        files: A folder of official MP4s, or of what ``rugged perturb`` wrote, to read instead of perturbing in memory.
            Seed and preset are then theirs.
        out: As ``rugged.benchmark.benchmark``.
        weights: For an architecture, a local file instead of the published weights.
        limit: Take only so many images, evenly over the classes.
        seed: Of the keyed random streams.
        preset: Which published set of sequences; chosen by the images' size unless named.
        baseline: A run folder whose sequences were measured before, to normalise by, for mFR and mT5D.
        replace_results: Replace figures of this model on all images that were measured under other conditions.
        device: Where.
        precision: Of convolutions and matrix products.
        command: The command line, for the summary.

    Returns:
        The figures, as written to ``benchmark/sequences-<difficulty>.json``.

    Raises:
        ConfigError: A limit that cannot be measured, or seed or preset beside files.
        CorruptionError: There is no such sequence, difficulty or preset.
        DataError: The files are not all there, or cannot be read; or the results would lie in the data.
        ModelError: As ``rugged.benchmark.benchmark``.
        IncomparableError: The baseline was measured under other conditions.
        RunError: The folder is in use, or holds figures under other conditions.
        Interrupted: A signal came; what was finished is saved.
    """
    check_difficulty(difficulty)
    dataset = as_dataset(dataset)
    run, chosen = place_of(model, out), choose_sequences(sequences)
    require_run_apart(run.path, dataset)
    fabric = make_fabric(device, precision, tuned=False, keep_memory=True)
    route: SequenceRoute
    if files is None:
        route = perturbed_in_memory(dataset, chosen, difficulty, limit, preset, seed, fabric.device)
    elif (preset, seed) == (None, 0):
        route = find_sequences(expanded(files), chosen, difficulty, dataset, limit)
    else:
        raise ConfigError("Preset and seed are those of the files. Leave them out.")
    subject = open_subject(model, run.name, dataset, fabric, weights)
    with ExitStack() as held:
        by_the_first(fabric, lambda: held.enter_context(exclusive(run.lock, f"benchmark {run.name}")))
        require_same(
            fabric, "model, data or options", f"{run.path.resolve()} {subject.facts} {route.conditions} {chosen}"
        )
        bench = _Bench(fabric, run, subject, route)
        reference = by_the_first(fabric, lambda: bench.make_room(baseline, replace_results))
        route.conditions = told_by_the_first(fabric, lambda: route.conditions)
        moves = measure_missing(bench, "Sequences", "sequences", "sequences")
        notes = (*dataset.notes, *cautions(subject, dataset), *route.notes())
        return told_by_the_first(fabric, lambda: bench.finish(moves, command, notes, reference))


@dataclass
class _Bench:
    """A model and the sequences it is measured on; ``earlier`` are saved figures that the new ones join."""

    fabric: Fabric
    run: RunFolder
    subject: Subject
    route: SequenceRoute
    earlier: Stability | None = None

    @property
    def conditions(self) -> SequenceConditions:
        return self.route.conditions

    @property
    def folder(self) -> Path:
        """Where predictions are saved."""
        return self.run.sequences

    @property
    def figures(self) -> Path:
        """Those of one difficulty."""
        return self.run.stability(self.conditions.difficulty)

    @property
    def cells(self) -> list[CellKey]:
        """What is to be measured."""
        return [(name, self.conditions.difficulty) for name in self.conditions.sequences]

    def provenance_of(self, name: str, difficulty: int) -> dict[str, Any]:  # noqa: ARG002 (the conditions name it)
        """What the predictions on one kind of sequence are stamped with."""
        return {
            "model_sha256": self.subject.facts.sha256,
            **measured_on(self.fabric),
            **self.conditions.without_extent(),
            **self.route.provenance(name),
        }

    def make_room(self, baseline: str | Path | None, replace_results: bool) -> Stability | None:
        """See, before hours of measuring, that figures and baseline go with what is there; give the baseline."""
        joined = join_earlier(
            read_stability,
            self.figures,
            self.subject.facts.sha256,
            self._joined_with,
            at_home=is_at_home(self.subject, self.run),
            replace=replace_results,
        )
        self.route.conditions = joined or self.conditions
        reference = None
        if baseline is not None:
            reference = load_steady_baseline(RunFolder(baseline), self.conditions)
        if joined is None:  # The old figures must not stand beside new predictions, not even after an interruption.
            remove_figures(self.figures)
        else:
            self.earlier = read_stability(newest_figures(self.figures))
        return reference

    def _joined_with(self, saved: Stability) -> tuple[SequenceConditions, list[str]]:
        here, there = self.conditions, saved.conditions
        apart = what_differs(saved, here.without_extent(), there.without_extent(), self.fabric)
        return self.route.joined_with(there), apart

    def count(self, name: str) -> int:  # noqa: ARG002 (all kinds have the same)
        """How many sequences there are of a kind."""
        return len(self.route.images.ids)

    def read(self, name: str, difficulty: int) -> Moves | None:
        """How far saved predictions move, if they are of these very pictures."""
        frames, images = read_frames(self.folder, name, difficulty), self.route.images
        same = frames.ids == images.ids and np.array_equal(frames.labels, images.labels)
        return _moves_of(frames) if same else None

    def measure(self, name: str, difficulty: int, stop: StopRequest, bar: Bar) -> Moves | None:
        """Measure one kind of sequence and save the predictions; None in all processes but the first."""
        started, images = time.monotonic(), self.route.images
        # As many pictures as have their frames in one chunk: the same batches for any number of processes.
        at_once = max(1, CHUNK // frames_of(name, self.conditions.preset))
        pieces = [slice(start, start + at_once) for start in range(0, len(images.ids), at_once)]

        def answer(piece: slice) -> Cell:
            frames = self.route.frames(name, piece)
            logits = finite(self.subject.answer(frames.flatten(0, 1)), display_name(name))
            labels: npt.NDArray[np.int64] = np.repeat(images.labels[piece], frames.shape[1])
            return make_cell(name, difficulty, (), labels, logits)

        def advance(finished: Sequence[slice]) -> None:
            bar.advance(sum(len(images.labels[piece]) for piece in finished), display_name(name))

        cells = in_turn(self.fabric, pieces, answer, stop, advance)

        def save() -> Moves:
            frames = join_frames(cells, images.ids, images.labels)
            stamp = Stamp(self.provenance_of(name, difficulty), round(time.monotonic() - started, 2))
            write_frames(self.folder, frames, stamp)
            return _moves_of(frames)

        return by_the_first(self.fabric, save)

    def finish(
        self, moves: Mapping[CellKey, Moves], command: str, notes: Sequence[str], reference: Stability | None
    ) -> Stability:
        """The figures of all predictions, whoever measured them when."""
        conditions, made = self.conditions, made_of(self, command)
        in_order = {name: moves[name, conditions.difficulty] for name in conditions.sequences}
        stability = stability_of(in_order, self.subject.facts, conditions, made, notes, reference)
        if self.earlier is not None:
            _say_what_goes(self.earlier, stability)
        write_stability(self.figures, stability)
        outdated(self.figures).unlink(missing_ok=True)
        return stability


def _moves_of(frames: Frames) -> Moves:
    noise, step = compares_with_first(frames.sequence), stride(frames.sequence, frames.difficulty)
    return moves_of(frames, noise=noise, step=step)


def _say_what_goes(saved: Stability, stability: Stability) -> None:
    """Tell of sequences that the saved figures have and the new ones will not have."""
    if gone := [name for name in saved.sequences if name not in stability.sequences]:
        say(f"Gone from the figures, but still measured: name {', '.join(gone)} again to have them.")
