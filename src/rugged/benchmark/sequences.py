"""How steady a classifier is on perturbation sequences: each kind into a file of predictions, then a summary."""

import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor

from rugged.benchmark.cautions import cautions
from rugged.benchmark.choice import choose_images
from rugged.benchmark.earlier import is_at_home, may_join, what_differs
from rugged.benchmark.predictions import finite, make_cell
from rugged.benchmark.sequence_files import ROUTES, SequenceFiles, find_sequences
from rugged.benchmark.subject import Subject, open_subject
from rugged.core.catalogue import display_name
from rugged.core.environment import versions
from rugged.core.errors import ConfigError, Interrupted, ResultsError
from rugged.core.files import exclusive
from rugged.core.progress import Bar, say
from rugged.core.stopping import StopRequest, stop_on_signal
from rugged.corruptions import STREAM_VERSION
from rugged.data import Dataset, Split, content_hash
from rugged.engine import (
    CHUNK,
    Device,
    Fabric,
    Precision,
    as_batch,
    by_the_first,
    describe,
    in_turn,
    make_fabric,
    require_same,
    shown_by_the_first,
    told_by_the_first,
)
from rugged.perturbations import (
    ALL_SEQUENCES,
    PRESETS,
    SEQUENCES,
    choose_sequences,
    compares_with_first,
    frames_of,
    perturb,
    stride,
)
from rugged.perturbations.request import check_difficulty, choose_preset
from rugged.results import (
    Cell,
    Made,
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
    read_stamp,
    stability_of,
    write_frames,
    write_stability,
)


