"""What becomes of figures that a folder holds already: new ones are added, or replace them, but never by accident."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from rugged.core.errors import ResultsError, RunError
from rugged.engine import Fabric, Subject, measured_on
from rugged.results import Conditions, RestorationSummary, RunFolder, Stability, Summary, phrases

Figures = TypeVar("Figures", Summary, Stability, RestorationSummary)
Both = TypeVar("Both")


def is_at_home(subject: Subject, run: RunFolder) -> bool:
    """Whether results go into the run folder that the model was trained in.

    Raises:
        RunError: They would go into the run folder of another model.
    """
    at_home = subject.home is not None and subject.home.path.resolve() == run.path.resolve()
    if run.manifest.exists() and not at_home:
        raise RunError(f"{run.path} is the run folder of another model. Name another one with --out.")
    return at_home


def outdated(figures: Path) -> Path:
    """What a file of figures is renamed to as soon as one of its cells is measured anew.

    It is read no more, except for the conditions that it was measured under.
    """
    return figures.with_suffix(f".outdated{figures.suffix}")


def newest_figures(figures: Path) -> Path:
    """The file of the figures; where an interrupted measurement has left none, the file of outdated ones."""
    return figures if figures.exists() or not outdated(figures).exists() else outdated(figures)


def remove_figures(figures: Path) -> None:
    """Remove figures, outdated ones too."""
    for path in (figures, outdated(figures)):
        path.unlink(missing_ok=True)


def join_earlier(
    read: Callable[[Path], Figures],
    place: Path,
    sha256: str,
    combine: Callable[[Figures], tuple[Both, list[str]]],
    *,
    at_home: bool,
    replace: bool,
) -> Both | None:
    """Decide whether new figures are added to those that a folder holds already, or replace them.

    Args:
        read: Reads figures from their file.
        place: Their file; an interrupted measurement may have left nothing but outdated ones beside it.
        sha256: Of the model or restorer that is measured now.
        combine: Takes the figures that are there. Gives the conditions of old and new ones together, and one phrase for
            each condition in which they differ.
        at_home: Whether the folder is the one that the model was trained in. Figures of another model there are then
            those of an earlier training, and may be replaced.
        replace: Whether the user said that what is there may be replaced.

    Returns:
        The conditions of old and new figures together; None where there is nothing to add to, and what is there must
        be removed.

    Raises:
        RunError: What is there must not be removed unless the user says so: figures of another model or restorer,
            figures on all images under other conditions, or a file that cannot be read.
    """
    place = newest_figures(place)
    if not place.exists():
        return None
    try:
        there = read(place)
    except ResultsError as error:
        if replace:
            return None
        raise RunError(f"{error} Nothing that is saved is measured twice.") from error
    both, apart = combine(there)
    kind, name, owner = _measured(there)
    if owner == sha256 and not apart:
        return both
    if not (owner == sha256 or at_home or replace):
        raise RunError(
            f"{place} holds figures of another {kind} ({name}, {owner[:12]}…). "
            "Name another folder with --out, or add --replace."
        )
    if owner == sha256 and there.conditions.limit is None and not replace:
        raise RunError(
            f"{place} holds figures of this {kind} on all images under other conditions: {'; '.join(apart)}. "
            "Name another folder with --out, or add --replace to measure it anew under these."
        )
    return None


def _measured(saved: Summary | Stability | RestorationSummary) -> tuple[str, str, str]:
    """What the figures are of: its kind, its name, and the hash of its file."""
    if isinstance(saved, RestorationSummary):
        return "restorer", saved.restorer.name, saved.restorer.sha256
    return "model", saved.model.architecture, saved.model.sha256


def join_grids(here: Conditions, saved: Summary | RestorationSummary, fabric: Fabric) -> tuple[Conditions, list[str]]:
    """The conditions of new figures and saved ones together, and one phrase for each in which the two differ."""
    there = saved.conditions
    apart = what_differs(saved, here.beside(there), there.beside(here), fabric)
    both = here.joined_with(there)
    if both is None:
        apart.append("it has other corruptions at other severities, and one summary cannot hold both")
    return both or here, apart


def what_differs(
    saved: Summary | Stability | RestorationSummary, wanted: Mapping[str, Any], found: Mapping[str, Any], fabric: Fabric
) -> list[str]:
    """One phrase for each condition that keeps new figures from standing beside saved ones.

    Args:
        saved: The figures that are there.
        wanted: The conditions of the new ones, by name.
        found: Those of the saved ones.
        fabric: What measures now; its precision counts as a condition.
    """
    here, there = measured_on(fabric)["hardware"]["precision"], saved.made.hardware.get("precision")
    return phrases({**wanted, "precision": here}, {**found, "precision": there}, may_differ=())
