"""What a mean is over, said in the same words wherever the mean is shown."""

from collections.abc import Sequence

from rugged.core.catalogue import BENCHMARK, SEVERITIES, display_name, severities_in_words
from rugged.core.wording import counted
from rugged.results import Summary
from rugged.results.explanations import DriftResult


def mce_label(summary: Summary) -> str:
    """What the model's mCE may be called: ``mCE`` alone means the benchmark's fifteen at all five severities."""
    mce = summary.mce
    if mce is None or mce.complete:
        return "mCE"
    return f"mCE over {len(mce.over)} of {len(BENCHMARK)}{_partial_severities(summary)}"


def unseen_label(summary: Summary) -> str:
    """What to call the mCE over those not seen in training: which ones, since models have seen different ones.

    Of those seen and the others the fewer are named.
    """
    over = () if summary.mce is None else summary.mce.over
    seen, unseen = ([name for name in over if (name in summary.seen_in_training) == each] for each in (True, False))
    fewer = f"all but {_listed(seen)}" if len(seen) < len(unseen) else _listed(unseen)
    return f"mCE over the {len(unseen)} not seen in training{_partial_severities(summary)} ({fewer})"


def _partial_severities(summary: Summary) -> str:
    levels = summary.conditions.severities
    return "" if levels == SEVERITIES else f", {severities_in_words(levels)}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(display_name, names))


def no_mce_reason(summary: Summary) -> str:
    """Why there is no mCE, as the end of a sentence."""
    if not any(name in BENCHMARK for name in summary.conditions.corruptions):
        return f"none of the benchmark’s {len(BENCHMARK)} corruptions was measured"
    return "no baseline was given"


def mean_extent(summary: Summary) -> str:
    """Over what means are taken: ``6 of the benchmark’s 15 corruptions``."""
    names = summary.conditions.averaged
    if not names:
        return "no corruption"
    if names[0] not in BENCHMARK:
        return counted(len(names), "extra corruption")
    if len(names) == len(BENCHMARK):
        return f"all {len(names)} corruptions of the benchmark"
    return f"{len(names)} of the benchmark’s {len(BENCHMARK)} corruptions"


def full_extent(summary: Summary) -> str:
    """The same with the severities: ``6 of the benchmark’s 15 corruptions, severities 1–5``."""
    return f"{mean_extent(summary)}, {severities_in_words(summary.conditions.severities)}"


def images(summary: Summary) -> str:
    """How many were measured: ``10,000``, or ``1,000 clean and 5,000 corrupted`` where these are others."""
    corrupted, clean = summary.conditions.images, summary.conditions.clean_images
    return f"{corrupted:,}" if clean is None else f"{clean:,} clean and {corrupted:,} corrupted"


def origin(summary: Summary) -> str:
    """Where the measured pictures come from: ``the val split of tiny-imagenet``, or the published collection."""
    conditions = summary.conditions
    split = f"the {conditions.split} split of {conditions.dataset}"
    if conditions.clean_images is None and conditions.collection is None:
        return split
    files = conditions.collection or "the files"
    return files if conditions.clean_images is None else f"{files} (clean: {conditions.clean_images:,} of {split})"


def drift_extent(drifts: Sequence[DriftResult]) -> str:
    """``n = 4–6 of 9 pictures, with 95% interval where n allows``: maps that are empty have no drift."""
    counts, every = sorted({each.images for each in drifts}), max(each.images + each.undefined for each in drifts)
    n = "–".join(dict.fromkeys(map(str, (counts[0], counts[-1]))))
    of = f" of {every}" if counts[0] < every else ""
    with_ends = {each.interval is not None for each in drifts if each.mean is not None}
    words = {True: "with 95% interval", False: "too few for an interval"}
    said = "with 95% interval where n allows" if len(with_ends) == 2 else words[with_ends == {True}]
    return f"n = {n}{of} picture{'' if every == 1 else 's'}, {said}"
