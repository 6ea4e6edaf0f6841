"""What becomes of the measured cells: the summary, the pictures that go with it, and word of figures that are gone."""

from collections.abc import Sequence
from dataclasses import replace

from rugged.benchmark.cautions import cautions
from rugged.benchmark.cells import made_of
from rugged.benchmark.earlier import outdated
from rugged.benchmark.grid import Cells, GridBench
from rugged.benchmark.kept_pictures.restored import keep_restored
from rugged.benchmark.variants import Restoration, Variant
from rugged.core.progress import say
from rugged.data import Dataset
from rugged.results import Baseline, Summary, summarise, variant_result, write_summary


def conclude(
    bench: GridBench,
    dataset: Dataset,
    cells: Cells,
    beside: Sequence[tuple[Variant, Cells]],
    reference: Baseline | None,
    command: str,
) -> Summary:
    """Write the summary of what was measured, and the pictures that go with it.

    Args:
        bench: Which measured it.
        dataset: The data set.
        cells: Of the plain classifier.
        beside: The variants, and the cells of each.
        reference: The baseline that the errors are relative to, if there is one.
        command: The command line.
    """
    run, route = bench.run, bench.route
    notes = (*cautions(bench.subject, dataset), *route.notes(), *dataset.notes)
    made = made_of(bench, command)
    summary = summarise(cells, bench.subject.facts, route.conditions, made, notes, reference)
    bench.keep_pictures(cells)
    rows = []
    for way, found in beside:
        restorer = way.facts_of_restorer if isinstance(way, Restoration) else None
        rows.append(variant_result(way.name, way.how, found, cells, summary, reference, restorer))
        if isinstance(way, Restoration) and route.conditions.corruptions:
            keep_restored(run.variant(way.name), route, way.restorer)
    summary = replace(summary, variants=tuple(rows))
    if bench.earlier is not None:
        _say_what_goes(bench.earlier, summary)
    write_summary(run.summary, summary)
    outdated(run.summary).unlink(missing_ok=True)
    return summary


def _say_what_goes(saved: Summary, summary: Summary) -> None:
    """Tell of figures that the saved summary has and the new one will not have."""
    if saved.mce is not None and summary.mce is None:
        say("The mCE of the last time is gone from the summary: add --baseline again to have it.")
    names = {row.name for row in summary.variants}
    gone = [row for row in saved.variants if row.name not in names]
    plain = [row.name for row in gone if not row.restorer]
    restorers = [row.restorer.name for row in gone if row.restorer]  # Where their files lie is not saved.
    options = [f"--variants {','.join(plain)}"] if plain else []
    options += [f"--restore for {', '.join(restorers)}"] if restorers else []
    if gone:
        say(f"Gone from the summary, but still measured: add {' and '.join(options)} again to have it.")
