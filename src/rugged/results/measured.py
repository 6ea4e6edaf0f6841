"""Reading the predictions that a summary names, with a check that all are there and belong together."""

import numpy as np

from rugged.core.catalogue import CellKey
from rugged.core.errors import ResultsError
from rugged.results.conditions import Conditions
from rugged.results.predictions import CLEAN, Cell, read_cells, read_stamp
from rugged.results.runs import RunFolder
from rugged.results.summary import Summary


def read_measured(run: RunFolder, summary: Summary) -> dict[CellKey, Cell]:
    """Read the predictions of a benchmarked run.

    Args:
        run: Its folder.
        summary: Of its benchmark.

    Returns:
        Clean and every corruption at every severity; the corrupted ones are about the same images in the same order,
        and clean, too, unless the conditions say that the clean images are others.

    Raises:
        ResultsError: Some are missing, damaged, of another model, or not about what the conditions say.
    """
    conditions = summary.conditions
    cells = read_cells(run.predictions, conditions.cells)
    others = conditions.clean_images is not None  # Then the corrupted images alone are the same.
    ids = cells[conditions.cells[1 if others else 0]].ids
    for cell in cells.values():
        stamp = read_stamp(run.predictions, cell.corruption, cell.severity)
        if stamp is not None and stamp.provenance.get("model_sha256", summary.model.sha256) != summary.model.sha256:
            raise _unfit(run, cell, "are of another model than the summary")
        require_fitting(run, conditions, cell)
        if cell.ids != ids and not (others and cell.corruption == CLEAN):
            raise _unfit(run, cell, "are about other images than the rest")
    return cells


def require_fitting(run: RunFolder, conditions: Conditions, cell: Cell) -> None:
    """Require that predictions are what the conditions say: of so many images, of so many classes, and probabilities.

    Raises:
        ResultsError: The number of images is another, a class or a label is none of theirs, or a probability lies
            outside 0 to 1.
    """
    images = conditions.clean_images or conditions.images if cell.corruption == CLEAN else conditions.images
    if len(cell.ids) != images:
        raise _unfit(run, cell, f"are about {len(cell.ids):,} images, the summary about {images:,}")
    named = np.concatenate([cell.labels, cell.top.ravel()])
    if named.min() < 0 or named.max() >= conditions.classes:
        raise _unfit(run, cell, f"name classes that are not among the {conditions.classes:,} of the summary")
    shares = np.concatenate([cell.label_probability, cell.top_probabilities.ravel()])
    if not (shares.min() >= 0 and shares.max() <= 1):  # False of NaN, too.
        raise _unfit(run, cell, "hold values that are no probabilities")


def _unfit(run: RunFolder, cell: Cell, what: str) -> ResultsError:
    return ResultsError(
        f"The predictions for {cell.corruption}-{cell.severity} in {run.predictions} {what}. "
        "Run `rugged benchmark` again."
    )
