"""Which corruptions cost a model the most and the least, as far as intervals tell them apart."""

from collections.abc import Sequence
from dataclasses import dataclass

from rugged.core.catalogue import within_sentence
from rugged.report.charts import percent
from rugged.report.tables import error_rows
from rugged.results import Summary

_NAMED = 3
"""More names than this at one end say nothing a person would keep in mind."""

_LEAST = 10
"""Of fewer pictures intervals are too narrow to go by: that of a single one has no width at all."""


@dataclass(frozen=True)
class _Cost:
    """A corruption's mean error with its interval."""

    label: str
    error: float
    low: float
    high: float

    def apart_from(self, other: "_Cost") -> bool:
        return self.low > other.high or self.high < other.low


def extremes(summary: Summary) -> str:
    """Name the corruptions that cost the most and the least, in one sentence.

    Up to three are named at either end, and only where the interval of each lies apart from those of all the others:
    intervals that touch may hide another order. Those that cost the most must lie apart from clean, too. Where there
    are none of either kind, or fewer than ten pictures, the sentence is empty.
    """
    if summary.conditions.images < _LEAST:
        return ""
    ends = summary.intervals.errors
    costs = [
        _Cost(within_sentence(row.label), row.mean, ends[row.corruption][0], ends[row.corruption][1])
        for row in error_rows(summary)
        if row.corruption in summary.conditions.averaged
    ]
    clean = _Cost("clean", summary.clean.error, *summary.intervals.clean_error)
    costs.sort(key=lambda cost: -cost.error)
    most = [] if costs[0].error <= clean.error else _apart(costs, [clean])
    least = _apart(costs[::-1])
    parts = [_words(most, "the most", verb=True)] if most else []
    if least:
        more = ", no less than clean" if all(cost.error <= clean.error for cost in least) else ""
        parts.append(_words(least, "the least", verb=not most, more=more))
    return f"{', '.join(parts)}." if parts else ""


def _apart(ranked: Sequence[_Cost], others: Sequence[_Cost] = ()) -> Sequence[_Cost]:
    """The fewest from the front that lie apart from all the rest; none where that would be too many."""
    for count in range(1, min(_NAMED, len(ranked) - 1) + 1):
        rest = [*ranked[count:], *others]
        if all(one.apart_from(other) for one in ranked[:count] for other in rest):
            return ranked[:count]
    return []


def _words(costs: Sequence[_Cost], what: str, *, verb: bool, more: str = "") -> str:
    names, shares = _listed([one.label for one in costs]), _listed([percent(1 - one.error) for one in costs])
    if not verb:
        return f"{names} {what} ({shares}{more})"
    says = "costs" if len(costs) == 1 else "cost"
    return f"{names[:1].upper()}{names[1:]} {says} {what} ({shares} right{more})"


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
