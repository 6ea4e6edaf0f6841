"""Which pictures a report will show: one of each class, and those that tell how the model fares."""

from collections.abc import Iterator

import numpy as np

from rugged.analyze import Failures, failures, random_predictions, surest_mistakes
from rugged.analyze.selection import Cells
from rugged.results import CLEAN, Cell, Strip
from rugged.results.pictures import Why

_RANDOM, _MISTAKES, _KEPT = 24, 12, 6


def choose_for_classes(cell: Cell, classes: int) -> tuple[str, ...]:
    """The id of a picture for each class: the first that is recognised, or else its first; empty where it has none."""
    ids = [""] * classes
    order = np.argsort(~cell.correct, kind="stable")
    for place in order[::-1]:  # The first is written last.
        ids[cell.labels[place]] = cell.ids[place]
    return tuple(ids)


def choose_for_galleries(cells: Cells) -> list[Strip]:
    """Pictures drawn at random, the surest mistakes, one lost under each corruption, and some lost last or never.

    The same predictions give the same choice.
    """
    clean = cells[CLEAN, 0]
    drawn = random_predictions(clean, _RANDOM)
    wrong = surest_mistakes(clean, _MISTAKES)
    found = failures(cells)
    return [
        *(Strip("random", one.id, one.label, CLEAN, (0,)) for one in drawn),
        *(Strip("mistake", one.id, one.label, CLEAN, (0,)) for one in wrong),
        *_lost(found, cells),
        *_last(found, cells),
    ]


def _lost(found: Failures, cells: Cells) -> Iterator[Strip]:
    """For each corruption a picture that it loses about half way; of several the one that was surest before.

    Each is of another class, as long as there are such.
    """
    first, *later = found.severities
    shown: set[int] = set()
    for name, fails_at in zip(found.corruptions, found.fails_at, strict=True):
        before = cells[CLEAN if first == 0 else name, first].label_probability
        candidates = np.flatnonzero(np.isin(fails_at, later))
        if len(candidates):
            again = np.isin(found.labels[candidates], list(shown))
            middle = np.abs(fails_at[candidates] - later[len(later) // 2])
            place = int(candidates[np.lexsort((-before[candidates], middle, again))[0]])
            shown.add(int(found.labels[place]))
            yield _shown("lost", found, place, name)


def _last(found: Failures, cells: Cells) -> Iterator[Strip]:
    """Those that are lost last or never, each under the corruption that shakes the model most."""
    worst = found.severities[-1]
    for place in found.last_to_fail(_KEPT):
        sure = [cells[name, worst].label_probability[place] for name in found.corruptions]
        yield _shown("last", found, place, found.corruptions[int(np.argmin(sure))])


def _shown(why: Why, found: Failures, place: int, corruption: str) -> Strip:
    return Strip(why, found.ids[place], int(found.labels[place]), corruption, found.severities)
