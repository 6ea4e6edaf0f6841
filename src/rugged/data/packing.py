"""From a source to a pack: decode on all cores, say what was done, leave a whole pack or nothing."""

import warnings
from collections import Counter
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from rugged.core import files
from rugged.core.environment import available_cores
from rugged.core.errors import DataError
from rugged.core.notes import FITTED, prepared
from rugged.core.progress import Bar, progress, say
from rugged.core.spreadsheet import as_text
from rugged.core.tables import csv_text
from rugged.data import npy, packed
from rugged.data.dataset import ClassInfo, Dataset
from rugged.data.decode import BadImageError, Decoded, decode_image
from rugged.data.npy import ImageWriter
from rugged.data.packed import SET_ASIDE, Origin
from rugged.data.sources.source import PICTURES_AT_A_TIME, Picture, Problem, Source, count_by_reason
from rugged.data.staging import require_space, staging

SIZE_OF_MIXED = 224

_SHOWN = 5


class _SizesDifferError(Exception):
    """Not all pictures have the size of the first one."""


def pack(source: Source, out: Path, origin: Origin) -> Dataset:
    """Decode a source into a pack at ``out``, which is replaced if it is a pack of the same source.

    Without a size in ``origin``, pictures that all share one square size keep it; others are fitted to 224 x 224.

    Args:
        source: The pictures.
        out: The folder to make.
        origin: What is kept of the source, with the size, and whether bad pictures are refused or skipped.

    Raises:
        DataError: Pictures that cannot be used and are not to be skipped, a full disk, a folder that cannot be written.
    """
    with warnings.catch_warnings(), staging(out, origin) as folder:
        # Pillow warns of oddities in EXIF data and palettes; what makes a picture unusable is raised and counted.
        warnings.simplefilter("ignore")
        try:
            side, square = (origin.size, False) if origin.size else _side_of_first(source)
            _write_pack(source, folder, side, origin, must_match=square)
        except _SizesDifferError:
            say(f"The pictures differ in size: starting again, fitting them to {SIZE_OF_MIXED} x {SIZE_OF_MIXED}.")
            _write_pack(source, folder, SIZE_OF_MIXED, origin, must_match=False)
    return packed.read_pack(out)


def require_usable(source: Source) -> None:
    """Refuse a source whose pictures cannot all be used, as far as that shows before any is decoded.

    Raises:
        DataError: Problems that were found, duplicate names, empty classes: what ``pack`` refuses as well.
    """
    problems = list(source.problems)
    plans = {split: _plan(split, pictures, problems) for split, pictures in source.splits().items()}
    _classes_with_pictures(source, {split: [job.picture for job in plan] for split, plan in plans.items()}, problems)
    if problems:
        raise DataError(_refusal(source, sorted(problems)))


def pack_arrays(
    name: str,
    classes: tuple[ClassInfo, ...],
    splits: Mapping[str, tuple[NDArray[np.uint8], NDArray[np.int64], Sequence[str]]],
    out: Path,
    origin: Origin,
    notes: Sequence[str] = (),
) -> Dataset:
    """Pack pictures that are in memory.

    Args:
        name: The data set's name.
        classes: In the order of their ids, which is that of the labels.
        splits: For ``train`` and ``val``: images ``(N, S, S, 3)``, labels ``(N,)``, ids.
        out: The folder to make.
        origin: Where they came from.
        notes: What was done to them.

    Raises:
        DataError: A full disk, or a folder that cannot be written.
    """
    labels, ids = {}, {}
    with staging(out, origin) as folder:
        for split in packed.SPLITS:
            images, numbers, names = splits[split]
            order = sorted(range(len(names)), key=names.__getitem__)
            labels[split], ids[split] = numbers[order], [names[i] for i in order]
            writer = _new_writer(folder, split, len(order), images.shape[1])
            for position, index in enumerate(order):
                writer.write(position, images[index])
            writer.finish(range(len(order)))
        packed.finish(folder, name, classes, labels, ids, origin, list(notes))
    return packed.read_pack(out)


