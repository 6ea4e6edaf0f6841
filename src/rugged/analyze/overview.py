"""Everything that a run's predictions say about the model as a whole, and its tables."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from rugged.analyze import tables
from rugged.analyze.calibration import CalibrationTable, calibration_table
from rugged.analyze.classes import ClassTable, class_table, rank_classes
from rugged.analyze.confusions import Confusion, Counts, Shift, confused_pairs, confusion_matrix, mutual_pairs, shifts
from rugged.analyze.failures import NEVER, Failures, failures
from rugged.analyze.kinship import Groups, KinshipTable, kinship_table
from rugged.analyze.selection import Cells, averaged, select, severities_of
from rugged.core.catalogue import display_name, severities_in_words
from rugged.core.files import write_text
from rugged.core.tables import Table, as_csv
from rugged.results import CLEAN, Classes

_LESS = ("Clean top-5", "Clean loss (nats)")
"""Figures of a class that a terminal has no room for."""

_OF_GROUPS = ("near_mistakes", "groups", "groups_clean", "groups_corrupted")
"""Files of tables that there are only where groups are known."""

_EVERY = 10**9
"""More than there are pairs of classes: for lists that are to be whole."""


@dataclass(frozen=True)
class Analysis:
    """What predictions say about a model.

    Attributes:
        cells: The predictions.
        classes: Ids and names.
        extent: What the corrupted figures are over, in words.
        by_class: Figures of every class.
        clean_matrix: Confusions ``(C, C)`` without corruption.
        corrupted_matrix: The same over the corruptions that means are over.
        shifts: Answers by severity, clean first.
        failures: When each picture is lost.
        calibration: Confidence against accuracy.
        kinship: Near and far mistakes; None where no groups fit the classes.
    """

    cells: Cells
    classes: Classes
    extent: str
    by_class: ClassTable
    clean_matrix: Counts
    corrupted_matrix: Counts
    shifts: tuple[Shift, ...]
    failures: Failures
    calibration: CalibrationTable
    kinship: KinshipTable | None

    @cached_property
    def clean_confusions(self) -> tuple[Confusion, ...]:
        """Every mistake one way, the most common first. There may be a million, and few ask for them all."""
        return tuple(confused_pairs(select(self.cells, CLEAN), len(self.classes), _EVERY))

    @cached_property
    def corrupted_confusions(self) -> tuple[Confusion, ...]:
        """The same over the corruptions that means are over."""
        return tuple(confused_pairs(select(self.cells), len(self.classes), _EVERY))


def analyse(cells: Cells, classes: Classes, groups: Groups | None = None) -> Analysis:
    """Look at a run's predictions from every side.

    Args:
        cells: Clean, and corruptions at the same severities.
        classes: Of the data set.
        groups: Which classes are near to each other.

    Raises:
        ConfigError: No corruption was measured.
        ResultsError: A cell is missing.
    """
    count, clean, corrupted = len(classes), select(cells, CLEAN), select(cells)
    return Analysis(
        cells=cells,
        classes=classes,
        extent=extent(cells),
        by_class=class_table(cells, count),
        clean_matrix=confusion_matrix(clean, count),
        corrupted_matrix=confusion_matrix(corrupted, count),
        shifts=tuple(shifts(cells, count, count)),
        failures=failures(cells),
        calibration=calibration_table(cells),
        kinship=None if groups is None else kinship_table(cells, groups),
    )


def extent(cells: Cells) -> str:
    """Over what the corrupted figures are taken, in words: ``15 corruptions, severities 1–5``."""
    names, levels = averaged(cells), severities_of(cells)
    what = display_name(names[0]) if len(names) == 1 else f"{len(names)} corruptions"
    return f"{what}, {severities_in_words(levels)}"


def overview_tables(analysis: Analysis, count: int = 10) -> list[Table]:
    """The tables that a person looks at first; lists that rank something have ``count`` rows, empty ones are left out.

    Classes that are no more than two such lists stand in one.
    """
    classes, by_class, lost, over = analysis.classes, analysis.by_class, analysis.failures, analysis.extent
    first, last = lost.first_and_last(count)
    clean, corrupted = (mutual_pairs(matrix, count) for matrix in (analysis.clean_matrix, analysis.corrupted_matrix))
    found = [
        *(
            tables.class_rows(classes, by_class, labels, f"{title} ({over})").without(*_LESS)
            for title, labels in _ranked(by_class, count)
        ),
        tables.pair_rows(classes, clean, "Most confused pairs (clean)"),
        tables.pair_rows(classes, corrupted, f"Most confused pairs ({over})"),
        tables.shift_rows(classes, analysis.shifts),
        tables.survival_rows(lost),
        tables.failure_rows(classes, lost, first, "Pictures lost first"),
        tables.failure_rows(classes, lost, last, "Pictures lost last or never"),
        *([] if analysis.kinship is None else [tables.kinship_rows(analysis.kinship)]),
        tables.calibration_rows(analysis.calibration),
    ]
    return [table for table in found if table.rows]


def _ranked(by_class: ClassTable, count: int) -> Iterator[tuple[str, list[int]]]:
    """Titles, and the classes that stand under them; none stands twice."""
    every = rank_classes(by_class.corrupted, count=len(by_class.counts))
    if len(every) <= 2 * count:
        yield "Classes, the worst first", every
    else:
        yield "Worst classes", every[:count]
        yield "Best classes", rank_classes(by_class.corrupted, count=count, worst=False)


def overview_lines(analysis: Analysis) -> list[str]:
    """What the tables leave out, as sentences."""
    lost, images = analysis.failures, len(analysis.failures.ids)
    lines = [
        f"Of {images:,} pictures {int(lost.never_right.sum()):,} are never recognised in {lost.cells} cells, "
        f"{int(lost.always_right.sum()):,} always; {int(lost.never_fails.sum()):,} are still recognised at the highest "
        "severity of every corruption.",
        "A picture is lost under a corruption at the first severity from which on every answer is wrong; in its mean, "
        f"a corruption under which it is not lost counts {NEVER}.",
    ]
    if lost.right_when_clean is not None:
        lines.append(
            "Clean+ is no clean top-1: it also counts pictures that are mistaken when clean and recognised at some "
            "severity."
        )
    if analysis.kinship is None:
        lines.append(
            "No groups of near classes are known for this data set, so near and far mistakes are not told apart. "
            "Name your own with --groups FILE."
        )
    return lines


def all_tables(analysis: Analysis) -> dict[str, Table]:
    """Every table whole, by the name of its file."""
    classes, by_class, moved = analysis.classes, analysis.by_class, analysis.shifts
    clean, corrupted = (mutual_pairs(matrix, _EVERY) for matrix in (analysis.clean_matrix, analysis.corrupted_matrix))
    found = {
        "classes": tables.class_rows(classes, by_class, range(len(classes)), "Classes"),
        "class_by_corruption": tables.heat_rows(classes, by_class),
        "confusions_clean": tables.confusion_rows(classes, analysis.clean_confusions, "Confusions, clean"),
        "confusions_corrupted": tables.confusion_rows(classes, analysis.corrupted_confusions, "Confusions, corrupted"),
        "pairs_clean": tables.pair_rows(classes, clean, "Pairs, clean"),
        "pairs_corrupted": tables.pair_rows(classes, corrupted, "Pairs, corrupted"),
        "answers_by_severity": tables.shift_rows(classes, moved),
        "sinks": tables.sink_rows(classes, moved),
        "survival": tables.survival_rows(analysis.failures),
        "pictures": tables.picture_rows(classes, analysis.failures),
        "calibration": tables.calibration_rows(analysis.calibration),
        "reliability": tables.reliability_rows(analysis.calibration),
    }
    if (near := analysis.kinship) is not None:
        of_groups = (
            tables.kinship_rows(near),
            tables.member_rows(classes, near.groups),
            tables.group_rows(near.groups, near.clean_matrix, "Groups, clean"),
            tables.group_rows(near.groups, near.corrupted_matrix, "Groups, corrupted"),
        )
        found |= dict(zip(_OF_GROUPS, of_groups, strict=True))
    return found


def write_all_tables(analysis: Analysis, folder: Path) -> None:
    """Write every table whole as CSV. Those of groups that an earlier analysis knew do not stay where none are known.

    Args:
        analysis: What is written.
        folder: Where to; other files in it are left alone.
    """
    found = all_tables(analysis)
    analysed_before = all((folder / f"{name}.csv").exists() for name in found)
    for name, table in found.items():
        write_text(folder / f"{name}.csv", as_csv(table))
    for name in _OF_GROUPS:
        if name not in found and analysed_before:  # Else they are somebody's own.
            (folder / f"{name}.csv").unlink(missing_ok=True)
