"""Everything about one class, as tables."""

from collections.abc import Mapping
from typing import Literal

import numpy as np

from rugged.analyze.classes import ClassTable, class_table, rank_classes
from rugged.analyze.confusions import mistaken_as, mistaken_for
from rugged.analyze.overview import extent
from rugged.analyze.predictions import predictions_of_class
from rugged.analyze.selection import Cells, select
from rugged.analyze.tables import answer_rows, class_rows, confusion_rows, prediction_rows
from rugged.core.catalogue import display_name
from rugged.core.errors import ConfigError
from rugged.core.tables import Table
from rugged.results import CLEAN, Classes

_BY: Mapping[Literal["top1", "top5"], str] = {
    "top1": "What {} is mistaken for ({})",
    "top5": "What stands above {} among the five most probable ({})",
}


def class_tables(cells: Cells, classes: Classes, label: int) -> dict[str, Table]:
    """The figures of a class, its mistakes by top-1 and top-5, what is taken for it, and its predictions.

    Args:
        cells: Clean, and corruptions at the same severities.
        classes: Of the data set.
        label: Which class.

    Returns:
        Tables, whole, by the name of their file.

    Raises:
        ConfigError: No picture of this class was measured.
    """
    name, by_class, over = classes.shown[label], class_table(cells, len(classes)), extent(cells)
    if not by_class.counts[label] or not by_class.clean_counts[label]:
        raise ConfigError(f"No picture of {name} was measured. Benchmark more pictures, or name another class.")
    ranks = rank_classes(by_class.corrupted, count=len(classes))
    title = f"{name}: number {ranks.index(label) + 1} of {len(ranks)} from the worst ({over})"
    found = {
        "figures": class_rows(classes, by_class, [label], title),
        "by_severity": _severity_rows(by_class, label, f"{name}: top-1 by severity"),
    }
    clean, corrupted = select(cells, CLEAN), select(cells)
    for key, chosen, where in (("clean", clean, "clean"), ("corrupted", corrupted, over)):
        for by, words in _BY.items():
            mistakes = mistaken_for(chosen, label, by)
            found[f"mistaken_for_{by}_{key}"] = confusion_rows(classes, mistakes, words.format(name, where))
        taken = mistaken_as(chosen, label)
        found[f"mistaken_as_{key}"] = confusion_rows(classes, taken, f"What is mistaken for {name} ({where})")
    rows = predictions_of_class([*clean, *corrupted], label)
    return found | {"predictions": prediction_rows(classes, rows, f"Predictions for {name}")}


def class_overview(cells: Cells, classes: Classes, label: int, count: int = 10) -> list[Table]:
    """The same to look at, with ``count`` rows of each list, and readable predictions.

    These are the predictions under the one corruption at one severity that there is, else the clean ones.
    """
    corrupted = select(cells)
    cell = corrupted[0] if len(corrupted) == 1 else cells[CLEAN, 0]
    where = CLEAN if cell.corruption == CLEAN else f"{display_name(cell.corruption)}, severity {cell.severity}"
    title = f"Predictions for {classes.shown[label]} ({where})"
    tables = class_tables(cells, classes, label)
    lists = [table.head(count) for name, table in tables.items() if name.startswith("mistaken")]
    answers = answer_rows(classes, predictions_of_class([cell], label), title).head(count)
    return [tables["figures"], tables["by_severity"], *lists, answers]


def _severity_rows(by_class: ClassTable, label: int, title: str) -> Table:
    shares = by_class.cells.top1[label]
    rows = [
        (display_name(name), *line, float(np.mean(line)))
        for name, line in zip(by_class.corruptions, shares.tolist(), strict=True)
    ]
    columns = ("Corruption", *map(str, by_class.severities), "Mean")
    return Table(
        title, columns, (*rows, ("Clean", *[None] * len(by_class.severities), float(by_class.clean.top1[label])))
    )