def _side_of_first(source: Source) -> tuple[int, bool]:
    """The side of the first picture that can be decoded, and whether it is square and so may be everybody's."""
    for picture in (*source.train, *source.val):
        try:
            height, width = decode_image(picture.load()).pixels.shape[:2]
        except BadImageError:
            continue
        return (height, True) if height == width else (SIZE_OF_MIXED, False)
    return SIZE_OF_MIXED, False


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    """A picture with its place in the pack."""

    split: str
    position: int
    picture: Picture


_Result = tuple[_Job, Decoded | BadImageError]


def _write_pack(source: Source, folder: Path, side: int, origin: Origin, must_match: bool) -> None:
    problems = list(source.problems)
    plans = {split: _plan(split, pictures, problems) for split, pictures in source.splits().items()}
    jobs = [job for plan in plans.values() for job in plan]
    require_space(folder, len(jobs) * side * side * 3)
    with ExitStack() as stack:
        writers = {
            split: stack.enter_context(closing(_new_writer(folder, split, len(plan), side)))
            for split, plan in plans.items()
        }
        bar = stack.enter_context(progress(f"Packing {source.name}", len(jobs)))
        results = stack.enter_context(closing(_decoded(jobs, None if must_match else side, origin.resize, bar)))
        written, changes = _write_pictures(results, writers, side, problems)
        problems.sort()  # Threads end in any order.
        kept = {split: [job.picture for job in _in_order(plan, written)] for split, plan in plans.items()}
        classes = _classes_with_pictures(source, kept, problems)
        if problems and origin.bad_images != "skip":
            raise DataError(_refusal(source, problems))
        for split, plan in plans.items():
            writers[split].finish([job.position for job in _in_order(plan, written)])
    number = {info.id: label for label, info in enumerate(classes)}
    labels = {s: np.array([number[p.class_id] for p in kept[s]], dtype=np.int64) for s in packed.SPLITS}
    ids = {split: [picture.id for picture in kept[split]] for split in packed.SPLITS}
    if problems:
        _write_set_aside(folder / SET_ASIDE, problems)
    notes = [*source.notes, *_notes(changes, kept, problems)]
    packed.finish(folder, source.name, classes, labels, ids, origin, notes)


def _new_writer(folder: Path, split: str, count: int, side: int) -> ImageWriter:
    path = packed.images_path(folder, split)
    npy.create(path, (count, side, side, 3))
    return ImageWriter(path)


def _write_pictures(
    results: Iterable[_Result], writers: dict[str, ImageWriter], side: int, problems: list[Problem]
) -> tuple[set[_Job], Counter[str]]:
    """Write what could be decoded; gives the jobs that were written, and how often each change was made."""
    written: set[_Job] = set()
    changes: Counter[str] = Counter()
    for job, result in results:
        if isinstance(result, BadImageError):
            problems.append(Problem(job.picture.where, result.reason, result.detail))
            continue
        if result.pixels.shape != (side, side, 3):
            raise _SizesDifferError
        writers[job.split].write(job.position, result.pixels)
        written.add(job)
        changes.update(result.changes)
    return written, changes


def _in_order(plan: list[_Job], written: set[_Job]) -> list[_Job]:
    """The jobs of a split that were written, in the order of their ids."""
    return sorted((job for job in plan if job in written), key=lambda job: job.position)


def _plan(split: str, pictures: list[Picture], problems: list[Problem]) -> list[_Job]:
    """Give each picture its place, the rank of its id. Of several with one id the first in the source stays."""
    first: dict[str, Picture] = {}
    for picture in pictures:
        if first.setdefault(picture.id, picture) is not picture:
            problems.append(
                Problem(picture.where, "duplicate name", f"{picture.id} is {first[picture.id].where} already")
            )
    rank = {picture_id: position for position, picture_id in enumerate(sorted(first))}
    return [_Job(split, rank[picture_id], picture) for picture_id, picture in first.items()]


