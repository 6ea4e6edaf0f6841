"""A data set in which every picture carries one corruption at one severity, drawn by its id; written as a pack."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rugged.core import files
from rugged.core.catalogue import BENCHMARK, SEVERITIES, CellKey
from rugged.core.differences import differences
from rugged.core.errors import DataError
from rugged.core.files import expanded
from rugged.core.progress import progress, say
from rugged.core.selection import check_limit, choose_corruptions, choose_severities
from rugged.core.spreadsheet import as_text
from rugged.core.stopping import stop_on_signal
from rugged.core.tables import csv_text
from rugged.corruptions import Corruptor, choose_corruptor
from rugged.data import npy, packed
from rugged.data.corrupted import manifest
from rugged.data.corrupted.layout import PICTURES_AN_ITEM
from rugged.data.corrupted.pictures import PackedPictures, pictures_of, rehearse
from rugged.data.corrupted.processes import work_on
from rugged.data.corrupted.shard import default_workers
from rugged.data.dataset import Dataset
from rugged.data.locks import locked
from rugged.data.opening import as_dataset
from rugged.data.packed import TABLE, Origin, UnusablePackError
from rugged.data.splits import hash_key
from rugged.data.staging import require_space, staging


def write_one_per_image(
    dataset: Dataset | str | Path,
    out: str | Path,
    *,
    corruptions: Sequence[str] = BENCHMARK,
    severities: Sequence[int] = SEVERITIES,
    preset: str | None = None,
    seed: int = 0,
    textures: str | Path | None = None,
    workers: int | None = None,
    command: str = "",
) -> Dataset:
    """Pack a copy of a data set, both splits, with one corruption in each picture.

    Which one is drawn by the picture's id: uniform over corruptions and severities, independent of everything else. A
    table, ``corruptions.csv``, says which. The pixels are what ``rugged.corruptions.corrupt`` gives.

    Args:
        dataset: The source: opened, or as ``rugged.open_dataset`` takes it.
        out: The folder to make. The same pack, made before, is left as it is.
        corruptions: Names of corruptions or of sets of them, to draw from.
        severities: Some of 1 to 5, to draw from.
        preset: Table of severities; by the pictures' size unless named.
        seed: Of all draws.
        textures: For frost, as for ``rugged.data.corrupted.writer.write_corrupted``.
        workers: Processes, as for ``rugged.data.corrupted.writer.write_corrupted``.
        command: The command line that makes the pack, to be given again should it be damaged.

    Returns:
        The pack, opened.

    Raises:
        ConfigError: An argument that means nothing.
        CorruptionError: Pictures of this size cannot be corrupted so.
        DataError: ``out`` holds something else, cannot be written, or the disk is full; or the source's pack was made
            anew since it was opened.
        RunError: A worker was killed.
        Interrupted: A signal came; nothing was kept.
    """
    check_limit(workers, "number of workers")
    chosen, levels = choose_corruptions(corruptions), choose_severities(severities)
    dataset, out = as_dataset(dataset), expanded(out)
    packed.require_apart(out, dataset)
    corruptor = choose_corruptor(dataset.size, chosen, preset, seed, textures)
    count = len(dataset.train) + len(dataset.val)
    description = manifest.describe(manifest.source_of(dataset, "all", count), corruptor, chosen, levels)
    cells = [(corruption, severity) for corruption in chosen for severity in levels]
    with locked(out, "writing"):
        there = _there_already(out, description)
        if there is not None:
            say(f"{out} is this very data set already.")
            return there
        origin = Origin(str(dataset.folder.resolve()), dataset.content_hash, automatic=False, command=command or None)
        with staging(out, origin, elsewhere="") as folder:
            job = _Job(_sources(dataset), folder, corruptor)
            drawn = _draw(job, cells)
            _write_pictures(job, drawn, workers)
            files.write_text(folder / TABLE, _table(job.sources, drawn))
            _finish(folder, dataset, corruptor, origin, description)
    return packed.read_pack(out)


def _draw(job: "_Job", cells: Sequence[CellKey]) -> dict[str, list[CellKey]]:
    """Draw a corruption and a severity for every picture of both splits, and try all of them on one."""
    for pictures in job.sources.values():
        if len(pictures):
            for cell in cells:
                rehearse(pictures, job.corruptor, cell[:1], cell[1:])
    return {
        split: [draw_cell(each, cells, job.corruptor.seed) for each in job.sources[split].ids]
        for split in packed.SPLITS
    }


def draw_cell(identifier: str, cells: Sequence[CellKey], seed: int) -> CellKey:
    """Draw a picture's corruption and severity by its id."""
    number = int.from_bytes(hash_key(identifier, f"rugged one per image {seed}"), "little")
    return cells[number % len(cells)]  # 64 bits over a few dozen: no cell is favoured by as much as 1e-17.


