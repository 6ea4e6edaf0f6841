"""Baselines: the model whose errors CE and mCE divide by, used only where it was measured under the same conditions."""

from pathlib import Path

from rugged.core.errors import IncomparableError
from rugged.results.comparison import differences
from rugged.results.runs import RunFolder
from rugged.results.summary import Conditions, Summary, read_summary


def load_baseline(run: Path, conditions: Conditions) -> Summary:
    """Read the summary of a benchmarked run that can normalise what is measured under ``conditions``.

    Raises:
        ResultsError: ``run`` has no readable benchmark.
        IncomparableError: It was measured under other conditions, every difference being named; or it makes no
            errors under one of the corruptions, so that there is nothing to divide by.
    """
    baseline = read_summary(RunFolder(run).summary)
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