def benchmark_sequences(
    model: str | Path,
    dataset: Dataset,
    *,
    sequences: Sequence[str] = ("ten",),
    difficulty: int = 1,
    files: Path | None = None,
    out: Path | None = None,
    weights: Path | None = None,
    limit: int | None = None,
    seed: int = 0,
    preset: str | None = None,
    baseline: Path | None = None,
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
        dataset: The data set whose validation split is perturbed, and whose classes count.
        sequences: Which, by name or by the name of a set (``"ten"``, ``"extra"``, ``"all"``).
        difficulty: 1 to 3: strength of noise, stride of everything else.
        files: A folder of official MP4s, or of what ``rugged perturb`` wrote, to read instead of perturbing in memory.
            Seed and preset are then theirs.
        out: As ``rugged.benchmark.benchmark``.
        weights: Likewise.
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
        DataError: The files are not all there, or cannot be read.
        ModelError: As ``rugged.benchmark.benchmark``.
        IncomparableError: The baseline was measured under other conditions.
        RunError: The folder is in use, or holds figures under other conditions.
        Interrupted: A signal came; what was finished is saved.
    """
    check_difficulty(difficulty)
    run, chosen = place_of(model, out), choose_sequences(sequences)
    if files is None:
        source = _in_memory(dataset, chosen, difficulty, limit, seed, preset)
    elif (preset, seed) == (None, 0):
        source = _from_files(files, dataset, chosen, difficulty, limit)
    else:
        raise ConfigError("Preset and seed are those of the files. Leave them out.")
    fabric = make_fabric(device, precision, tuned=False)
    subject = open_subject(model, run.name, dataset, fabric, weights)
    with ExitStack() as held:
        by_the_first(fabric, lambda: held.enter_context(exclusive(run.lock, f"benchmark {model}")))
        require_same(
            fabric, "model, data or options", f"{run.path.resolve()} {subject.facts} {source.conditions} {chosen}"
        )
        bench = _Bench(fabric, run, subject, source)
        reference = by_the_first(fabric, lambda: bench.make_room(baseline, replace_results))
        bench.source.conditions = told_by_the_first(fabric, lambda: bench.source.conditions)
        bench.measure_missing()
        notes = (*dataset.notes, *cautions(subject, dataset), *source.notes)
        return told_by_the_first(fabric, lambda: bench.finish(command, notes, reference))


@dataclass
class _Source:
    """Pictures, and the frames of some of them.

    Attributes:
        conditions: What is measured.
        split: The pictures that are perturbed in memory; of files no pixels, but ids and labels.
        files: Where frames are read from; None makes them.
    """

    conditions: SequenceConditions
    split: Split
    files: SequenceFiles | None

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know."""
        conditions, found = self.conditions, []
        measured = len(conditions.averaged)
        if not conditions.complete:
            found.append(
                f"Means are over {measured} sequence{'' if measured == 1 else 's'} ({', '.join(conditions.averaged)}), "
                "not over the ten of the mean flip rate: they are not comparable with published ones."
            )
        if conditions.difficulty != 1:
            found.append(f"Difficulty {conditions.difficulty}: published figures are at difficulty 1.")
        if conditions.limit is not None:
            found.append(f"Quick run: limited to {conditions.images:,} images, taken evenly over the classes.")
        if self.files is None:
            found.append("Frames made in memory, without the official files' video compression, which removes noise.")
        elif self.files.file_format == "mp4":
            found.append("Frames from MP4 files, whose compression removes much of a noise.")
        side = PRESETS[conditions.preset].side
        if min(conditions.size) != side:
            found.append(f"The pictures are {conditions.size[1]} × {conditions.size[0]} pixels, the frames {side}.")
        return (*found, *(self.files.notes if self.files else ()))

    def frames(self, name: str, piece: slice, fabric: Fabric) -> Tensor:
        """``(n, F, 3, H, W)`` uint8 of a few pictures."""
        if self.files is not None:
            return self.files.frames(name, piece)
        conditions = self.conditions
        return perturb(
            as_batch(self.split.images[piece], fabric.device),
            name,
            preset=conditions.preset,
            difficulty=conditions.difficulty,
            seed=conditions.seed,
            ids=self.split.ids[piece],
        )


def _in_memory(
    dataset: Dataset, chosen: tuple[str, ...], difficulty: int, limit: int | None, seed: int, preset: str | None
) -> _Source:
    split = choose_images(dataset.val, limit)
    conditions = SequenceConditions(
        dataset=dataset.name,
        content_hash=content_hash(dataset.classes, split),
        split=split.name,
        images=len(split),
        classes=len(dataset.classes),
        size=dataset.size,
        route="in memory",
        preset=choose_preset(preset, dataset.size),
        difficulty=difficulty,
        seed=seed,
        stream_version=STREAM_VERSION,
        sequences=(),
        averaged=(),
        complete=False,
        limit=len(split) if len(split) < len(dataset.val) else None,
    )
    return _Source(_with_sequences(conditions, chosen), split, None)


def _from_files(folder: Path, dataset: Dataset, chosen: tuple[str, ...], difficulty: int, limit: int | None) -> _Source:
    found = find_sequences(folder, chosen, difficulty, dataset, limit)
    split = Split("files", dataset.val.images[:0], found.labels, found.ids)
    height, width = found.frames(chosen[0], slice(0, 1)).shape[-2:]
    conditions = SequenceConditions(
        dataset=dataset.name,
        content_hash=sha256(repr(([info.id for info in dataset.classes], found.ids)).encode()).hexdigest(),
        split=split.name,
        images=len(found.ids),
        classes=len(dataset.classes),
        size=(height, width),
        route=ROUTES[found.file_format],
        preset=choose_preset(found.made.get("preset"), (height, width)),
        difficulty=difficulty,
        seed=found.made.get("seed", 0),
        stream_version=found.made.get("stream_version", 0),
        sequences=(),
        averaged=(),
        complete=False,
        limit=len(found.ids) if found.limited else None,
    )
    return _Source(_with_sequences(conditions, chosen), split, found)


def _with_sequences(conditions: SequenceConditions, names: Sequence[str]) -> SequenceConditions:
    chosen = tuple(name for name in ALL_SEQUENCES if name in names)
    averaged = tuple(name for name in SEQUENCES if name in chosen) or chosen
    return replace(conditions, sequences=chosen, averaged=averaged, complete=averaged == SEQUENCES)


@dataclass
class _Bench:
    """A model and the sequences it is measured on."""

    fabric: Fabric
    run: RunFolder
    subject: Subject
    source: _Source

    def provenance_of(self, name: str) -> dict[str, Any]:
        """What the predictions on one kind of sequence are stamped with."""
        hardware = describe(self.fabric)
        found = {
            "model_sha256": self.subject.facts.sha256,
            "versions": versions(),
            "hardware": {key: hardware[key] for key in ("cpu", "accelerator", "precision")},
            **self.source.conditions.without_extent(),
        }
        files = self.source.files
        return found if files is None else {**found, "files": files.fingerprint(name)}

    def make_room(self, baseline: Path | None, replace_results: bool) -> Stability | None:
        """See, before hours of measuring, that figures and baseline go with what is there; give the baseline."""
        place = self.run.stability(self.source.conditions.difficulty)
        outdated = self._join_saved(place, replace_results)
        reference = None
        if baseline is not None:
            path = RunFolder(baseline).stability(self.source.conditions.difficulty)
            reference = load_steady_baseline(path, self.source.conditions)
        if outdated:  # The old figures must not stand beside new predictions, not even after an interruption.
            place.unlink()
        return reference

    def _join_saved(self, place: Path, replace_results: bool) -> bool:
        """Go with the figures that are there: add to them, or replace them where that is meant.

        Returns:
            Whether they are of another model or of other conditions and must go.

        Raises:
            RunError: They are another model's, or this one's on all images, and nobody said that they may be replaced.
        """
        at_home, conditions = is_at_home(self.subject, self.run), self.source.conditions
        try:
            saved = read_stability(place)
        except ResultsError:
            return place.exists()
        precision = describe(self.fabric)["precision"]
        apart = what_differs(saved, conditions.without_extent(), saved.conditions.without_extent(), precision)
        if not may_join(saved, place, self.subject, apart, at_home=at_home, replace=replace_results):
            return True
        if self.source.files is None:  # A look at fewer sequences takes nothing away.
            names = (*conditions.sequences, *saved.conditions.sequences)
            self.source.conditions = _with_sequences(conditions, names)
        elif gone := [name for name in saved.conditions.sequences if name not in conditions.sequences]:
            say(f"Gone from the figures, but still measured: name {', '.join(gone)} again to have them.")
        return False

    def measure_missing(self) -> None:
        """Measure every kind of sequence that is not saved yet."""
        names, source = self.source.conditions.sequences, self.source
        todo = told_by_the_first(self.fabric, lambda: [name for name in names if not self._is_saved(name)])
        if len(todo) < len(names) and self.fabric.is_global_zero:
            say(f"{len(names) - len(todo)} of {len(names)} sequences are already measured.")
        total = len(todo) * len(source.split.ids)
        with stop_on_signal() as stop, shown_by_the_first(self.fabric, "Sequences", total, "sequences") as bar:
            for number, name in enumerate(todo):
                try:
                    self._measure(name, stop, bar)
                except Interrupted as interruption:
                    raise Interrupted(
                        f"Stopped; {number} sequences of {len(todo)} were measured and saved. "
                        "Run the same command again to go on.",
                        interruption.signal_number,
                    ) from None

    def _is_saved(self, name: str) -> bool:
        """Whether predictions are there, whole, measured under these very conditions on these very pictures."""
        difficulty = self.source.conditions.difficulty
        stamp = read_stamp(self.run.sequences, name, difficulty)
        if stamp is None or stamp.provenance != self.provenance_of(name):
            return False
        try:
            frames = read_frames(self.run.sequences, name, difficulty)
        except ResultsError:
            return False
        return frames.ids == self.source.split.ids and np.array_equal(frames.labels, self.source.split.labels)

    def _measure(self, name: str, stop: StopRequest, bar: Bar) -> None:
        started, split, conditions = time.monotonic(), self.source.split, self.source.conditions
        # As many pictures as have their frames in one forward pass: the same batches for any number of processes.
        at_once = max(1, CHUNK // frames_of(name, conditions.preset))
        pieces = [slice(start, start + at_once) for start in range(0, len(split.ids), at_once)]

        def answer(piece: slice) -> Cell:
            frames = self.source.frames(name, piece, self.fabric)
            logits = finite(self.subject.answer(frames.flatten(0, 1)), display_name(name))
            labels: npt.NDArray[np.int64] = np.repeat(split.labels[piece], frames.shape[1])
            return make_cell(name, conditions.difficulty, (), labels, logits)

        def advance(finished: Sequence[slice]) -> None:
            bar.advance(sum(len(split.labels[piece]) for piece in finished), display_name(name))

        cells = in_turn(self.fabric, pieces, answer, stop, advance)

        def save() -> None:
            stamp = Stamp(self.provenance_of(name), round(time.monotonic() - started, 2))
            write_frames(self.run.sequences, join_frames(cells, split.ids, split.labels), stamp)

        by_the_first(self.fabric, save)

    def finish(self, command: str, notes: Sequence[str], reference: Stability | None) -> Stability:
        """The figures of all saved predictions, whoever measured them when."""
        conditions = self.source.conditions
        moves, seconds = {}, 0.0
        for name in conditions.sequences:
            frames = read_frames(self.run.sequences, name, conditions.difficulty)
            noise, step = compares_with_first(name), stride(name, conditions.difficulty)
            moves[name] = moves_of(frames, noise=noise, step=step)
            stamp = read_stamp(self.run.sequences, name, conditions.difficulty)
            seconds += stamp.seconds if stamp is not None else 0.0
        made = Made(command, round(seconds, 1), versions(), describe(self.fabric))
        stability = stability_of(moves, self.subject.facts, conditions, made, notes, reference)
        write_stability(self.run.stability(conditions.difficulty), stability)
        return stability
