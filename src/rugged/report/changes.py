"""What test-time variants change, a restorer above all: differences with intervals."""

from collections.abc import Iterator, Sequence

from rugged.core.catalogue import BENCHMARK, display_name
from rugged.core.tables import Table, signed
from rugged.core.wording import counted
from rugged.report.extent import images, mce_label
from rugged.results import ErrorChange, Summary, VariantResult

MARKS_NOTE = (
    "Differences are of errors, so that less is better; “better” and “worse” stand where the 95% interval leaves out "
    "zero and a paired test agrees. Each is of its own figure, without a correction for their number; both answer for "
    "the same pictures."
)

_LEVEL = 0.05


def change_tables(summary: Summary) -> list[Table]:
    """What each variant changes, of those that change anything."""
    return [table for variant in summary.variants if (table := change_table(summary, variant))]


def change_table(summary: Summary, variant: VariantResult) -> Table | None:
    """One row a corruption, after clean and the mean: both errors, and how they differ.

    Args:
        summary: Of the plain classifier.
        variant: Of the summary.

    Returns:
        Errors and differences in percent, as text; None where there is nothing to tell, since no error differs.
    """
    changes = variant.changes
    if changes is None or not (variant.restorer or any(change.points for change in _each(variant))):
        return None
    names = tuple(changes.corruptions)
    over = summary.conditions.averaged
    errors = [(_mean(summary.errors[name]), _mean(variant.corruptions[name].error)) for name in names]
    rows = [("Clean", summary.clean.error, variant.clean.error, changes.clean)]
    if changes.mean is not None:
        averaged = [pair for name, pair in zip(names, errors, strict=True) if name in over]
        before, after = map(_mean, zip(*averaged, strict=True))
        rows.append((f"Mean over {len(over)}", before, after, changes.mean))
    rows += [(display_name(name), *pair, changes.corruptions[name]) for name, pair in zip(names, errors, strict=True)]
    columns = ["Error, in percent", "Plain", variant.label, "Difference", "Relative"]
    normalised = any(change.ce is not None for change in _each(variant))
    return Table(
        f"Plain and {variant.label}, n = {images(summary)}",
        (*columns, f"CE, {mce_label(summary)}") if normalised else tuple(columns),
        tuple((label, *_figures(before, after, change, normalised)) for label, before, after, change in rows),
    )


def restorer_caveat(variant: VariantResult) -> str:
    """What the restorer has learned of that the benchmark also tests; empty where that is nothing."""
    restorer = variant.restorer
    seen = [] if restorer is None else [name for name in BENCHMARK if name in restorer.corruptions]
    if restorer is None or not seen:
        return ""
    names = ", ".join(display_name(name) for name in seen)
    return (
        f"The restorer {restorer.name} was trained on {counted(len(seen), 'corruption')} of the benchmark ({names}). "
        "What it does there does not speak for corruptions it has never seen."
    )


def _figures(before: float, after: float, change: ErrorChange, normalised: bool) -> Iterator[str]:
    yield f"{100 * before:.1f}"
    yield f"{100 * after:.1f}"
    yield f"{_with_ends(change.points, change.interval)} {_mark(change)}".rstrip()
    yield _with_ends(change.relative, change.relative_interval, "%")
    if normalised:
        yield _with_ends(change.ce, change.ce_interval)


def _mark(change: ErrorChange) -> str:
    low, high = change.interval
    if change.p is not None and change.p >= _LEVEL:
        return ""
    return "better" if high < 0 else "worse" if low > 0 else ""


def _with_ends(value: float | None, ends: Sequence[float] | None, unit: str = "") -> str:
    if value is None or ends is None:
        return "–"
    shown, low, high = (signed(100 * each, 1) for each in (value, *ends))
    return f"{shown}{unit} ({low} to {high})"


def _each(variant: VariantResult) -> list[ErrorChange]:
    changes = variant.changes
    if changes is None:
        return []
    return [changes.clean, *([changes.mean] if changes.mean else []), *changes.corruptions.values()]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
