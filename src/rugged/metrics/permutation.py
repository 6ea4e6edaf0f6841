"""Paired tests by permutation: whether a difference between two models on the same images is more than chance."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rugged.core.errors import MetricsError

_FLIPS, _FLIPS_PER_TEST = 10_000, 50
"""Drawn sign changes: the least p-value there can be is one in so many, and must be real among all the tests."""

_FEW = 13
"""Differences whose sign changes, 8,192 of them, are all counted instead of drawn."""


def sign_flip_test(gains: Sequence[npt.NDArray[np.float64]]) -> npt.NDArray[np.float64]:
    """Two-sided p-values of paired permutation tests: is the mean gain zero?

    If the models were equally good, each image's gain could as well have the other sign: the p-value is the share of
    sign changes under which the mean is as far from zero. All sign changes are counted where few gains are not zero,
    else many are drawn. For gains of -1, 0 and 1 this is McNemar's exact test where all are counted, else near it.

    Args:
        gains: For each test ``(n,)`` differences of pairs.

    Returns:
        ``(tests,)`` in (0, 1]. The level holds for any n, since the drawn signs count the observed ones among them.

    Raises:
        MetricsError: A gain is not a finite number.

    Source: Good 2005, "Permutation, Parametric and Bootstrap Tests of Hypotheses"; Phipson & Smyth 2010, "Permutation
    p-values should never be zero".
    """
    if not all(np.isfinite(values).all() for values in gains):
        raise MetricsError("gains must be finite numbers")
    moved = [values[values != 0] for values in gains]
    few = np.array([len(values) <= _FEW for values in moved], dtype=bool)
    p = np.empty(len(gains))
    p[few] = [_over_all_signs(values) for values in moved if len(values) <= _FEW]
    if not few.all():
        flips = max(_FLIPS, _FLIPS_PER_TEST * len(gains))
        p[~few] = _over_drawn_signs([values for values in moved if len(values) > _FEW], flips)
    return p


def _over_all_signs(values: npt.NDArray[np.float64]) -> float:
    signs = 1 - 2 * (np.arange(2 ** len(values))[:, None] >> np.arange(len(values)) & 1)
    return float(np.mean(np.abs(signs @ values) >= _observed(values)))


def _over_drawn_signs(gains: Sequence[npt.NDArray[np.float64]], flips: int) -> npt.NDArray[np.float64]:
    most = max(map(len, gains))
    columns = np.stack([np.pad(values, (0, most - len(values))) for values in gains], axis=1)
    observed = np.array([_observed(values) for values in gains])
    generator = np.random.default_rng(0)
    exceeding = np.zeros(len(gains))
    block = max(1, 4_000_000 // most)
    for start in range(0, flips, block):
        signs = generator.integers(0, 2, (min(block, flips - start), most), dtype=np.int8) * 2.0 - 1
        exceeding += np.count_nonzero(np.abs(signs @ columns) >= observed, axis=0)
    return (exceeding + 1) / (flips + 1)


def _observed(values: npt.NDArray[np.float64]) -> float:
    """How far the sum is from zero, less what rounding may take from a sum that is as far."""
    return float(abs(values.sum()) - 1e-9 * np.abs(values).sum())


def holm(p: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """P-values adjusted for their number, so that those below a level are all real in 1 - level of the cases.

    Args:
        p: ``(N,)`` p-values in [0, 1], of tests that may depend on each other.

    Returns:
        ``(N,)`` in [0, 1], in the same order, none smaller than it was.

    Source: Holm 1979, "A simple sequentially rejective multiple test procedure".
    """
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * np.arange(len(p), 0, -1))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted
