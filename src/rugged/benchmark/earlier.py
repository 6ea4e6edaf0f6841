"""What a folder holds already: new figures join it, or replace it where that is meant; none are lost by accident."""

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
    """Where figures go once a cell of theirs is measured anew: no longer read, but for what they were measured on."""
    return figures.with_suffix(f".outdated{figures.suffix}")


def newest_figures(figures: Path) -> Path:
    """The file of the figures; or, if an interrupted measurement has left none, of those that are outdated."""
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
    """Go with the figures that are there: add to them, or replace them where that is meant.

    Args:
        read: Reads such figures.
        place: Their file; an interrupted measurement may have left nothing but outdated ones beside it.
        sha256: Of the model or restorer that is measured now.
        combine: Gives the conditions of both together, and what keeps the two apart, a phrase each.
        at_home: Whether the folder is that of its training: figures of another are then those of an earlier training.
        replace: Whether somebody said that what is there may be replaced.

    Returns:
        The conditions of both together; None where nothing is joined, and what is there must go.

    Raises:
        RunError: The figures are another's, or of this one on all images, or cannot be read, and nobody said that they
            may be replaced.
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
    """The conditions of new figures and saved ones together, and what keeps the two apart, a phrase each."""
    there = saved.conditions
    apart = what_differs(saved, here.beside(there), there.beside(here), fabric)
    both = here.joined_with(there)
    if both is None:
        apart.append("it has other corruptions at other severities, and one summary cannot hold both")
    return both or here, apart


def what_differs(
    saved: Summary | Stability | RestorationSummary, wanted: Mapping[str, Any], found: Mapping[str, Any], fabric: Fabric
) -> list[str]:
    """What keeps figures measured under the wanted conditions from standing beside saved ones, a phrase each."""
    here, there = measured_on(fabric)["hardware"]["precision"], saved.made.hardware.get("precision")
    return phrases({**wanted, "precision": here}, {**found, "precision": there}, may_differ=())
