"""From a run folder to its model card."""

from pathlib import Path

from rugged.core.errors import ModelError
from rugged.engine import make_fabric, open_subject
from rugged.report.card import write_card
from rugged.results import Classes, RunFolder


def card_of(folder: Path, out: Path | None = None) -> Path:
    """Write the model card of a run.

    Args:
        folder: The run folder. Nothing in it is computed anew.
        out: The file; None is ``card.md`` in the run folder.

    Returns:
        The file.

    Raises:
        ModelError: There is no model in it.
        ResultsError: The summary is damaged, or about another model.
    """
    run = RunFolder(folder)
    if not run.model.is_file():
        raise ModelError(f"{folder} holds no model: there is no {run.model.name} in it. Name a run folder, trained.")
    subject = open_subject(folder, run.name, None, make_fabric("cpu", "fp32", tuned=False))
    ids, names = zip(*((info.id, info.name) for info in subject.classes), strict=True)
    return write_card(run, subject.facts, Classes(ids, names), out or run.card)
