"""Tables on the terminal."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from rugged.core.catalogue import display_name
from rugged.core.notes import folded
from rugged.core.tables import Table as Values
from rugged.core.wording import harmless
from rugged.report import (
    MARKS_NOTE,
    ComparedRow,
    ComparedRuns,
    HeadlineRow,
    caveats,
    change_tables,
    error_rows,
    full_extent,
    headline_rows,
    mce_label,
    stability_means,
    stability_rows,
    stability_title,
    variant_rows,
)
from rugged.report.charts import percent
from rugged.report.extent import drift_extent, images
from rugged.results import Explanations, Stability, Summary
from rugged.results.explanations import DriftResult, PointingResult

if TYPE_CHECKING:
    from rugged.predict import Row

_SHORT = 30
"""Characters of a value that is never broken over lines."""

_LABEL = 36
"""Characters of a row's name that stand on one line. One that lists corruptions is longer, and wrapped."""

_MARKS = {"better": "+", "worse": "−", "": " "}


def print_results(summaries: Sequence[Summary]) -> None:
    """Print the figures of one or more models, the error table of the first, and what to bear in mind."""
    first = summaries[0]
    variants = [_variants(first)] if first.variants else []
    changes = change_tables(first)
    errors = [_errors(first)] if first.conditions.corruptions else []
    _print(
        [_headlines(summaries, headline_rows(summaries)), *variants, *errors, *map(_of_values, changes)],
        [
            *_explanations(first),
            *([MARKS_NOTE] if changes else []),
            *(f"{variant.label}: {variant.how}" for variant in first.variants),
            *(f"Note: {caveat}" for caveat in caveats(summaries)),
        ],
    )


def print_comparison(compared: ComparedRuns) -> None:
    """Print the figures of several models, how the others differ from the first, and CE for each corruption."""
    first, *others = [summary.model.name for summary in compared.summaries]
    title = f"Difference from {first}, in points"
    differences = _models(title, "With 95% interval", others, _marked(compared.differences))
    level = f"With {compared.level} interval"
    rows = [(row.label, *row.values) for row in compared.errors]
    under = (
        _models(f"{title}, by corruption", level, others, _marked(compared.by_corruption)),
        _models(compared.errors_title, "Corruption", [first, *others], rows),
    )
    families = "corruptions hold together in 95 cases of 100, and so do those on classes"
    lines = [
        *_explanations(compared.summaries[0]),
        "+ better and − worse beyond doubt: the interval leaves out zero, and a paired test on the same images agrees. "
        f"Of each model, all verdicts on {families if rows else 'classes hold together in 95 cases of 100'}.",
        *(f"Note: {caveat}" for caveat in compared.caveats),
    ]
    more = [compared.kept, *compared.classes, *compared.stability, *compared.variants]
    tables = [_headlines(compared.summaries, compared.headlines), differences, *(under if rows else ())]
    _print([*tables, *map(_of_values, more)], lines)


def _marked(rows: Sequence[ComparedRow]) -> list[tuple[str, ...]]:
    return [
        (row.label, *(f"{value} {_MARKS[verdict]}" for value, verdict in zip(row.values, row.verdicts, strict=True)))
        for row in rows
    ]


def print_stability(stability: Stability) -> None:
    """Print the figures of perturbation sequences, and what to bear in mind."""
    table = Table(title=harmless(stability_title(stability)))
    table.add_column("Sequence", no_wrap=True)
    for title in ("Flip probability", "Top-5 distance", "Error"):
        table.add_column(title, justify="right")
    for row in stability_rows(stability):
        table.add_row(row.label, row.flip_probability, row.top5_distance, row.error)
    _print([table], [*stability_means(stability), *(f"Note: {note}" for note in folded(stability.notes))])


def print_tables(tables: Sequence[Values], lines: Sequence[str] = ()) -> None:
    """Print tables of plain values, fractions in percent, and what to bear in mind. Empty tables are left out."""
    _print(
        [_of_values(values) for values in tables if values.rows],
        ["Top-1, top-5, shares and probabilities are in percent.", *lines],
    )


