"""The words of the report: the finding, the headline figures, what to know before quoting them, and the conditions."""

from collections.abc import Sequence
from dataclasses import dataclass

from rugged.core import notes
from rugged.core.catalogue import ALL, BENCHMARK, display_name, severities_in_words
from rugged.core.progress import format_seconds
from rugged.core.wording import counted
from rugged.report.changes import restorer_caveat
from rugged.report.charts import percent
from rugged.report.extent import full_extent, images, mce_label, no_mce_reason, origin
from rugged.report.extremes import extremes
from rugged.report.headlines import complement, share
from rugged.report.tables import accuracy_rows
from rugged.results import Summary, phrases
from rugged.results.conditions import DECIDING_HARDWARE

_OF_ONE_MODEL = "The model "
"""How notes begin that must say which model they are of, where there are several."""


@dataclass(frozen=True)
class Tile:
    """One headline figure: the number, its unit, what it is, and what it is over."""

    value: str
    unit: str
    label: str
    note: str


@dataclass(frozen=True)
class Fact:
    """One condition of the measurement; ``full`` is the long form of a shortened value."""

    term: str
    value: str
    full: str = ""


def finding(summary: Summary) -> str:
    """One plain sentence or two: how much is right, and which corruptions cost the most and least, if that shows."""
    intervals = summary.intervals
    clean = share(1 - summary.clean.error, complement(intervals.clean_error))
    if summary.mean_corruption_accuracy is None:
        return f"Right on {clean} of the clean pictures; n = {images(summary)}{_about_brackets(clean)}."
    corrupted = share(summary.mean_corruption_accuracy, intervals.mean_corruption_accuracy)
    text = (
        f"Right on {clean} of the clean pictures and on {corrupted} of the corrupted ones, over "
        f"{full_extent(summary)}; n = {images(summary)}{_about_brackets(clean, corrupted)}."
    )
    return f"{text} {extremes(summary)}".rstrip()


def _about_brackets(*figures: str) -> str:
    brackets = sum("(" in figure for figure in figures)
    return ("", ", in brackets a 95% interval", ", in brackets 95% intervals")[brackets]


def tiles(summary: Summary) -> list[Tile]:
    """The headline figures. Without a baseline there is no mCE, and the tile says so."""
    conditions = summary.conditions
    assert summary.mean_corruption_accuracy is not None  # There is no page of clean pictures alone.
    extra_ones = (
        "; the extra ones are left out" if len(summary.conditions.averaged) < len(conditions.corruptions) else ""
    )
    extent = f"top-1 over {full_extent(summary)}{extra_ones}"
    classes = f"{conditions.classes:,} classes, {origin(summary)}"
    return [
        Tile(_digits(summary.mean_corruption_accuracy), "%", "Mean corruption accuracy", extent),
        _mce_tile(summary),
        Tile(_digits(1 - summary.clean.error), "%", "Clean top-1", "accuracy without corruption"),
        _top5_tile(summary),
        Tile(f"{conditions.images:,}", "", "Images", classes),
    ]


def caveats(summaries: Sequence[Summary]) -> list[str]:
    """What a reader must know before quoting a figure of the first summary; how pictures were prepared in one line."""
    return notes.folded([*warnings(summaries), *preparations(summaries)])


def preparations(summaries: Sequence[Summary]) -> list[str]:
    """How the pictures were prepared, each way once: nothing that changes what a figure means."""
    return list(dict.fromkeys(note for summary in summaries for note in notes.preparations(summary.notes)))


def warnings(summaries: Sequence[Summary]) -> list[str]:
    """What changes the meaning of a figure of the first summary."""
    subject = summaries[0]
    found = []
    for summary in summaries:
        operations, measured = summary.model.training_operations, summary.conditions.corruptions
        extra_ones = [name for name in ALL if name in operations and name not in BENCHMARK]
        for seen, what in (
            (summary.seen_in_training, "of the benchmark"),
            ([name for name in extra_ones if name in measured], "measured here outside the benchmark"),
        ):
            if seen:
                found.append(
                    f"{summary.model.name} was trained on {counted(len(seen), 'corruption')} {what} ({_names(seen)}). "
                    "Its figures there do not speak for corruptions it has never seen."
                )
        relatives = [name for name in extra_ones if name not in measured]
        if measured and relatives:
            found.append(
                f"{summary.model.name} was trained on {counted(len(relatives), 'corruption')} outside the benchmark "
                f"({_names(relatives)}), relatives perhaps of some that are measured."
            )
        if summary.model.trained_elsewhere and measured:
            found.append(
                f"{summary.model.name} was trained elsewhere, at least to begin with: whether it saw corruptions of "
                "the benchmark there is not known."
            )
    found += [
        f"{summary.model.name} was measured with another draw of the noise than {subject.model.name} (seed "
        f"{summary.conditions.seed}, here {subject.conditions.seed}): the pictures "
        "are the same, what corrupts them differs by chance."
        for summary in summaries[1:]
        if summary.conditions.seed != subject.conditions.seed
    ]
    found += [
        f"{summary.model.name} was not measured as {subject.model.name} was ({'; '.join(apart)}): some pictures may be "
        "answered otherwise for that alone."
        for summary in summaries[1:]
        if (apart := _made_apart(subject, summary))
    ]
    found += dict.fromkeys(caveat for one in summaries for row in one.variants if (caveat := restorer_caveat(row)))
    if subject.mce is None and subject.conditions.corruptions:
        found.append(f"There is no mCE, since {no_mce_reason(subject)}: mean errors are not normalised.")
    several = len(summaries) > 1
    own = [
        f"{subject.model.name}: {note}" if several and note.startswith(_OF_ONE_MODEL) else note
        for note in notes.warnings(subject.notes)
    ]
    others = [
        f"{summary.model.name}: {note}"
        for summary in summaries[1:]
        for note in notes.warnings(summary.notes)
        if note not in subject.notes or note.startswith(_OF_ONE_MODEL)
    ]
    return [*found, *own, *others]


