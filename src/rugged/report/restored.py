"""What a restorer does for the classifier: errors with and without it, and pictures as they are and restored."""

from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image

from rugged.analyze import BenchmarkedRun, Cells, predictions_at
from rugged.core.catalogue import display_name
from rugged.core.tables import Table
from rugged.report.changes import change_table, restorer_caveat
from rugged.report.charts import BarChart, Series, bar_chart
from rugged.report.embedding import read_picture
from rugged.report.gallery import Exhibit, ExhibitRow, exhibit
from rugged.results import (
    CLEAN,
    Strip,
    Summary,
    VariantResult,
    read_cell,
    read_restored,
    require_fitting,
    restored_path,
)


@dataclass(frozen=True)
class RestoredView:
    """What the page says of one restorer.

    Attributes:
        variant: Its figures.
        table: What it changes.
        chart: Errors with and without it.
        caveat: What a reader must bear in mind; empty for nothing.
        rows: Pictures, in each cell as they are and restored, with the classifier's answers; none where none were kept.
    """

    variant: VariantResult
    table: Table
    chart: BarChart
    caveat: str
    rows: tuple[ExhibitRow, ...]


def view_restored(subject: BenchmarkedRun) -> tuple[RestoredView, ...]:
    """What the page says of each restorer that stood before the subject.

    Raises:
        ResultsError: Pictures, or predictions of restored pictures that these need, are missing or damaged.
    """
    found = []
    for variant in subject.summary.variants:
        table = change_table(subject.summary, variant)
        if variant.restorer is not None and table is not None:
            chart, rows = _chart(subject.summary, variant), tuple(_rows(subject, variant))
            found.append(RestoredView(variant, table, chart, restorer_caveat(variant), rows))
    return tuple(found)


def _chart(summary: Summary, variant: VariantResult) -> BarChart:
    pairs = [
        ("Clean", (summary.clean.error,), (variant.clean.error,)),
        *(
            (display_name(name), one.error, variant.corruptions[name].error)
            for name, one in summary.corruptions.items()
        ),
    ]
    names = ("plain", variant.label)
    rows = [
        (label, [Series(name, style, (sum(errors) / len(errors),)) for style, (name, errors) in enumerate(each)])
        for label, each in ((label, zip(names, errors, strict=True)) for label, *errors in pairs)
    ]
    return bar_chart(rows, normalised=False)


def _rows(subject: BenchmarkedRun, variant: VariantResult) -> Iterator[ExhibitRow]:
    folder = subject.folder.variant(variant.name)
    kept = read_restored(folder)
    if kept is None:
        return
    page = read_picture(restored_path(folder), (kept.columns * kept.width, len(kept.strips) * kept.height))
    wanted = {cell for strip in kept.strips for cell in strip.cells}
    restored = {cell: read_cell(folder, *cell) for cell in sorted(wanted)}
    for cell in restored.values():
        require_fitting(subject.folder, subject.summary.conditions, cell)
    for number, strip in enumerate(kept.strips):
        top = number * kept.height
        parts = [
            page.crop((column * kept.width, top, (column + 1) * kept.width, top + kept.height))
            for column in range(2 * len(strip.cells))
        ]
        exhibits = tuple(_exhibits(subject, restored, strip, parts))
        yield ExhibitRow(subject.classes.shown[strip.label], display_name(strip.corruption), exhibits)


def _exhibits(subject: BenchmarkedRun, restored: Cells, strip: Strip, parts: list[Image.Image]) -> Iterator[Exhibit]:
    """Each cell's picture as it is and restored, with the answers to both."""
    for place, key in enumerate(strip.cells):
        pair = zip(parts[2 * place : 2 * place + 2], (subject.cells, restored), ("", ", restored"), strict=True)
        for picture, cells, suffix in pair:
            row = cells[key].ids.index(strip.id)
            where = "clean" if key[0] == CLEAN else f"severity {key[1]}"
            yield exhibit(subject.classes.shown, picture, predictions_at(cells[key], [row])[0], f"{where}{suffix}")
