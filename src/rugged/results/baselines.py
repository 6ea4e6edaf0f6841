"""Baselines: the model whose errors CE and mCE divide by, used only where it was measured under the same conditions."""

from pathlib import Path

from rugged.core.errors import IncomparableError
from rugged.results.runs import RunFolder
from rugged.results.summary import Conditions, Summary, normalise, read_summary

# Not the seed: another draw of the same noise is the same test, as with the published baselines.
_MUST_AGREE = {
    "content_hash": "data set content",
    "split": "split",
    "images": "number of images",
    "route": "route",
    "stored": "storage step",
    "preset": "preset",
    "textures": "frost textures",
    "stream_version": "random stream version",
    "severities": "severities",
}


def normalise_by(summary: Summary, run: Path) -> Summary:
    """Add CE and mCE relative to the model of a benchmarked run folder.

    Raises:
        ResultsError: ``run`` has no readable benchmark.
        IncomparableError: It was measured under other conditions; every difference is named.
    """
    baseline = read_summary(RunFolder(run).summary)
    differences = _differences(summary.conditions, baseline.conditions)
    if differences:
        raise IncomparableError(
            f"{run} cannot be the baseline, since it was measured under other conditions: {'; '.join(differences)}. "
            "Benchmark it again under these conditions, or choose another baseline."
        )
    return normalise(summary, baseline)


def _differences(conditions: Conditions, baseline: Conditions) -> list[str]:
    found = []
    for field, name in _MUST_AGREE.items():
        here, there = getattr(conditions, field), getattr(baseline, field)
        if here != there:
            found.append(f"{name} is {_short(there)}, here {_short(here)}")
    missing = [name for name in conditions.corruptions if name not in baseline.corruptions]
    if missing:
        found.append(f"it lacks {', '.join(missing)}")
    return found


def _short(value: object) -> str:
    text = str(value)
    return f"{text[:12]}…" if len(text) == 64 else text
