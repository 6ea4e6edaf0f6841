"""The report as files for other readers: Markdown with its pictures, for a repository, or a folder of CSV tables."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

from rugged.analyze import (
    Analysis,
    BenchmarkedRun,
    analyse,
    overview_lines,
    overview_tables,
    shipped_groups,
    write_all_tables,
)
from rugged.core.catalogue import display_name
from rugged.core.files import atomic_path, expanded, require_replaceable, write_text
from rugged.core.tables import Table, as_csv, markdown_table
from rugged.report import overview
from rugged.report.changes import MARKS_NOTE, change_tables
from rugged.report.charts import STYLES
from rugged.report.extent import full_extent, images, mce_label, no_mce_reason
from rugged.report.gallery import gallery_strips
from rugged.report.headlines import headline_rows
from rugged.report.reading import read_runs, read_shown, relative_to_one
from rugged.report.tables import accuracy_rows, error_rows
from rugged.results import Strip, Summary

_SPECIAL = re.compile(r"([\\`*_\[\]#~])")


def write_markdown(runs: Sequence[str | Path], out: str | Path) -> Path:
    """Write the report as Markdown, and its pictures into a folder beside it that is named after it.

    The same results give the same bytes.

    Args:
        runs: Run folders, the subject first.
        out: The file.

    Returns:
        ``out``.

    Raises:
        RuggedError: As ``rugged.report.write_report``.
    """
    out = expanded(out)
    require_replaceable(out, ".md", ".markdown", ".txt")
    read = read_runs(runs, limit=STYLES)
    subject, kept = read[0], read_shown(read[0])
    folder = out.with_name(f"{out.stem}-pictures")
    strips = [] if kept is None else gallery_strips(subject.folder, kept, "lost")
    shown = _pictures(subject, [strip for strip, _ in strips], folder.name)
    text = "\n\n".join([*_summary(read), *_analysis(subject), *shown]) + "\n"
    pictures = {folder / f"lost-{number:02}.png": picture for number, (_, picture) in enumerate(strips, 1)}
    for path, picture in pictures.items():
        with atomic_path(path) as temporary:
            picture.save(temporary, "PNG")
    write_text(out, text)
    for stale in set(folder.glob("lost-[0-9][0-9].png")) - set(pictures):  # Of a report with more of them.
        stale.unlink()
    return out


def write_tables(runs: Sequence[str | Path], folder: str | Path) -> Path:
    """Write every table of the report as CSV: fractions stay fractions, and no name becomes a formula.

    Args:
        runs: Run folders, the subject first.
        folder: Where to.

    Returns:
        ``folder``.

    Raises:
        RuggedError: As ``rugged.report.write_report``.
    """
    folder, read = expanded(folder), read_runs(runs, limit=STYLES)
    summaries = [run.summary for run in relative_to_one(read)[0]]
    found = {
        "accuracy": _accuracy(summaries),
        "errors": errors_table(summaries),
        "conditions": _conditions(summaries),
    }
    analysis = _analyse(read[0])
    for name, table in found.items():
        write_text(folder / f"{name}.csv", as_csv(table))
    write_all_tables(analysis, folder)
    return folder


def escape_markdown(text: str) -> str:
    """Text that Markdown shows as it is, on one line: no class's name becomes a tag, heading or link in brackets."""
    line = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SPECIAL.sub(r"\\\1", line)


def _summary(runs: Sequence[BenchmarkedRun]) -> Iterator[str]:
    relative, left_out = relative_to_one(runs)
    summaries = [run.summary for run in relative]
    subject = summaries[0]
    yield f"# {escape_markdown(subject.model.name)}: robustness report"
    yield escape_markdown(overview.finding(subject))
    heads = ("Figure", *(summary.model.name for summary in summaries))
    rows = tuple((row.label, *row.values) for row in headline_rows(summaries))
    yield shown(Table("", heads, rows))
    yield (
        f"n = {images(subject)}. In brackets 95% intervals. Figures under corruption are means over "
        f"{full_extent(subject)}."
    )
    yield "## Before you quote a number"
    notes = [*left_out, *overview.caveats(summaries)]
    yield "\n".join(f"- {escape_markdown(note)}" for note in [*notes, "The conditions stand at the end."])
    yield "## Errors by corruption"
    yield f"In percent. {_about_ce(next((one for one in summaries if one.mce), subject))}"
    for summary in summaries:
        if len(summaries) > 1:
            yield f"### {escape_markdown(summary.model.name)}"
        yield shown(errors_table([summary]).without("Model"))
    changes = change_tables(subject)
    for table in changes:
        yield f"### {escape_markdown(table.title)}"
        yield shown(table)
    if changes:
        yield MARKS_NOTE