@dataclass(frozen=True)
class _Item:
    """Some pictures of a split that carry the same corruption."""

    split: str
    cell: CellKey
    members: Sequence[int]


@dataclass(frozen=True)
class _Job:
    """What the worker processes know."""

    sources: Mapping[str, PackedPictures]
    folder: Path
    corruptor: Corruptor

    def write(self, item: _Item) -> None:
        for batch, images in self.sources[item.split].corrupted(item.members, self.corruptor, *item.cell):
            pixels = images.permute(0, 2, 3, 1).contiguous().numpy()
            npy.write_rows(packed.images_path(self.folder, item.split), batch, pixels)


def _there_already(out: Path, description: Mapping[str, Any]) -> Dataset | None:
    """This pack, if it is at ``out``; None where it is to be made, be it because it is damaged.

    Anything else that is there is refused, another pack too: it may be dear.
    """
    if not out.exists() or (out.is_dir() and not any(out.iterdir())):
        return None
    found = packed.corrupted_of(out) if packed.is_pack(out) else None
    if found is None:
        raise DataError(f"{out} exists and is no data set with one corruption per image. Choose another folder.")
    differing = differences(found, description)
    if differing:
        raise DataError(f"{out} was made otherwise: {'; '.join(differing)}. Choose another folder, or delete this one.")
    try:
        return packed.read_pack(out)
    except UnusablePackError as error:
        say(f"{error} Making it again.")
        return None


def _sources(dataset: Dataset) -> dict[str, PackedPictures]:
    return {split.name: pictures_of(dataset, split, np.arange(len(split))) for split in (dataset.train, dataset.val)}


def _items(drawn: Mapping[str, Sequence[CellKey]]) -> Iterator[_Item]:
    for split, cells in drawn.items():
        members: dict[CellKey, list[int]] = defaultdict(list)
        for member, cell in enumerate(cells):
            members[cell].append(member)
        for cell, places in members.items():
            for start in range(0, len(places), PICTURES_AN_ITEM):
                yield _Item(split, cell, places[start : start + PICTURES_AN_ITEM])


def _write_pictures(job: _Job, drawn: Mapping[str, Sequence[CellKey]], workers: int | None) -> None:
    shapes = {split: (len(pictures), *pictures.size, 3) for split, pictures in job.sources.items()}
    pixels = sum(count * height * width for count, height, width, _ in shapes.values())
    require_space(job.folder, 3 * pixels)
    for split, shape in shapes.items():
        npy.create(packed.images_path(job.folder, split), shape)
    items = list(_items(drawn))
    with (
        stop_on_signal() as stop,
        progress("Corrupting", sum(len(item.members) for item in items)) as bar,
        closing(work_on(items, job.write, workers or default_workers(pixels), stop)) as written,
    ):
        for item in written:
            bar.advance(len(item.members))


def _finish(
    folder: Path, dataset: Dataset, corruptor: Corruptor, origin: Origin, description: Mapping[str, Any]
) -> None:
    splits = (dataset.train, dataset.val)
    note = (
        f"Every picture carries one of {len(description['corruptions'])} corruptions at one of "
        f"{len(description['severities'])} severities, drawn by its id ({TABLE} says which; preset {corruptor.preset}, "
        f"seed {corruptor.seed}), made from {dataset.name}, content {dataset.content_hash[:12]}…"
    )
    packed.finish(
        folder,
        f"{dataset.name}-one-per-image",
        dataset.classes,
        {split.name: split.labels for split in splits},
        {split.name: list(split.ids) for split in splits},
        origin,
        [*manifest.notes(dataset, corruptor), note],
        description,
    )


def _table(sources: Mapping[str, PackedPictures], drawn: Mapping[str, Sequence[CellKey]]) -> str:
    lines = (
        (split, as_text(each), *cell)
        for split, pictures in sources.items()
        for each, cell in zip(pictures.ids, drawn[split], strict=True)
    )
    return csv_text(("split", "id", "corruption", "severity"), lines)
