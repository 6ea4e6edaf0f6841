"""The analysis as tables of plain values, for the terminal, for CSV and for Markdown alike."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from rugged.analyze.calibration import Calibration, CalibrationTable
from rugged.analyze.classes import ClassTable
from rugged.analyze.confusions import Confusion, Counts, Pair, Shift
from rugged.analyze.failures import NEVER, Failures
from rugged.analyze.kinship import UNGROUPED, Groups, Kinship, KinshipTable
from rugged.analyze.predictions import Prediction
from rugged.core.catalogue import display_name
from rugged.core.tables import Table, Value
from rugged.results import Classes

_ASKED = ("Picture", "Corruption", "Severity", "True class", "Answer")

_SINKS = 3
"""Named in the table of answers by severity; there is a table of all."""


def class_rows(classes: Classes, by_class: ClassTable, labels: Iterable[int], title: str) -> Table:
    """Classes, in the order given: pictures, top-1, top-5 and mean cross-entropy in nats, clean and corrupted."""
    losses = ("Clean loss (nats)", "Corrupted loss (nats)")
    clean, corrupted = (
        np.stack([one.top1, one.top5, one.loss], axis=1).tolist() for one in (by_class.clean, by_class.corrupted)
    )
    rows = tuple(
        (classes.shown[label], int(by_class.counts[label]), *clean[label], *corrupted[label]) for label in labels
    )
    columns = ("Class", "Pictures", "Clean top-1", "Clean top-5", losses[0])
    return Table(title, (*columns, "Corrupted top-1", "Corrupted top-5", losses[1]), rows, losses)


def heat_rows(classes: Classes, by_class: ClassTable) -> Table:
    """Top-1 accuracy of every class, clean and under each corruption: a mean over the severities."""
    columns = ("Class", "Clean", *map(display_name, by_class.corruptions))
    rows = tuple(
        (name, float(by_class.clean.top1[label]), *by_class.by_corruption.top1[label].tolist())
        for label, name in enumerate(classes.shown)
    )
    return Table("Top-1 accuracy of each class under each corruption", columns, rows)


def confusion_rows(classes: Classes, confusions: Iterable[Confusion], title: str) -> Table:
    """Mistakes one way: how often, of what share of the true class's answers, how surely."""
    rows = tuple(
        (classes.shown[one.label], classes.shown[one.predicted], one.count, one.share, one.probability)
        for one in confusions
    )
    return Table(title, ("True class", "Taken for", "Answers", "Share of the class", "Mean probability"), rows)


def pair_rows(classes: Classes, pairs: Iterable[Pair], title: str) -> Table:
    """Pairs of classes with their mistakes both ways."""
    rows = tuple((classes.shown[one.first], classes.shown[one.second], one.forth, one.back, one.share) for one in pairs)
    return Table(title, ("Class", "And", "1st as 2nd", "2nd as 1st", "Share of both"), rows)


def shift_rows(classes: Classes, shifts: Sequence[Shift]) -> Table:
    """What the model answers by severity: how wrong, over how many classes, and the most common wrong answers."""
    numbers = ("Entropy (nats)", "Effective classes")
    rows = tuple(
        (
            _severity(one.severity),
            one.wrong / one.answers,
            one.entropy,
            one.effective_classes,
            ", ".join(f"{classes.shown[sink.label]} {100 * sink.share:.1f}%" for sink in one.sinks[:_SINKS]),
        )
        for one in shifts
    )
    columns = ("Severity", "Wrong", *numbers, "Most common wrong answers, of all wrong ones")
    return Table("Answers by severity", columns, rows, numbers)


def sink_rows(classes: Classes, shifts: Sequence[Shift]) -> Table:
    """Every wrong answer at each severity, the most common first."""
    rows = tuple(
        (one.severity, classes.shown[sink.label], sink.count, sink.share) for one in shifts for sink in one.sinks
    )
    return Table("Wrong answers by severity", ("Severity", "Answered", "Wrong answers", "Share of wrong"), rows)


def survival_rows(failures: Failures) -> Table:
    """The share of pictures that are not lost for good yet, by corruption and severity."""
    pairs = zip(failures.corruptions, failures.survival.tolist(), strict=True)
    rows = tuple((display_name(name), *shares) for name, shares in pairs)
    mean = ("Mean", *failures.survival.mean(axis=0).tolist())
    columns = ("Corruption", *map(_severity, failures.severities))
    return Table("Pictures not lost for good yet, by severity", columns, (*rows, mean))


def failure_rows(classes: Classes, failures: Failures, places: Iterable[int], title: str) -> Table:
    """Pictures in the order given: the severity of their loss, a mean over the corruptions, and their wrong answers."""
    mean = failures.mean_fails_at
    rows = tuple(
        (failures.ids[place], classes.shown[failures.labels[place]], float(mean[place]), int(failures.wrong[place]))
        for place in places
    )
    columns = ("Picture", "Class", "Mean severity of loss", f"Wrong of {failures.cells}")
    return Table(title, columns, rows, columns[2:3])


