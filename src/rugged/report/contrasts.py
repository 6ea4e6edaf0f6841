"""How models differ beyond their figures: by class, by picture, in sequences and in test-time variants."""

from collections.abc import Iterable, Sequence

from rugged.analyze import (
    Agreement,
    BenchmarkedRun,
    Cells,
    ClassDifference,
    agreement,
    class_differences,
    corruptions_of,
    select,
)
from rugged.core.catalogue import display_name
from rugged.core.tables import Table, Value
from rugged.report.headlines import share, variant_rows
from rugged.report.reading import read_stabilities
from rugged.results import CLEAN, Classes, Stability, phrases

_ENDS = 5
"""Classes shown that gain most, and that lose most."""


def kept_table(first: str, cells: Cells, others: Sequence[tuple[str, Cells]]) -> Table:
    """How often both models are right, one alone, or neither: clean answers, then those under corruption, if any.

    Args:
        first: The name of the model that the others are held against.
        cells: Its predictions.
        others: Names and predictions of the others, of the same pictures.
    """
    rows: list[tuple[Value, ...]] = []
    kinds = (("clean", CLEAN), ("corrupted", None)) if corruptions_of(cells) else (("clean", CLEAN),)
    for name, found in others:
        for where, corruption in kinds:
            counted = agreement(select(cells, corruption), select(found, corruption))
            rows.append((name, where, counted.answers, *_shares(counted)))
    columns = ("Beside", "Pictures", "Answers", "Both right", f"Only {first}", "Only the other", "Neither")
    return Table(f"What {first} and another model keep and lose", columns, tuple(rows))


def class_contrast(classes: Classes, first: tuple[str, Cells], other: tuple[str, Cells]) -> Table:
    """The classes that another model knows better, and worse, by the most; and which of the differences are real.

    Under corruption, or on clean pictures where these alone were measured.
    """
    (name, cells), (another, found) = first, other
    corruption = None if corruptions_of(cells) else CLEAN
    differences = class_differences(select(cells, corruption), select(found, corruption), len(classes))
    ranked = sorted(differences, key=lambda one: (-one.value, one.label))
    shown = ranked if len(ranked) <= 2 * _ENDS else [*ranked[:_ENDS], *ranked[-_ENDS:]]
    rows = tuple(
        (classes.shown[one.label], one.pictures, one.first, one.second, one.value, _verdict(one)) for one in shown
    )
    better, worse = (sum(getattr(one, verdict) for one in differences) for verdict in ("better", "worse"))
    title = (
        f"Classes that differ most between {another} and {name}: of {len(differences)}, "
        f"{better} better and {worse} worse beyond doubt"
    )
    return Table(title, ("Class", "Pictures", name, another, "Difference", "Beyond doubt"), rows)


def stability_contrast(runs: Sequence[BenchmarkedRun]) -> list[Table]:
    """Flip probabilities, and mFR, of the first run and of those that saw the same sequences; one a difficulty."""
    found = []
    subjects, *others = map(read_stabilities, runs)
    for subject in subjects:
        beside = [subject, *(one for each in others for one in each if _same_sequences(subject, one))]
        if len(beside) > 1:
            found.append(_stability_table(beside))
    return found


def variant_contrast(runs: Sequence[BenchmarkedRun]) -> list[Table]:
    """Figures of each test-time variant of the first run, and of the others that have one of the same name."""
    found = []
    for variant in runs[0].summary.variants:
        owners = [run.summary for run in runs if any(one.name == variant.name for one in run.summary.variants)]
        if len(owners) < 2:
            continue
        place = [[one.name for one in owner.variants].index(variant.name) + 1 for owner in owners]
        figures = [{row.label: row.values for row in variant_rows(owner)} for owner in owners]
        labels = [label for label in figures[0] if all(label in one for one in figures)]
        rows = tuple(
            (label, *(one[label][at] for one, at in zip(figures, place, strict=True)))
            for label in labels
            if figures[0][label][place[0]] != "–"
        )
        names = (owner.model.name for owner in owners)
        found.append(Table(f"Test-time variant {variant.label}", ("With 95% interval", *names), rows))
    return found


def _shares(counted: Agreement) -> tuple[float, ...]:
    parts = (counted.both, counted.only_first, counted.only_second, counted.neither)
    return tuple(part / counted.answers for part in parts)


def _verdict(one: ClassDifference) -> str:
    return "better" if one.better else "worse" if one.worse else ""


def _same_sequences(one: Stability, other: Stability) -> bool:
    here, there = one.conditions, other.conditions
    return here.averaged == there.averaged and not phrases(here.without_extent(), there.without_extent())


def _stability_table(beside: Sequence[Stability]) -> Table:
    first = beside[0]
    over = f"{len(first.conditions.averaged)} sequences"
    rows: list[tuple[Value, ...]] = [
        (f"Mean over {over}", *(share(one.mean_flip_probability, one.mean_interval) for one in beside))
    ]
    rates = [one.mfr for one in beside]
    if len({None if rate is None else rate.sha256 for rate in rates}) == 1 and rates[0] is not None:
        name = "mFR" if first.conditions.complete else f"mFR over {over}"
        rows.append((name, *(share(rate.value, rate.interval) for rate in rates if rate is not None)))
    for sequence in _common(one.sequences for one in beside):
        each = (one.sequences[sequence] for one in beside)
        rows.append((display_name(sequence), *(share(one.flip_probability, one.flip_interval) for one in each)))
    title = f"Flip probability, difficulty {first.conditions.difficulty}, n = {first.conditions.images:,}"
    return Table(title, ("With 95% interval", *(one.model.name for one in beside)), tuple(rows))


def _common(each: Iterable[Iterable[str]]) -> list[str]:
    """Names that stand in all, in the order of the first."""
    first, *others = map(list, each)
    return [name for name in first if all(name in other for other in others)]
