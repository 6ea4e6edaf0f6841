"""Baselines: the model whose errors CE and mCE divide by, used only where it was measured under the same conditions."""

from importlib import resources
from pathlib import Path

from rugged.core.errors import IncomparableError, ResultsError
from rugged.core.hints import suggest
from rugged.results.comparison import differences
from rugged.results.conditions import Conditions
from rugged.results.runs import RunFolder
from rugged.results.summary import Summary, read_summary


def shipped_baselines() -> dict[str, Path]:
    """The summaries that come with rugged, by name: a model's weights' hash, and its errors in each cell."""
    folder = Path(str(resources.files("rugged") / "baselines"))
    return {path.stem: path for path in sorted(folder.glob("*.json"))}


def load_baseline(run: str | Path, conditions: Conditions) -> Summary:
    """Read the summary of a benchmarked model that can normalise what is measured under ``conditions``.

    Args:
        run: Its run folder, or the name of a shipped baseline.
        conditions: Of what is to be normalised.

    Raises:
        ResultsError: ``run`` is neither, or has no readable benchmark.
        IncomparableError: It was measured under other conditions, every difference being named; or it makes no
            errors under one of the corruptions, so that there is nothing to divide by.
    """
    baseline = read_summary(_summary(run))
    found = differences(conditions, baseline.conditions)
    missing = [name for name in conditions.corruptions if name not in baseline.corruptions]
    if missing:
        found.append(f"it lacks {', '.join(missing)}")
    if found:
        raise IncomparableError(
            f"{run} cannot be the baseline, since it was measured under other conditions: {'; '.join(found)}. "
            "Benchmark it again under these conditions, or choose another baseline."
        )
    perfect = [name for name in conditions.corruptions if not any(baseline.corruptions[name].error)]
    if perfect:
        raise IncomparableError(
            f"{run} cannot be the baseline, since it makes no errors under {', '.join(perfect)}: a ratio to nothing "
            "has no meaning. Choose a weaker model, or measure more images."
        )
    return baseline


def _summary(run: str | Path) -> Path:
    folder, known = Path(run), shipped_baselines()
    if folder.exists():
        return RunFolder(folder).summary
    if str(run) in known:
        return known[str(run)]
    raise ResultsError(
        f"There is no run folder {run}, and no baseline of that name comes with rugged. "
        f"{suggest(run, known, 'Shipped')}".rstrip()
    )