def _decoded(jobs: list[_Job], side: int | None, shorter: int | None, bar: Bar) -> Generator[_Result, None, None]:
    """Decode in threads (Pillow releases the interpreter lock), a few batches ahead of what is consumed."""
    batches = (jobs[start : start + PICTURES_AT_A_TIME] for start in range(0, len(jobs), PICTURES_AT_A_TIME))
    workers = available_cores()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="decode")
    waiting: set[Future[list[_Result]]] = set()
    try:
        for batch in batches:
            waiting.add(pool.submit(_decode_batch, batch, side, shorter))
            if len(waiting) >= 2 * workers:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                yield from _consume(done, bar)
        yield from _consume(wait(waiting).done, bar)
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _consume(done: set[Future[list[_Result]]], bar: Bar) -> Iterator[_Result]:
    for future in done:
        results = future.result()
        yield from results
        bar.advance(len(results))


def _decode_batch(batch: list[_Job], side: int | None, shorter: int | None) -> list[_Result]:
    results: list[_Result] = []
    for job in batch:
        try:
            results.append((job, decode_image(job.picture.load(), side, shorter=shorter)))
        except BadImageError as error:
            results.append((job, error))
    return results


def _classes_with_pictures(
    source: Source, kept: dict[str, list[Picture]], problems: list[Problem]
) -> tuple[ClassInfo, ...]:
    """The classes that have a picture; the others are problems: a label nobody has says that something is missing."""
    used = {picture.class_id for pictures in kept.values() for picture in pictures}
    empty = [info for info in source.classes if info.id not in used]
    problems.extend(Problem(info.id, "empty class", "no usable picture in it") for info in empty)
    if not kept["val"] or (source.train and not kept["train"]):
        raise DataError(
            f"{source.where} has {len(kept['train']):,} usable training and {len(kept['val']):,} usable validation "
            f"pictures; both splits need some.{_listing(problems)}"
        )
    return tuple(info for info in source.classes if info.id in used)


def _refusal(source: Source, problems: list[Problem]) -> str:
    total = len(source.train) + len(source.val)
    return (
        f"Not packed: of {total:,} pictures in {source.where} some cannot be used."
        f"{_listing(problems)}\nMend, rename or remove these, or set them aside with `rugged data pack … --bad-images "
        f"skip`: they are then left out, counted in the notes and listed in {SET_ASIDE}."
    )


def _listing(problems: list[Problem]) -> str:
    if not problems:
        return ""
    lines = [f"  {p.where}: {p.reason}" + (f" ({p.detail})" if p.detail else "") for p in problems[:_SHOWN]]
    if len(problems) > _SHOWN:
        lines.append(f"  … and {len(problems) - _SHOWN:,} more")
    return "\n".join(["", f"By reason: {count_by_reason(p.reason for p in problems)}.", *lines])


def _notes(changes: Counter[str], kept: dict[str, list[Picture]], problems: list[Problem]) -> list[str]:
    notes = [prepared(change, count) for change, count in sorted(changes.items())]
    if any(change.startswith(("reduced", "enlarged", "cropped")) for change in changes):
        notes.append(FITTED)
    notes.extend(_one_sided(kept["train"], kept["val"]))
    if problems:
        notes.append(f"Set aside ({SET_ASIDE}): {count_by_reason(problem.reason for problem in problems)}.")
    return notes


def _one_sided(train: list[Picture], val: list[Picture]) -> list[str]:
    """Classes in one split alone: they can be trained on but not measured, or the reverse."""
    if not train:
        return []  # The source says so.
    trained, measured = {p.class_id for p in train}, {p.class_id for p in val}
    notes = []
    for has, lacks, names in (
        ("training", "validation", trained - measured),
        ("validation", "training", measured - trained),
    ):
        if names:
            shown = ", ".join(sorted(names)[:_SHOWN]) + (" …" if len(names) > _SHOWN else "")
            notes.append(f"Classes with {has} pictures but no {lacks} pictures: {len(names):,} ({shown}).")
    return notes


def _write_set_aside(path: Path, problems: list[Problem]) -> None:
    rows = (map(as_text, (problem.where, problem.reason, problem.detail)) for problem in problems)
    files.write_text(path, csv_text(("where", "reason", "detail"), rows))