def picture_rows(classes: Classes, failures: Failures) -> Table:
    """Every picture: its wrong answers, and the severity at which it is lost under each corruption, or nothing."""
    clean = failures.right_when_clean
    rows = tuple(
        (
            failures.ids[place],
            classes.shown[failures.labels[place]],
            None if clean is None else str(bool(clean[place])).lower(),
            int(failures.wrong[place]),
            failures.cells,
            *(None if level == NEVER else level for level in failures.fails_at[:, place].tolist()),
        )
        for place in range(len(failures.ids))
    )
    columns = ("Picture", "Class", "Right when clean", "Wrong answers", "Of")
    return Table("Severity at which each picture is lost", (*columns, *map(display_name, failures.corruptions)), rows)


def prediction_rows(classes: Classes, predictions: Sequence[Prediction], title: str) -> Table:
    """Predictions, a row each, with up to five classes and their probabilities."""
    width = max((len(one.top) for one in predictions), default=0)
    heads = [head for rank in range(1, width + 1) for head in (f"Answer {rank}", f"Probability {rank}")]
    rows = tuple(
        (
            *_asked(one, classes),
            *(value for pair in zip(_names(one, classes), one.probabilities, strict=True) for value in pair),
        )
        for one in predictions
    )
    return Table(title, (*_ASKED, *heads), rows)


def answer_rows(classes: Classes, predictions: Iterable[Prediction], title: str) -> Table:
    """Predictions of one cell for people: all five classes in one column."""
    rows = tuple((one.id, _verdict(one), _five(one, classes)) for one in predictions)
    return Table(title, ("Picture", "Answer", "Most probable"), rows)


def calibration_rows(table: CalibrationTable) -> Table:
    """Confidence and accuracy, their difference and ECE: clean, by severity, by corruption."""
    rows = tuple(
        (name, one.confidence, one.accuracy, one.overconfidence, one.ece) for name, one in _calibrations(table).items()
    )
    return Table("Calibration", ("Over", "Confidence", "Accuracy", "Overconfidence", "ECE"), rows)


def reliability_rows(table: CalibrationTable) -> Table:
    """The bins of every reliability diagram, with right and wrong answers counted."""
    rows: list[tuple[Value, ...]] = []
    for name, one in _calibrations(table).items():
        bins = one.reliability
        for place, count in enumerate(bins.counts.tolist()):
            mean = (float(bins.confidence[place]), float(bins.accuracy[place])) if count else (None, None)
            ends = place / len(bins.counts), (place + 1) / len(bins.counts)
            rows.append((name, *ends, count, int(one.right[place]), int(one.wrong[place]), *mean))
    columns = ("Over", "Above", "Up to", "Answers", "Right", "Wrong", "Confidence", "Accuracy")
    return Table("Reliability", columns, tuple(rows))


def kinship_rows(table: KinshipTable) -> Table:
    """The share of mistakes within the true class's group, beside that of mistakes spread evenly."""
    over: dict[str, Kinship] = {
        "Clean": table.clean,
        **{f"Severity {level}": one for level, one in table.severities.items()},
        **{display_name(name): one for name, one in table.corruptions.items()},
    }
    rows = tuple((name, one.wrong, one.near, one.share, one.chance) for name, one in over.items())
    count = sum(name != UNGROUPED for name in table.groups.names)
    known = f"{table.groups.source}, {count} group{'' if count == 1 else 's'}"
    title = f"Mistakes within a group of near classes ({known})"
    return Table(title, ("Over", "Wrong answers", "Within", "Share", "By chance"), rows)


def member_rows(classes: Classes, groups: Groups) -> Table:
    """Which group each class is in."""
    rows = tuple((name, groups.names[group]) for name, group in zip(classes.shown, groups.members, strict=True))
    return Table("Groups of classes", ("Class", "Group"), rows)


def group_rows(groups: Groups, matrix: Counts, title: str) -> Table:
    """The confusion matrix of groups, in answers; the diagonal holds right answers and near mistakes."""
    rows = tuple((name, *line) for name, line in zip(groups.names, matrix.tolist(), strict=True))
    return Table(title, ("True group", *groups.names), rows)


def _asked(one: Prediction, classes: Classes) -> tuple[Value, ...]:
    return one.id, one.corruption, one.severity, classes.shown[one.label], _verdict(one)


def _verdict(one: Prediction) -> str:
    return "right" if one.right else "wrong"


def _five(one: Prediction, classes: Classes) -> str:
    pairs = zip(_names(one, classes), one.probabilities, strict=True)
    return ", ".join(f"{name} {100 * share:.0f}%" for name, share in pairs)


def _names(one: Prediction, classes: Classes) -> list[str]:
    return [classes.shown[label] for label in one.top]


def _calibrations(table: CalibrationTable) -> Mapping[str, Calibration]:
    return {
        "Clean": table.clean,
        **{f"Severity {level}": one for level, one in table.severities.items()},
        **{display_name(name): one for name, one in table.corruptions.items()},
    }


def _severity(level: int) -> str:
    return str(level) if level else "Clean"
