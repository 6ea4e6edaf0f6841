"""What a folder holds already: new figures join it, or replace it where that is meant; none are lost by accident."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rugged.core.errors import RunError
from rugged.engine import Subject
from rugged.results import RestorationSummary, RunFolder, Stability, Summary, phrases


def is_at_home(subject: Subject, run: RunFolder) -> bool:
    """Whether results go into the run folder that the model was trained in.

    Raises:
        RunError: They would go into the run folder of another model.
    """
    at_home = subject.home is not None and subject.home.path.resolve() == run.path.resolve()
    if run.manifest.exists() and not at_home:
        raise RunError(f"{run.path} is the run folder of another model. Name another one with --out.")
    return at_home


def what_differs(
    saved: Summary | Stability | RestorationSummary, wanted: Mapping[str, Any], found: Mapping[str, Any], precision: str
) -> list[str]:
    """What keeps new figures from standing beside saved ones, a phrase each.

    Args:
        saved: The saved figures.
        wanted: The conditions of the new ones.
        found: Of the saved ones.
        precision: Of the new ones.
    """
    there = saved.made.hardware.get("precision")
    return phrases({**wanted, "precision": precision}, {**found, "precision": there}, may_differ=())


def may_join(
    saved: Summary | Stability, place: Path, subject: Subject, apart: Sequence[str], *, at_home: bool, replace: bool
) -> bool:
    """Whether new figures join saved ones; if not, the saved ones must go.

    Args:
        saved: The saved figures.
        place: Their file.
        subject: The model that is measured.
        apart: From :func:`what_differs`.
        at_home: From :func:`is_at_home`: then figures of another model are those of an earlier training.
        replace: Whether somebody said that what is there may be replaced.

    Raises:
        RunError: They are another model's, or this one's on all images, and nobody said so.
    """
    same_model = saved.model.sha256 == subject.facts.sha256
    if same_model and not apart:
        return True
    if not (same_model or at_home or replace):
        raise RunError(
            f"{place} holds figures of another model ({saved.model.architecture}, {saved.model.sha256[:12]}…). "
            "Name another folder with --out, or add --replace."
        )
    if same_model and saved.conditions.limit is None and not replace:
        raise RunError(
            f"{place} holds figures of this model on all images under other conditions: {'; '.join(apart)}. "
            "Name another folder with --out, or add --replace to measure it anew under these."
        )
    return False