def print_predictions(rows: "Iterable[Row]") -> None:
    """Print each picture's most probable classes as they come, under one head."""
    console = Console(highlight=False, emoji=False, markup=False)
    room = max(40, console.width - 15)  # Beside the probabilities and the gaps.
    widths = (room // 2, room - room // 2, 11)
    head = True
    for row in rows:
        table = Table(box=None, show_header=head, pad_edge=False)
        for title, width in zip(("Picture", "Class", "Probability"), widths, strict=True):
            table.add_column(title, width=width, justify="right" if title == "Probability" else "left", overflow="fold")
        for place, guess in enumerate(row.guesses):
            name = guess.name if guess.name == guess.id else f"{guess.name} ({guess.id})"
            table.add_row(
                Text("" if place else harmless(row.source.name)), Text(harmless(name)), percent(guess.probability)
            )
        if row.error is not None:
            table.add_row(Text(harmless(row.source.name)), Text(harmless(row.error), style="red"), "–")
        console.print(table)
        head = False


def print_restoration(tables: Sequence[Values], notes: Sequence[str]) -> None:
    """Print how near a restorer comes to clean pictures, and what to bear in mind."""
    lines = [
        "PSNR is in decibels, at most 60 a picture; SSIM is 1 for the same picture. Means over the severities, in "
        "brackets 95% intervals; differences are on the same pictures.",
        *(f"Note: {note}" for note in folded(notes)),
    ]
    _print([_of_values(values) for values in tables], lines)


def _of_values(values: Values) -> Table:
    rows = [tuple(map(harmless, row)) for row in values.words(digits=1)]
    table = Table(title=harmless(values.title))
    for place, column in enumerate(map(harmless, values.columns)):
        longest = max(cell_len(row[place]) for row in rows)
        word = max(map(len, column.split()))
        text = any(isinstance(row[place], str) for row in values.rows)
        table.add_column(
            column,
            justify="left" if text else "right",
            width=max(longest, word) if longest <= _SHORT else None,
            overflow="fold",
        )
    for row in rows:
        table.add_row(*row)
    return table


def print_explanations(explanations: Explanations) -> None:
    """Print how far maps move under each corruption, how often they point at the object, and which layers were read."""
    tables = []
    for index, model in enumerate(explanations.models):
        for method in explanations.methods:
            drifts = [each for each in explanations.drifts if (each.model, each.method) == (index, method)]
            if drifts:
                tables.append(_drifts(f"Drift of {method}, {model.name}", drifts))
    lines = [f"{model.name}: Grad-CAM at {model.layer}" for model in explanations.models if model.layer is not None]
    lines += [_pointing(explanations, each) for each in explanations.pointing]
    _print(tables, [*lines, *(f"Note: {note}" for note in folded(explanations.notes))])


def _drifts(title: str, drifts: Sequence[DriftResult]) -> Table:
    table = Table(title=harmless(f"{title}: mean over {drift_extent(drifts)}"))
    table.add_column("Corruption", no_wrap=True)
    levels = sorted({each.severity for each in drifts})
    for level in levels:
        table.add_column(str(level), justify="right", min_width=11)  # An interval is as long.
    for name in dict.fromkeys(each.corruption for each in drifts):
        row = {each.severity: each for each in drifts if each.corruption == name}
        cells = []
        for level in levels:
            mean, ends = row[level].mean, row[level].interval
            bracket = "" if ends is None else f"\n({ends[0]:.2f}–{ends[1]:.2f})"
            cells.append("–" if mean is None else f"{mean:.2f}{bracket}")
        table.add_row(display_name(name), *cells)
    return table


def _pointing(explanations: Explanations, result: PointingResult) -> str:
    low, high = result.interval
    parts = [
        f"{percent(result.share)} ({percent(low)}–{percent(high)}) of n = {result.images:,} pictures",
        f"always the middle: {percent(result.centre_share)}",
    ]
    if result.correct_share is not None:
        parts.insert(1, f"{percent(result.correct_share)} of the {result.correct_images:,} classified right")
    if result.off_centre_share is not None:
        parts.append(f"{percent(result.off_centre_share)} of the {result.off_centre_images:,} with nothing there")
    return f"Pointing game, {explanations.models[result.model].name}, {result.method}: {'; '.join(parts)}."


def _print(tables: Sequence[Table], lines: Sequence[str]) -> None:
    console = Console(highlight=False, markup=False, emoji=False)
    console.width = max([console.width, *(_least_width(console, table) for table in tables)])
    for table in tables:
        console.print(table)
    for line in lines:
        console.print(harmless(line))


def _least_width(console: Console, table: Table) -> int:
    """Below this the first column would be cut, and better a line too long than two models whose names look alike."""
    return Measurement.get(console, console.options.update(max_width=1000), table).minimum


def _headlines(summaries: Sequence[Summary], rows: Sequence[HeadlineRow]) -> Table:
    conditions = summaries[0].conditions
    title = f"{conditions.collection or conditions.dataset}, {conditions.split}, n = {images(summaries[0])}"
    names = [summary.model.name for summary in summaries]
    return _models(title, "With 95% interval", names, [(row.label, *row.values) for row in rows])


def _variants(summary: Summary) -> Table:
    names = ["plain", *(variant.label for variant in summary.variants)]
    rows = [(row.label, *row.values) for row in variant_rows(summary)]
    return _models(f"Test-time variants of {summary.model.name}", "With 95% interval", names, rows)


def _models(title: str, corner: str, names: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """A table with a column a model, after that of the rows' names."""
    table = Table(title=harmless(title))
    table.add_column(corner, width=min(_LABEL, max(map(len, (corner, *(row[0] for row in rows))))))
    for name in names:
        table.add_column(harmless(name), justify="right", overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def _errors(summary: Summary) -> Table:
    table = Table(title=harmless(f"Error of {summary.model.name} by severity, in percent"))
    table.add_column("Corruption", no_wrap=True)
    for title in (*map(str, summary.conditions.severities), "Mean", "CE"):
        table.add_column(title, justify="right", no_wrap=True)
    for row in error_rows(summary):
        figures = (*row.errors, row.mean, row.ce)
        # Seven percent signs would not leave room for the name of a corruption.
        table.add_row(row.label, *(percent(value).rstrip("%") for value in figures))
    return table


def _explanations(summary: Summary) -> list[str]:
    lines = [f"Corrupted top-1 is over {full_extent(summary)}."] if summary.conditions.corruptions else []
    if summary.mce is not None:
        baseline = summary.mce.baseline
        lines.append(f"{mce_label(summary)} is relative to {baseline.name} ({baseline.architecture}): lower is better.")
    return lines
