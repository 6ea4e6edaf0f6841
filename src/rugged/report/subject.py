"""The subject of a page: its predictions, its classes and its pictures, read once for all sections."""

from collections.abc import Sequence
from dataclasses import dataclass

from rugged.analyze import Cells
from rugged.core.errors import ResultsError
from rugged.report.reading import ReportedRun, require_size
from rugged.results import Cell, Classes, Pictures, RunFolder, Summary, read_cells, read_classes, read_pictures


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
    classes = read_classes(run.folder.classes)
    conditions = run.summary.conditions
    if len(classes) != conditions.classes:
        raise ResultsError(
            f"{run.folder.classes} lists {len(classes):,} classes, the summary is about {conditions.classes:,}. "
            "Run `rugged benchmark` again."
        )
    cells = read_cells(run.folder.predictions, conditions.cells)
    for cell in cells.values():
        _require_fitting(run, cell)
    return Subject(run.folder, run.summary, cells, classes, read_pictures(run.folder.pictures))


def _require_fitting(run: ReportedRun, cell: Cell) -> None:
    require_size(run, cell)
    if max(cell.labels.max(), cell.top.max()) >= run.summary.conditions.classes:
        raise ResultsError(
            f"The predictions for {cell.corruption}-{cell.severity} in {run.folder.predictions} name classes that "
            f"{run.folder.classes} does not have. Run `rugged benchmark` again."
        )
