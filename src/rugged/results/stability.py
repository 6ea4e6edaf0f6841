"""How steady a classifier is: the figures of its saved predictions on perturbation sequences."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from rugged.core.configuration import from_plain, to_plain
from rugged.core.errors import IncomparableError, ResultsError, RuggedError
from rugged.core.files import expanded, read_json, write_json
from rugged.metrics import error_rate, flips, interval, mean_flip_rate, resampled_means, top5_distances
from rugged.results.comparison import phrases
from rugged.results.conditions import Made, ModelFacts
from rugged.results.frames import Frames
from rugged.results.runs import RunFolder
from rugged.results.summary import Ends, require_own

FORMAT: Literal[1] = 1


@dataclass(frozen=True)
class SequenceConditions:
    """What the figures depend on besides the model. Results are comparable only where these agree.

    Attributes:
        dataset: Its name.
        content_hash: SHA-256 over the class ids and the measured images' pixels, labels and ids; for files
            over the class ids, their names, and what ``rugged perturb`` has written down of the pictures.
        split: Which split was read.
        images: How many images, n: so many sequences of each kind.
        classes: How many classes.
        size: Height and width of the images that were perturbed, or of the frames in files.
        route: ``"in memory"``: made as they are measured; ``"PNG files"`` or ``"MP4 files"``, whose compression takes
            away much of a noise.
        preset: Which published set of sequences.
        difficulty: 1 to 3: strength of noise, stride of everything else.
        seed: Seed of the keyed random streams.
        stream_version: Version of their layout.
        sequences: What was measured, in the catalogue's order.
        averaged: What means are over: those of the ten of the mean flip rate, else all.
        complete: Whether these are the ten.
        limit: Images a quick run was limited to, evenly over the classes; None for all.
    """

    dataset: str
    content_hash: str
    split: str
    images: int
    classes: int
    size: tuple[int, ...]
    route: str
    preset: str
    difficulty: int
    seed: int
    stream_version: int
    sequences: tuple[str, ...]
    averaged: tuple[str, ...]
    complete: bool
    limit: int | None = None

    def without_extent(self) -> dict[str, Any]:
        """All but which sequences were measured: what each of them depends on."""
        extent = ("sequences", "averaged", "complete")
        return {key: value for key, value in to_plain(self).items() if key not in extent}


@dataclass(frozen=True)
class SequenceResult:
    """Figures of one kind of sequence.

    Attributes:
        noise: Whether frames are compared with the first one, instead of with one before.
        step: How many frames apart the compared ones lie.
        flip_probability: How often the predicted class changes, in [0, 1].
        flip_interval: 95% interval of ``flip_probability``.
        error: Top-1 error rate over all frames.
        top5_distance: T5D, in [0, 15]; None with fewer than five classes.
        top5_interval: 95% interval of ``top5_distance``.
    """

    noise: bool
    step: int
    flip_probability: float
    flip_interval: Ends
    error: float
    top5_distance: float | None = None
    top5_interval: Ends | None = None


@dataclass(frozen=True)
class MeanFlipRate:
    """MFR and mT5D: flip probability and T5D relative to a baseline's, a mean over the sequences; 1.0 is as steady.

    Attributes:
        value: MFR.
        interval: 95% interval of ``value``. The baseline's figures are taken as they are.
        baseline: The baseline's name.
        architecture: What it is.
        sha256: Of its file.
        top5: MT5D; None with fewer than five classes.
        top5_interval: 95% interval of ``top5``.
    """

    value: float
    interval: Ends
    baseline: str
    architecture: str
    sha256: str
    top5: float | None = None
    top5_interval: Ends | None = None


@dataclass(frozen=True)
class Stability:
    """The content of ``benchmark/sequences-<difficulty>.json``. Brackets are 95% intervals over the sequences.

    Attributes:
        model: What was measured.
        conditions: Under which conditions.
        sequences: Figures of each.
        mean_flip_probability: Over ``conditions.averaged``, not normalised: this is no mFR.
        mean_interval: 95% interval of ``mean_flip_probability``.
        made: How.
        mfr: Where there is a baseline.
        notes: What a reader must know.
        format: Of this file.
    """

    model: ModelFacts
    conditions: SequenceConditions
    sequences: dict[str, SequenceResult]
    mean_flip_probability: float
    mean_interval: Ends
    made: Made
    mfr: MeanFlipRate | None = None
    notes: tuple[str, ...] = ()
    format: Literal[1] = field(default=FORMAT)


@dataclass(frozen=True)
class Moves:
    """What remains of the predictions on N sequences of one kind: how far each moves.

    Attributes:
        noise: As ``SequenceResult``.
        step: As ``SequenceResult``.
        flips: ``(N,)`` flip probability of each.
        distances: ``(N,)`` top-5 distance of each; None with fewer than five classes.
        error: Top-1 error rate over all frames.
    """

    noise: bool
    step: int
    flips: npt.NDArray[np.float64]
    distances: npt.NDArray[np.float64] | None
    error: float


def moves_of(frames: Frames, *, noise: bool, step: int) -> Moves:
    """Reduce predictions to how far they move: what is held in memory for all kinds of sequences at once."""
    first = frames.top[..., 0]
    distances = top5_distances(frames.top, noise=noise, step=step) if frames.top.shape[2] == 5 else None
    return Moves(
        noise, step, flips(first, noise=noise, step=step), distances, error_rate(first == frames.labels[:, None])
    )


def stability_of(
    moves: Mapping[str, Moves],
    model: ModelFacts,
    conditions: SequenceConditions,
    made: Made,
    notes: Sequence[str] = (),
    baseline: Stability | None = None,
) -> Stability:
    """Compute every figure.

    Args:
        moves: Of each sequence that ``conditions`` names, all of the same pictures.
        model: The measured model.
        conditions: What was measured.
        made: How.
        notes: What a reader must know besides.
        baseline: For mFR and mT5D, from ``load_steady_baseline``.
    """
    names, averaged = conditions.sequences, conditions.averaged
    flip_draws = dict(zip(names, resampled_means(np.stack([moves[name].flips for name in names])).T, strict=True))
    far = {name: distances for name in names if (distances := moves[name].distances) is not None}
    far_draws = dict(zip(far, resampled_means(np.stack(list(far.values()))).T, strict=True)) if far else {}
    results = {
        name: SequenceResult(
            noise=one.noise,
            step=one.step,
            flip_probability=float(one.flips.mean()),
            flip_interval=interval(flip_draws[name]),
            error=one.error,
            top5_distance=float(far[name].mean()) if far else None,
            top5_interval=interval(far_draws[name]) if far else None,
        )
        for name, one in moves.items()
    }
    return Stability(
        model=model,
        conditions=conditions,
        sequences=results,
        mean_flip_probability=float(np.mean([results[name].flip_probability for name in averaged])),
        mean_interval=interval(np.mean([flip_draws[name] for name in averaged], axis=0)),
        made=made,
        mfr=None if baseline is None else _normalise(results, averaged, baseline, flip_draws, far_draws),
        notes=tuple(notes),
    )


def _normalise(
    results: Mapping[str, SequenceResult],
    averaged: Sequence[str],
    baseline: Stability,
    flip_draws: Mapping[str, npt.NDArray[np.float64]],
    far_draws: Mapping[str, npt.NDArray[np.float64]],
) -> MeanFlipRate:
    def rate(field_name: str) -> float:
        here, there = (
            {name: getattr(table[name], field_name) for name in averaged} for table in (results, baseline.sequences)
        )
        return mean_flip_rate(here, there)

    def ends(field_name: str, draws: Mapping[str, npt.NDArray[np.float64]]) -> Ends:
        ratios = [draws[name] / getattr(baseline.sequences[name], field_name) for name in averaged]
        return interval(np.mean(ratios, axis=0))

    facts = baseline.model
    return MeanFlipRate(
        rate("flip_probability"),
        ends("flip_probability", flip_draws),
        facts.name,
        facts.architecture,
        facts.sha256,
        rate("top5_distance") if far_draws else None,
        ends("top5_distance", far_draws) if far_draws else None,
    )


def load_steady_baseline(run: RunFolder, conditions: SequenceConditions) -> Stability:
    """Read the figures of a model that can normalise what is measured under ``conditions``.

    Args:
        run: Of the model, its sequences measured.
        conditions: Of what is to be normalised.

    Raises:
        ResultsError: There are none, or the model was trained since.
        IncomparableError: They were measured under other conditions, every difference being named; or the baseline
            never moves under one of the sequences, so that there is nothing to divide by.
    """
    path = run.stability(conditions.difficulty)
    baseline = read_stability(path)
    require_own(run, path, baseline.model)
    found = phrases(conditions.without_extent(), baseline.conditions.without_extent())
    found += [f"it lacks {name}" for name in conditions.averaged if name not in baseline.sequences]
    if found:
        raise IncomparableError(
            f"{path} cannot be the baseline, since it was measured under other conditions: {'; '.join(found)}. "
            "Measure its sequences again under these conditions, or choose another baseline."
        )
    still = [
        name
        for name in conditions.averaged
        if 0 in (baseline.sequences[name].flip_probability, baseline.sequences[name].top5_distance)
    ]
    if still:
        raise IncomparableError(
            f"{path} cannot be the baseline, since its model never moves under {', '.join(still)}: a ratio to nothing "
            "has no meaning. Choose another model, or measure more pictures."
        )
    return baseline


def write_stability(path: Path, stability: Stability) -> None:
    """Write the figures atomically."""
    write_json(path, {"format": FORMAT, **asdict(stability)})


def read_stability(path: str | Path) -> Stability:
    """Read the figures.

    Raises:
        ResultsError: Missing, not JSON, or not of this format.
    """
    path = expanded(path)
    if not path.exists():
        raise ResultsError(f"{path} does not exist. Run `rugged benchmark --sequences` on this run first.")
    try:
        return from_plain(Stability, read_json(path), source=str(path))
    except RuggedError as error:
        raise ResultsError(
            f"{path} holds no figures of sequences, format {FORMAT} ({error}). Measure again with --replace."
        ) from error
