"""At which severity each picture is lost for good, and which pictures are lost first or never."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rugged.analyze.selection import Cells, averaged, severities_of
from rugged.core.catalogue import SEVERITIES
from rugged.core.errors import ConfigError
from rugged.results import CLEAN

NEVER = SEVERITIES[-1] + 1
"""The severity at which a picture is lost that is still recognised at the highest one: above all that there are."""


@dataclass(frozen=True)
class Failures:
    """When a model fails on each of N pictures under each of K corruptions.

    A picture is lost for good at the first severity from which on every answer is wrong. Clean counts as severity 0,
    where the clean pictures are the ones that were corrupted.

    Attributes:
        ids: Of the pictures.
        labels: ``(N,)`` true classes.
        corruptions: The K corruptions that means are over, in the catalogue's order.
        severities: The L levels, rising, 0 first where clean counts.
        fails_at: ``(K, N)`` int8: the severity at which each is lost; ``NEVER`` where it is not.
        wrong: ``(N,)`` int64, wrong answers over all these cells.
        cells: How many cells these are.
        right_when_clean: ``(N,)``; None where the clean pictures are others.
    """

    ids: tuple[str, ...]
    labels: npt.NDArray[np.int32]
    corruptions: tuple[str, ...]
    severities: tuple[int, ...]
    fails_at: npt.NDArray[np.int8]
    wrong: npt.NDArray[np.int64]
    cells: int
    right_when_clean: npt.NDArray[np.bool_] | None

    @property
    def never_right(self) -> npt.NDArray[np.bool_]:
        """``(N,)`` whether every answer is wrong."""
        return np.equal(self.wrong, self.cells)

    @property
    def always_right(self) -> npt.NDArray[np.bool_]:
        """``(N,)`` whether every answer is right."""
        return np.equal(self.wrong, 0)

    @property
    def never_fails(self) -> npt.NDArray[np.bool_]:
        """``(N,)`` whether the picture is recognised at the highest severity of every corruption.

        It may have been mistaken at a lower one; those that never were are ``always_right``.
        """
        found: npt.NDArray[np.bool_] = (self.fails_at == NEVER).all(axis=0)
        return found

    @property
    def mean_fails_at(self) -> npt.NDArray[np.float64]:
        """``(N,)`` the severity of the loss, a mean over the corruptions; a picture that is not lost counts 6."""
        mean: npt.NDArray[np.float64] = self.fails_at.mean(axis=0)
        return mean

    @property
    def fail_counts(self) -> npt.NDArray[np.int64]:
        """``(K, L)`` how many pictures are lost at each severity."""
        return np.stack([(self.fails_at == level).sum(axis=1) for level in self.severities], axis=1)

    @property
    def survival(self) -> npt.NDArray[np.float64]:
        """``(K, L)`` the share of pictures that are not lost yet at each severity."""
        kept: npt.NDArray[np.float64] = (len(self.ids) - self.fail_counts.cumsum(axis=1)) / len(self.ids)
        return kept

    def first_to_fail(self, count: int = 10) -> list[int]:
        """Places of the pictures that are lost first, of those that are recognised when clean and lost somewhere.

        By the mean severity of the loss, then by the number of wrong answers, then by id. Where it is not known which
        are recognised when clean, those that are ever recognised.
        """
        had = ~self.never_right if self.right_when_clean is None else self.right_when_clean
        order = np.lexsort((np.array(self.ids), -self.wrong, self.mean_fails_at))
        return [int(place) for place in order if had[place] and not self.never_fails[place]][:count]

    def last_to_fail(self, count: int = 10) -> list[int]:
        """Places of the pictures that are lost last or never, the steadiest first; of equals a class after the other.

        Many may never be lost: by id alone they would all be of one class.
        """
        order = np.lexsort((np.array(self.ids), self.wrong, -self.mean_fails_at))
        places = [int(place) for place in order if not self.never_right[place]]
        before: dict[tuple[float, int, int], int] = defaultdict(int)
        rounds = {}
        for place in places:
            kind = (float(self.mean_fails_at[place]), int(self.wrong[place]), int(self.labels[place]))
            rounds[place] = before[kind]
            before[kind] += 1
        return sorted(places, key=lambda place: (-self.mean_fails_at[place], self.wrong[place], rounds[place]))[:count]

    def first_and_last(self, count: int = 10) -> tuple[list[int], list[int]]:
        """Both lists for few pictures, too: none stands in both, and none of the earlier half among those lost last."""
        first, half = self.first_to_fail(count), -(-int(np.sum(~self.never_right)) // 2)
        return first, [place for place in self.last_to_fail(min(count, half)) if place not in first]


def failures(cells: Cells) -> Failures:
    """Find when each picture is lost.

    Args:
        cells: Clean, and each corruption, all of the same pictures; clean may be of others.

    Raises:
        ConfigError: No corruption was measured.
    """
    names = averaged(cells)
    if not names:
        raise ConfigError("Only clean predictions were measured. Run `rugged benchmark` with corruptions.")
    measured = severities_of(cells)
    first = cells[names[0], measured[0]]
    same = (CLEAN, 0) in cells and cells[CLEAN, 0].ids == first.ids
    right = np.stack([[cells[name, severity].correct for severity in measured] for name in names])
    wrong = (~right).sum(axis=(0, 1))
    clean = cells[CLEAN, 0].correct if same else None
    if clean is not None:
        wrong += ~clean
        right = np.concatenate([np.broadcast_to(clean, (len(names), 1, len(clean))), right], axis=1)
    levels = (0, *measured) if same else measured
    return Failures(
        ids=first.ids,
        labels=first.labels,
        corruptions=names,
        severities=levels,
        fails_at=_fails_at(right, levels),
        wrong=wrong,
        cells=len(names) * len(measured) + same,
        right_when_clean=clean,
    )


def _fails_at(right: npt.NDArray[np.bool_], levels: tuple[int, ...]) -> npt.NDArray[np.int8]:
    """``(K, N)`` from ``(K, L, N)``: the level behind the last right answer."""
    backwards = right[:, ::-1]
    behind = np.where(backwards.any(axis=1), backwards.argmax(axis=1), len(levels))
    found: npt.NDArray[np.int8] = np.array([*levels, NEVER], np.int8)[len(levels) - behind]
    return found
