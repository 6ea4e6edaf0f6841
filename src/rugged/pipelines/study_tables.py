"""A study's tables, from saved results only: as Markdown to read and as CSV to compute with."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rugged.core.catalogue import ALL, BENCHMARK, display_name
from rugged.core.errors import ResultsError
from rugged.core.files import write_text
from rugged.core.notes import folded
from rugged.core.tables import Table, Value, as_csv, markdown_table
from rugged.metrics import error_rate
from rugged.pipelines.study import MEASURED, Row, Study, StudyFolder, command_for, stamp_on_copy, state
from rugged.report import accuracy_rows, error_rows, full_extent, mce_label
from rugged.results import (
    CLEAN,
    RunFolder,
    Summary,
    differences,
    load_baseline,
    normalise,
    read_cell,
    read_summary,
)


@dataclass(frozen=True)
class StudyTables:
    """All there is to say about a study so far.

    Attributes:
        accuracy: Clean, one-per-image and mean corruption accuracy, and mCE: a row each.
        errors: CE per corruption, or the mean error where there is no baseline: a row each.
        notes: What a reader must know.
        missing: Rows that are not finished: name, state, and the command that goes on with them.
    """

    accuracy: Table
    errors: Table
    notes: tuple[str, ...]
    missing: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True)
class _OnCopy:
    """Top-1 and top-5 accuracy on the copy's validation pictures, with what tells which pictures these were."""

    top1: float
    top5: float
    images: int
    content_hash: str


@dataclass(frozen=True)
class _Measured:
    """What is saved of a row."""

    row: Row
    summary: Summary
    on_copy: _OnCopy | None
    without_mce: str | None = None


def study_tables(study: Study, name: str, out: Path, data: str = "DATA") -> StudyTables:
    """Read what a study's rows have come to.

    Args:
        study: The study.
        name: As the command line takes it, for the commands.
        out: Its folder.
        data: The data set as the command line takes it, for the commands.

    Raises:
        ResultsError: A saved result is damaged.
    """
    folder = StudyFolder(out)
    states = [(row, state(study, row, folder)) for row in study.rows]
    baseline, why_none = _baseline(study, folder, states[0][1])
    found = [_measured(study, row, folder, baseline) for row, how in states if how in MEASURED]
    kept, notes = _comparable(found)
    return StudyTables(
        accuracy=_accuracies(study, kept),
        errors=_errors(study, kept),
        notes=(*_conditions(kept), *(why_none if kept else ()), *notes),
        missing=tuple((row.name, how, command_for(name, row, data, out)) for row, how in states if how != "done"),
    )


def write_study_tables(tables: StudyTables, name: str, out: Path) -> str:
    """Write ``tables.md``, ``accuracy.csv`` and ``errors.csv`` into the study's folder.

    Returns:
        The Markdown.
    """
    text = as_markdown(tables, name)
    target = StudyFolder(out).tables
    write_text(target, text)
    write_text(target.with_name("accuracy.csv"), as_csv(tables.accuracy))
    write_text(target.with_name("errors.csv"), as_csv(tables.errors))
    return text


def as_markdown(tables: StudyTables, name: str) -> str:
    """The tables with their notes, and what is still to be run, as one Markdown text."""
    parts = [f"# Study {Path(name).stem}"]
    for table in (tables.accuracy, tables.errors):
        parts += [f"## {table.title}", markdown_table(table) if table.rows else "Nothing has been measured yet."]
    if tables.notes:
        parts.append("\n".join(f"- {note}" for note in tables.notes))
    if tables.missing:
        lines = (f"- `{row}` ({how}): `{command}`" for row, how, command in tables.missing)
        parts += ["## Still to be run", "\n".join(lines)]
    return "\n\n".join(parts) + "\n"


def _baseline(study: Study, folder: StudyFolder, how: str) -> tuple[RunFolder | None, tuple[str, ...]]:
    """The run folder of the study's baseline; None where its figures are not those of its model and recipe, and why."""
    if study.baseline is None or how in MEASURED:
        return (None if study.baseline is None else folder.run(study.rows[0])), ()
    return None, (f"No row has CE or mCE: the baseline {study.rows[0].name} is {how}.",)


def _measured(study: Study, row: Row, folder: StudyFolder, baseline: RunFolder | None) -> _Measured:
    """A row's figures, relative to the study's baseline and to no other."""
    saved = read_summary(folder.run(row).summary)
    results = {name: replace(result, ce=None) for name, result in saved.corruptions.items()}
    summary = replace(saved, mce=None, corruptions=results)
    on_copy = _on_copy(study, row, folder, summary)
    if baseline is None:
        return _Measured(row, summary, on_copy)
    try:
        return _Measured(row, normalise(summary, load_baseline(baseline.path, summary.conditions)), on_copy)
    except ResultsError as error:
        return _Measured(row, summary, on_copy, f"{row.name} has no mCE: {error}")


