"""Stability over perturbation sequences, as Hendrycks & Dietterich (2019, arXiv:1903.12261, section 3.2) define it."""

from collections.abc import Mapping
from numbers import Integral

import numpy as np
import numpy.typing as npt

from rugged.core.errors import MetricsError

Classes = npt.NDArray[np.integer]

_TOP = 5


def flip_probability(predictions: Classes, *, noise: bool, step: int = 1) -> float:
    """How often the predicted class changes from frame to frame.

    Args:
        predictions: ``(sequences, frames)`` predicted classes.
        noise: The frames are independent draws of noise upon the first: each is compared with the first, instead of
            with the one before.
        step: The difficulty of sequences of motion: frames that far apart are compared. Noise has frames of its own
            for each difficulty, so there it must be 1.

    Returns:
        In [0, 1]: the mean over the sequences.

    Raises:
        MetricsError: No sequences, too few frames for the step, steps in noise, or no classes but logits, say.

    Source: ``flip_prob`` of the ImageNet-P evaluation, github.com/hendrycks/robustness.
    """
    return float(flips(predictions, noise=noise, step=step).mean())


def flips(predictions: Classes, *, noise: bool, step: int = 1) -> npt.NDArray[np.float64]:
    """The ``flip_probability`` of each sequence, ``(sequences,)``: what a bootstrap over them draws from."""
    if np.ndim(predictions) != 2:
        raise MetricsError(
            f"expected (sequences, frames) predicted classes, got the shape {np.shape(predictions)}; of logits "
            "logits.argmax(2), of one sequence classes[None]"
        )
    earlier, later = _pairs(predictions, noise, step)
    shares: npt.NDArray[np.float64] = (earlier != later).mean(axis=1)
    return shares


def top5_distance(top: Classes, *, noise: bool, step: int = 1) -> float:
    """T5D: how far the five most probable classes move from frame to frame.

    A class at rank r of the first five costs the difference between r and its rank in the other frame, in which every
    rank behind the fifth counts as the sixth.

    Args:
        top: ``(sequences, frames, 5)`` classes, most probable first.
        noise: As ``flip_probability``.
        step: As ``flip_probability``.

    Returns:
        In [0, 15]: the mean over the sequences.

    Raises:
        MetricsError: As ``flip_probability``, or not five classes a frame.

    Source: ``ranking_dist`` of the ImageNet-P evaluation.
    """
    return float(top5_distances(top, noise=noise, step=step).mean())


def top5_distances(top: Classes, *, noise: bool, step: int = 1) -> npt.NDArray[np.float64]:
    """The ``top5_distance`` of each sequence, ``(sequences,)``: what a bootstrap over them draws from."""
    if np.ndim(top) != 3 or np.shape(top)[2] != _TOP:
        raise MetricsError(f"expected (sequences, frames, {_TOP}) classes, got the shape {np.shape(top)}")
    earlier, later = _pairs(top, noise, step)
    same = earlier[..., :, None] == later[..., None, :]
    ranks = np.where(same.any(axis=-1), same.argmax(axis=-1), _TOP)
    distances: npt.NDArray[np.float64] = np.abs(np.arange(_TOP) - ranks).sum(axis=-1).mean(axis=1)
    return distances


def mean_flip_rate(probabilities: Mapping[str, float], baseline: Mapping[str, float]) -> float:
    """MFR: the mean over the perturbations of flip probability divided by the baseline's.

    The same ratio of T5Ds is the mT5D. The published figures are over ten perturbations at difficulty 1.

    Args:
        probabilities: For each perturbation the model's.
        baseline: For the same perturbations the baseline's; it may hold more, which are not used.

    Returns:
        1.0 is as stable as the baseline, lower is better. The paper prints it times 100.

    Raises:
        MetricsError: No perturbations, one that the baseline lacks, or one under which the baseline never moves.
    """
    both: tuple[object, object] = (probabilities, baseline)
    for given in both:
        if not isinstance(given, Mapping):
            raise MetricsError(f"expected a dict of figures by perturbation, not {type(given).__name__}")
    if not probabilities:
        raise MetricsError("a mean over perturbations needs at least one")
    missing = [name for name in probabilities if name not in baseline]
    if missing:
        raise MetricsError(f"the baseline has no figures for {', '.join(missing)}")
    still = [name for name in probabilities if baseline[name] == 0]
    if still:
        raise MetricsError(f"the baseline never moves under {', '.join(still)}, so a ratio to it has no meaning")
    return sum(probabilities[name] / baseline[name] for name in probabilities) / len(probabilities)


def _pairs(frames: Classes, noise: bool, step: int) -> tuple[Classes, Classes]:
    """What is compared with what, ``(sequences, pairs, …)`` each.

    In motion every frame is compared with the one a step before it. Each such pair occurs once, whichever of the
    interleaved sequences it belongs to.
    """
    values = np.asarray(frames)
    whole = values.dtype.kind in "iub" or (values.dtype.kind == "f" and bool((values == np.rint(values)).all()))
    if not whole:
        raise MetricsError(f"expected predicted classes, which are whole numbers, got {values.dtype}")
    if isinstance(step, bool) or not isinstance(step, Integral) or step < 1:
        raise MetricsError(f"step is {step!r}; expected a whole number, at least 1")
    if noise and step != 1:
        raise MetricsError(f"frames of noise are compared with the first one, not in steps of {step}")
    if values.shape[0] == 0 or values.shape[1] <= step:
        raise MetricsError(f"there must be sequences of more than {step} frames, got the shape {values.shape}")
    later = values[:, step:]
    return (np.broadcast_to(values[:, :1], later.shape) if noise else values[:, :-step]), later
