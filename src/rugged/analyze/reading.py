"""Reads what a question about a benchmarked run needs: its summary, its classes and its predictions."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from rugged.analyze.selection import Cells
from rugged.core.errors import ResultsError
from rugged.results import Classes, RunFolder, Summary, read_benchmark, read_classes, read_measured


@dataclass(frozen=True)
class BenchmarkedRun:
    """A benchmarked run. Classes and predictions are read when they are first asked for.

    They raise ``ResultsError`` where they are missing, damaged, or not about what the summary says.

    Attributes:
        folder: Where it lies.
        summary: Of its benchmark.
    """

    folder: RunFolder
    summary: Summary

    @cached_property
    def classes(self) -> Classes:
        """What the labels mean."""
        return read_classes(self.folder.classes, self.summary.conditions.classes)

    @cached_property
    def cells(self) -> Cells:
        """The predictions that the summary names."""
        return read_measured(self.folder, self.summary)


def _runs_in(folder: Path) -> list[str]:
    """The benchmarked run folders in a folder, as far as it can be read."""
    try:
        return sorted(str(path) for path in folder.iterdir() if RunFolder(path).summary.exists())
    except OSError:
        return []


def read_run(folder: str | Path, *, clean_alone: bool = False) -> BenchmarkedRun:
    """Read a benchmarked run.

    Args:
        folder: The run folder.
        clean_alone: Whether figures of clean pictures alone will do.

    Raises:
        ResultsError: There is no such folder, or it has no benchmark that can be read, or that of a
            model that was trained anew since, or of clean pictures alone where these will not do.
    """
    run = RunFolder(folder)
    if not run.path.is_dir():
        raise ResultsError(f"{folder} is not a run folder: there is no such folder. Check the path.")
    if not any(file.exists() for file in (run.summary, run.model, run.manifest)) and (inner := _runs_in(run.path)):
        raise ResultsError(f"{folder} is no run folder, but holds some: name {' or '.join(inner)}.")
    summary = read_benchmark(run)
    if not summary.conditions.corruptions and not clean_alone:
        raise ResultsError(
            f"{folder} has figures of clean pictures alone, and nothing to show beside them. Run `rugged benchmark` "
            "with corruptions."
        )
    return BenchmarkedRun(run, summary)
