"""Reads what a question about a benchmarked run needs: its summary, its classes and its predictions."""

from dataclasses import dataclass
from pathlib import Path

from rugged.analyze.selection import Cells
from rugged.core.errors import ResultsError
from rugged.results import Classes, RunFolder, Summary, read_classes, read_measured, read_summary


@dataclass(frozen=True)
class MeasuredRun:
    """A benchmarked run: its summary, its classes, and the predictions that the summary names."""

    summary: Summary
    classes: Classes
    cells: Cells


def read_run(folder: str | Path) -> MeasuredRun:
    """Read a benchmarked run.

    Raises:
        ResultsError: There is no such folder, it has no benchmark, or part of it is missing, damaged or of another one.
    """
    run = RunFolder(folder)
    if not run.path.is_dir():
        raise ResultsError(f"{folder} is not a run folder: there is no such folder. Check the path.")
    summary = read_summary(run.summary)
    classes = read_classes(run.classes, summary.conditions.classes)
    return MeasuredRun(summary, classes, read_measured(run, summary.conditions))