def _on_copy(study: Study, row: Row, folder: StudyFolder, summary: Summary) -> _OnCopy | None:
    """None where the model was not measured there, or it or the copy was made anew since."""
    stamp = stamp_on_copy(study, row, folder, summary.model.sha256)
    if stamp is None:
        return None
    cell = read_cell(folder.on_copy(row), CLEAN, 0)
    top1, top5 = 1 - error_rate(cell.correct), 1 - error_rate(cell.in_top5)
    return _OnCopy(top1, top5, len(cell.ids), stamp.provenance["content_hash"])


def _comparable(found: Sequence[_Measured]) -> tuple[list[_Measured], list[str]]:
    """Keep what was measured as the first row was, and say of the others how they differ."""
    kept, notes = [], []
    for one in found:
        here, first = one.summary.conditions, found[0].summary.conditions
        apart = differences(first, here)
        if here.averaged != first.averaged:
            apart.append(f"means are over {', '.join(here.averaged)}")
        if apart:
            notes.append(
                f"{one.row.name} is left out, since it was measured under other conditions: {'; '.join(apart)}."
            )
        else:
            kept.append(one)
    return kept, notes


def _accuracies(study: Study, kept: Sequence[_Measured]) -> Table:
    copied = study.one_per_image is not None
    rows: list[tuple[Value, ...]] = []
    for one in kept:
        (figures,) = accuracy_rows([one.summary])
        here = one.on_copy
        shown_top5 = here.top5 if here and figures.clean_top5 is not None else None
        on_copy = (here.top1 if here else None, shown_top5) if copied else ()
        seen = len(one.summary.seen_in_training)
        rows.append(
            (
                one.row.name, _pictures(one.row), figures.clean_top1, figures.clean_top5, *on_copy,
                figures.mean_corruption_accuracy, figures.mce, seen,
            )
        )  # fmt: skip
    label = next((mce_label(one.summary) for one in kept if one.summary.mce is not None), "mCE")
    columns = (
        "Row", "Trained on", "Clean top-1", "Clean top-5",
        *(("One-per-image top-1", "One-per-image top-5") if copied else ()),
        "Mean corruption accuracy", label, "Benchmark corruptions seen in training",
    )  # fmt: skip
    return Table("Accuracy", columns, tuple(rows))


def _pictures(row: Row) -> str:
    return "clean" if row.data == "clean" else "one-per-image"


def _errors(study: Study, kept: Sequence[_Measured]) -> Table:
    measured = {name for one in kept for name in one.summary.conditions.corruptions}
    names = [name for name in ALL if name in measured]
    rows = [(one.row.name, *_by_corruption(one.summary, names, ce=study.baseline is not None)) for one in kept]
    title = "Mean error" if study.baseline is None else f"Corruption error relative to {study.rows[0].name}"
    return Table(title, ("Row", *map(display_name, names)), tuple(rows))


def _by_corruption(summary: Summary, names: Sequence[str], *, ce: bool) -> list[float | None]:
    errors = {row.corruption: row.ce if ce else row.mean for row in error_rows(summary)}
    return [errors.get(name) for name in names]


def _conditions(kept: Sequence[_Measured]) -> list[str]:
    """What the figures are of, and the notes of the summaries, each once with the rows it is about."""
    if not kept:
        return []
    first = kept[0].summary
    where = first.conditions
    lines = [
        f"In percent. Clean: the {where.split} split of {where.dataset}, n = {where.images:,}. Mean corruption "
        f"accuracy is over {full_extent(first)}, corrupted {where.route} (preset {where.preset}, "
        f"frost textures {where.textures}).",
        *(one.without_mce for one in kept if one.without_mce),
    ]
    copies = {(one.on_copy.images, one.on_copy.content_hash) for one in kept if one.on_copy}
    lines += [f"One-per-image: n = {images:,}, content {content[:12]}…" for images, content in sorted(copies)]
    if len(copies) > 1:
        lines.append("The rows were not measured on the same one-per-image pictures: run the study again.")
    if any(one.summary.seen_in_training for one in kept):
        lines.append(
            f"A row that has seen some of the {len(BENCHMARK)} corruptions in training says there how well they were "
            "learned, not how it does under corruptions it has never seen."
        )
    about: dict[str, list[str]] = {}
    for one in kept:
        for note in folded(one.summary.notes):
            about.setdefault(note, []).append(one.row.name)
    return lines + [note if len(rows) == len(kept) else f"{', '.join(rows)}: {note}" for note, rows in about.items()]
