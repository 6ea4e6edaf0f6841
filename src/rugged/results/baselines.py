"""Baselines: the model whose errors CE and mCE divide by, used only where it was measured under the same conditions."""

from pathlib import Path

from rugged.core.errors import IncomparableError
from rugged.results.comparison import differences
from rugged.results.runs import RunFolder
from rugged.results.summary import Summary, normalise, read_summary


def normalise_by(summary: Summary, run: Path) -> Summary:
    """Add CE and mCE relative to the model of a benchmarked run folder.

    Raises:
        ResultsError: ``run`` has no readable benchmark.
        IncomparableError: It was measured under other conditions; every difference is named.
    """
    baseline = read_summary(RunFolder(run).summary)
    found = differences(summary.conditions, baseline.conditions)
    missing = [name for name in summary.conditions.corruptions if name not in baseline.conditions.corruptions]
    if missing:
        found.append(f"it lacks {', '.join(missing)}")
    if found:
        raise IncomparableError(
            f"{run} cannot be the baseline, since it was measured under other conditions: {'; '.join(found)}. "
            "Benchmark it again under these conditions, or choose another baseline."
        )
    return normalise(summary, baseline)
