"""The subject of a page: its predictions, its classes and its pictures, read once for all sections."""

from collections.abc import Sequence
from dataclasses import dataclass

from rugged.analyze import Cells
from rugged.core.errors import ResultsError
from rugged.report.reading import ReportedRun
from rugged.results import CLEAN, Classes, Pictures, RunFolder, Summary, read_classes, read_measured, read_pictures


@dataclass(frozen=True)
class Subject:
    """One benchmarked run with everything that was saved of it.

    Attributes:
        folder: Where it lies.
        summary: Of its benchmark.
        cells: Its predictions.
        classes: What the labels mean.
        pictures: Small pictures; None where the benchmark kept none.
    """

    folder: RunFolder
    summary: Summary
    cells: Cells
    classes: Classes
    pictures: Pictures | None

    @property
    def names(self) -> Sequence[str]:
        """What people call each class, by label."""
        return self.classes.shown


def read_subject(run: ReportedRun) -> Subject:
    """Read what was saved of a run.

    Raises:
        ResultsError: Predictions, classes or pictures are damaged, or not about what the summary says.
    """
    conditions = run.summary.conditions
    classes = read_classes(run.folder.classes, conditions.classes)
    cells = read_measured(run.folder, conditions)
    pictures = read_pictures(run.folder.pictures)
    if pictures is not None:
        _require_shown(run.folder, pictures, cells, len(classes))
    return Subject(run.folder, run.summary, cells, classes, pictures)


def _require_shown(run: RunFolder, pictures: Pictures, cells: Cells, classes: int) -> None:
    """Refuse an index of pictures that shows what was not measured, or calls it another class."""
    if len(pictures.sheets.ids) != classes:
        raise ResultsError(f"{run.pictures} shows other classes than {run.classes}. Run `rugged benchmark` again.")
    clean, *_, corrupted = cells.values()
    truths = [dict(zip(cell.ids, cell.labels.tolist(), strict=True)) for cell in (clean, corrupted)]
    for strip in pictures.strips:
        for corruption, severity in strip.cells:
            known = (corruption, severity) in cells and truths[corruption != CLEAN].get(strip.id) == strip.label
            if not known:
                raise ResultsError(
                    f"{run.pictures} shows {strip.id!r} under {corruption}-{severity}, which the predictions lack or "
                    "know as another class. Run `rugged benchmark` again."
                )