def _made_apart(subject: Summary, other: Summary) -> list[str]:
    """How hardware and versions of two measurements differ, a phrase each, as far as both say it."""
    here, there = (made.hardware | made.versions for made in (subject.made, other.made))
    known = [name for name in (*DECIDING_HARDWARE, "rugged", "torch") if name in here and name in there]
    return phrases({name: here[name] for name in known}, {name: there[name] for name in known}, may_differ=())


def facts(summary: Summary) -> list[Fact]:
    """The conditions of the measurement, in the order a reader asks for them."""
    conditions, model = summary.conditions, summary.model
    size = " × ".join(map(str, reversed(conditions.size)))
    measured = [name for name in conditions.corruptions if name in BENCHMARK]
    extra = len(conditions.corruptions) - len(measured)
    more = f", and {extra} extra" if extra else ""
    levels = severities_in_words(conditions.severities)
    which = f"{len(measured)} of the benchmark’s {len(BENCHMARK)}{more}, {levels}" if conditions.corruptions else "none"
    found = [
        Fact("Images", f"{conditions.images:,} of {origin(summary)}, {size} pixels"),
        Fact("Their content hash", conditions.content_hash[:12], conditions.content_hash),
        Fact("Corruptions", which),
        Fact("Route", conditions.route),
        Fact("Stored as JPEG", conditions.stored),
        Fact("Severity preset", conditions.preset),
        Fact("Frost textures", conditions.textures),
        Fact("Seed", _seed(summary)),
        Fact("Model", f"{model.architecture}, input {model.input_size} pixels"),
        Fact("Model file", model.sha256[:12], model.sha256),
        Fact("Training operations", ", ".join(model.training_operations) or "none recorded"),
        Fact("Benchmark corruptions seen in training", _seen(summary)),
    ]
    if summary.mce:
        baseline = summary.mce.baseline
        names = f"all {len(BENCHMARK)}" if summary.mce.over == BENCHMARK else _names(summary.mce.over)
        found.append(Fact("mCE is over", f"{names}; {levels}"))
        known = baseline.clean_error is not None
        error = f"clean error {percent(baseline.clean_error)}" if known else "clean error not published"
        found.append(Fact("Baseline", f"{baseline.name} ({baseline.architecture}, {error})"))
    return found


def extra(summary: Summary) -> str:
    """The measured corruptions outside the benchmark's fifteen, or nothing."""
    return _names([name for name in summary.conditions.corruptions if name not in BENCHMARK])


def making(summary: Summary) -> list[Fact]:
    """How long the benchmark took, on what, and with which versions."""
    made = summary.made
    return [
        Fact("Duration", format_seconds(made.seconds)),
        *(Fact(_term(name), _hardware(name, value)) for name, value in made.hardware.items()),
        *(Fact(name, version) for name, version in made.versions.items()),
    ]


def _mce_tile(summary: Summary) -> Tile:
    mce = summary.mce
    if mce is None:
        return Tile("–", "", mce_label(summary), no_mce_reason(summary))
    note = f"of the errors of {mce.baseline.name}; lower is better"
    return Tile(_digits(mce.value), "%", mce_label(summary), note)


def _top5_tile(summary: Summary) -> Tile:
    (row,) = accuracy_rows([summary])
    if row.clean_top5 is None:
        return Tile("–", "", "Clean top-5", f"means nothing with {summary.conditions.classes} classes")
    return Tile(_digits(row.clean_top5), "%", "Clean top-5", "true class among the first five")


def _digits(value: float) -> str:
    return f"{100 * value:.1f}"


def _names(names: Sequence[str]) -> str:
    return ", ".join(display_name(name) for name in names)


def _seen(summary: Summary) -> str:
    known = _names(summary.seen_in_training)
    if summary.model.trained_elsewhere:
        return f"{known}; others not known" if known else "not known"
    return known or "none"


def _seed(summary: Summary) -> str:
    conditions = summary.conditions
    if conditions.stream_version == 0:
        return "none: others drew the noise"
    return f"{conditions.seed} (stream version {conditions.stream_version})"


def _term(name: str) -> str:
    known = {"cpu": "Processor", "cpu_capability": "Processor capability", "memory_bytes": "Memory"}
    return known.get(name, name.replace("_", " ").capitalize())


def _hardware(name: str, value: object) -> str:
    if name == "memory_bytes" and isinstance(value, int | float):
        return f"{value / 2**30:.0f} GiB"
    return "unknown" if value is None else str(value)