def _about_ce(summary: Summary) -> str:
    if summary.mce is None:
        return f"There is no CE, since {no_mce_reason(summary)}."
    name = escape_markdown(summary.mce.baseline.name)
    return f"CE is the error relative to that of {name}; {mce_label(summary)} is the mean of CE over the benchmark."


def _analysis(subject: BenchmarkedRun) -> Iterator[str]:
    found = _analyse(subject)
    yield "## Classes, confusions, calibration"
    yield "\n".join(f"- {escape_markdown(line)}" for line in overview_lines(found))
    for table in overview_tables(found):
        yield f"### {escape_markdown(table.title)}"
        yield shown(table)


def _pictures(subject: BenchmarkedRun, strips: Sequence[Strip], folder: str) -> Iterator[str]:
    if strips:
        yield "## Lost as severity grows"
        yield "Each picture clean, where the clean ones are the same, and then at rising severity."
    for number, strip in enumerate(strips, 1):
        name, corruption = escape_markdown(subject.classes.shown[strip.label]), display_name(strip.corruption)
        cells = [subject.cells[cell] for cell in strip.cells]
        places = [cell.ids.index(strip.id) for cell in cells]
        answers = [subject.classes.shown[cell.top[place, 0]] for cell, place in zip(cells, places, strict=True)]
        yield f"**{name}**, {corruption}. Taken for: {escape_markdown(', '.join(answers))}."
        yield f"![{name}, {corruption}]({quote(folder)}/lost-{number:02}.png)"
    yield "## Conditions"
    yield shown(_conditions([subject.summary]).without("Model"))


def _analyse(subject: BenchmarkedRun) -> Analysis:
    return analyse(subject.cells, subject.classes, shipped_groups(subject.classes))


def _accuracy(summaries: Sequence[Summary]) -> Table:
    columns = ("Model", "Architecture", "Parameters", "Clean top-1", "Clean top-5", "Mean corruption accuracy")
    rows = tuple(
        (
            row.model,
            row.architecture,
            row.parameters,
            row.clean_top1,
            row.clean_top5,
            row.mean_corruption_accuracy,
            row.mce,
        )
        for row in accuracy_rows(summaries)
    )
    return Table("Accuracy", (*columns, mce_label(summaries[0])), rows)


def errors_table(summaries: Sequence[Summary]) -> Table:
    """Each model's error at each severity of each corruption, with CE where there is a baseline."""
    levels = summaries[0].conditions.severities
    rows = tuple(
        (summary.model.name, row.label, *row.errors, row.mean, row.ce)
        for summary in summaries
        for row in error_rows(summary)
    )
    return Table("Errors by corruption", ("Model", "Corruption", *map(str, levels), "Mean", "CE"), rows)


def _conditions(summaries: Sequence[Summary]) -> Table:
    rows = tuple(
        (summary.model.name, fact.term, fact.full or fact.value)
        for summary in summaries
        for fact in (*overview.facts(summary), *overview.making(summary))
    )
    return Table("Conditions", ("Model", "Condition", "Value"), rows)


def shown(table: Table) -> str:
    """A table as Markdown, whatever its texts hold."""
    rows = tuple(
        tuple(escape_markdown(value) if isinstance(value, str) else value for value in row) for row in table.rows
    )
    return markdown_table(replace(table, columns=tuple(map(escape_markdown, table.columns)), rows=rows))
