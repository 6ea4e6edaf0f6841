"""Maps and answers of networks to pictures under conditions, and the figures that follow from them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from rugged.core.errors import DataError, Interrupted
from rugged.core.progress import Bar, progress
from rugged.core.stopping import StopRequest
from rugged.corruptions import Corruptor
from rugged.data import Dataset
from rugged.data.builtin import masks
from rugged.data.builtin.shapes import SIDE
from rugged.explain.attribution import maps_of
from rugged.explain.drifting import drift
from rugged.explain.layers import Layer
from rugged.explain.looking import device_of, undisturbed
from rugged.explain.opening import ChosenPictures, Opened, choose_pictures
from rugged.explain.pointing import centre_hits, hits
from rugged.metrics import interval, resampled_means
from rugged.results import CLEAN
from rugged.results.explanations import DriftResult, PointingResult

_AT_ONCE = 25
_FEWEST = 50
_FEWEST_OF_INTERVAL = 10
"""Pictures below which resampled means hardly vary: the interval would look surer than the mean is."""
POINTED_AT = 500
"""Pictures of the pointing game, unless more were asked for: its error is then below 2 points."""


@dataclass(frozen=True)
class Condition:
    """Clean, or a corruption with its severity."""

    corruption: str = CLEAN
    severity: int = 0


@dataclass(frozen=True, eq=False)
class Look:
    """One network's maps by one method under one condition, over all pictures.

    Attributes:
        subject: Position of the network.
        method: Of explanation.
        condition: Of the pictures.
        maps: ``(N, H, W)`` float32; only those to be shown are kept, from the front.
        targets: ``(N,)`` explained classes.
        probabilities: ``(N, classes)``.
        empty: In how many of all pictures nothing speaks for the class.
        drifts: ``(N,)`` from the clean maps, NaN where one of both is empty or the same everywhere; None for clean.
    """

    subject: int
    method: str
    condition: Condition
    maps: NDArray[np.float32]
    targets: NDArray[np.int64]
    probabilities: NDArray[np.float32]
    empty: int
    drifts: NDArray[np.float64] | None = None


def probabilities(subject: Opened, images: Tensor) -> NDArray[np.float32]:
    """``(N, classes)`` for pictures, in full precision."""
    module, found = subject.network.module, []
    with undisturbed(module), torch.no_grad():
        for start in range(0, len(images), _AT_ONCE):
            part = images[start : start + _AT_ONCE]
            found.append(subject.network.logits(part.to(device_of(module))).float().softmax(1).cpu())
    return np.asarray(torch.cat(found).numpy(), np.float32)


@dataclass(frozen=True)
class Measurement:
    """What is to be looked at, and how.

    Attributes:
        subjects: The networks.
        layers: Of Grad-CAM, one a network; None where it is not asked for.
        activations: Layers whose activations are drawn, for each network.
        pictures: All that figures are over; the first ``shown`` are kept.
        methods: Of explanation.
        conditions: Clean first.
        corruptor: Makes the others.
        target: ``predicted`` (on the clean picture), ``label``, or the label of a class.
        shown: How many pictures are shown.
    """

    subjects: Sequence[Opened]
    layers: Sequence[Layer | None]
    activations: Sequence[Sequence[Layer]]
    pictures: ChosenPictures
    methods: Sequence[str]
    conditions: Sequence[Condition]
    corruptor: Corruptor
    target: str | int
    shown: int

    def looks(self, stop: StopRequest) -> list[Look]:
        """Look at everything: by condition, then network, then method.

        Raises:
            Interrupted: A signal came.
        """
        found: list[Look] = []
        clean: dict[tuple[int, str], NDArray[np.float32]] = {}
        targets: dict[int, NDArray[np.int64]] = {}
        total = len(self.conditions) * len(self.subjects) * len(self.methods) * len(self.pictures.ids)
        with progress("Explaining", total, "maps") as bar:
            for condition in self.conditions:
                images = self.under(condition, self.pictures)
                for index, subject in enumerate(self.subjects):
                    answers = probabilities(subject, images)
                    chosen = targets.setdefault(index, self._targets(answers))
                    for method in self.methods:
                        maps = explain_all(subject, self.layers[index], images, chosen, method, bar, stop)
                        before = clean.setdefault((index, method), maps)
                        drifts = None if condition.corruption == CLEAN else _drifts(before, maps)
                        kept, empty = maps[: self.shown].copy(), int(_empty(maps).sum())
                        found.append(Look(index, method, condition, kept, chosen, answers, empty, drifts))
        return found

    def under(self, condition: Condition, pictures: ChosenPictures) -> Tensor:
        """``(N, 3, H, W)`` uint8: pictures under a condition."""
        if condition.corruption == CLEAN:
            return pictures.images
        return self.corruptor(pictures.images, condition.corruption, condition.severity, ids=pictures.ids)

    def _targets(self, clean_answers: NDArray[np.float32]) -> NDArray[np.int64]:
        if self.target == "predicted":
            return np.asarray(clean_answers.argmax(axis=1), np.int64)
        if self.target == "label":
            assert self.pictures.labels is not None  # Checked where it was asked for.
            return self.pictures.labels
        return np.full(len(clean_answers), int(self.target), np.int64)


def explain_all(
    subject: Opened,
    layer: Layer | None,
    images: Tensor,
    targets: NDArray[np.int64],
    method: str,
    bar: Bar,
    stop: StopRequest,
) -> NDArray[np.float32]:
    """``(N, H, W)`` maps, a few pictures at a time.

    Raises:
        Interrupted: A signal came.
    """
    found = []
    for start in range(0, len(images), _AT_ONCE):
        if stop.signal_number is not None:
            raise Interrupted(
                "Stopped. Explanations are made as a whole: run the same command again to have them.",
                stop.signal_number,
            )
        part = slice(start, start + _AT_ONCE)
        chosen = torch.from_numpy(targets[part])
        place = layer if method == "grad_cam" else None
        found.append(maps_of(subject.network, images[part], chosen, method, layer=place).numpy())
        bar.advance(len(found[-1]))
    return np.concatenate(found)


def _empty(maps: NDArray[np.float32]) -> NDArray[np.bool_]:
    return np.asarray(maps.max(axis=(1, 2)) <= 0)


def _drifts(clean: NDArray[np.float32], corrupted: NDArray[np.float32]) -> NDArray[np.float64]:
    """``(N,)``, NaN where a map is empty: a signed one varies even so, but by what speaks against the class."""
    found = np.array([drift(*pair) for pair in zip(clean, corrupted, strict=True)])
    return np.where(_empty(clean) | _empty(corrupted), np.nan, found)


def drift_results(looks: Sequence[Look]) -> Iterator[DriftResult]:
    """The mean drift of each look at corrupted pictures; with its interval over pictures, unless these are few."""
    for look in looks:
        if look.drifts is None:
            continue
        known = look.drifts[~np.isnan(look.drifts)]
        mean = float(known.mean()) if len(known) else None
        ends = interval(resampled_means(known[None])[:, 0]) if len(known) >= _FEWEST_OF_INTERVAL else None
        yield DriftResult(
            look.subject, look.method, look.condition.corruption, look.condition.severity,
            len(known), len(look.drifts) - len(known), mean, ends,
        )  # fmt: skip


def play_pointing_game(
    measurement: Measurement, dataset: Dataset | None, stop: StopRequest
) -> tuple[PointingResult, ...]:
    """Play the pointing game on validation pictures whose objects' outlines are known: those of the built-in data set.

    The class explained is the label's. Methods of many passes take as many pictures as the measurement, and none where
    these are few; the others ``POINTED_AT`` at least.
    """
    if dataset is None or dataset.name != "builtin" or dataset.size != (SIDE, SIDE):
        return ()
    found = []
    for method in measurement.methods:
        quick, given = method not in ("integrated_gradients", "occlusion"), len(measurement.pictures.ids)
        if not quick and given < _FEWEST:
            continue
        count = max(given, POINTED_AT if quick else 0)
        pictures = choose_pictures(dataset, count)
        try:
            truth = masks(pictures.ids)
        except DataError:
            return ()  # It only bears the name.
        with progress("Pointing game", len(pictures.ids) * len(measurement.subjects), "maps") as bar:
            for index, subject in enumerate(measurement.subjects):
                assert pictures.labels is not None
                layer = measurement.layers[index]
                maps = explain_all(subject, layer, pictures.images, pictures.labels, method, bar, stop)
                right = probabilities(subject, pictures.images).argmax(axis=1) == pictures.labels
                found.append(pointing_result(index, method, maps, truth, right))
    return tuple(found)


def pointing_result(
    subject: int, method: str, maps: NDArray[np.float32], truth: NDArray[np.bool_], right: NDArray[np.bool_]
) -> PointingResult:
    """The figures of the pointing game.

    Args:
        subject: Position of the network.
        method: Of explanation.
        maps: ``(N, H, W)``.
        truth: ``(N, H, W)`` the objects.
        right: ``(N,)`` whether the network classifies each picture right.
    """
    found, centre = hits(maps, truth), centre_hits(truth)
    off = centre == 0

    def mean(some: NDArray[np.bool_]) -> float | None:
        return float(found[some].mean()) if some.any() else None

    return PointingResult(
        subject, method, len(found), float(found.mean()), interval(resampled_means(found[None])[:, 0]),
        int(right.sum()), float(centre.mean()), int(off.sum()), mean(right), mean(off),
    )  # fmt: skip
