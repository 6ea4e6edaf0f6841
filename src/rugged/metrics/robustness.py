"""Corruption error and its mean, as Hendrycks & Dietterich (2019, arXiv:1903.12261) define them."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from rugged.core.errors import MetricsError

Errors = Sequence[float] | npt.NDArray[np.floating] | float
"""Error rates in [0, 1] at the severities of one corruption, or their mean."""


def corruption_error(errors: Errors, baseline: Errors) -> float:
    """CE: a model's errors summed over the severities, divided by the baseline's sum.

    Args:
        errors: The model's error rates at each severity, or their mean.
        baseline: The baseline's, at the same severities. One may be a mean where the other is a list: the ratio
            of sums over equally many severities is the ratio of means.

    Returns:
        The ratio: 1.0 is as good as the baseline, lower is better. The paper prints it times 100.

    Raises:
        MetricsError: An error rate outside [0, 1], lists of different length, or a baseline without errors.
    """
    _same_severities(errors, baseline)
    divisor = _mean(baseline)
    if divisor == 0.0:
        raise MetricsError("the baseline makes no errors here, so a ratio to it has no meaning")
    return _mean(errors) / divisor


def mean_corruption_error(errors: Mapping[str, Errors], baseline: Mapping[str, Errors]) -> float:
    """The mCE: the mean over the corruptions of each one's ``corruption_error``.

    The published figure is over the fifteen of the benchmark. Any set may be given here; the caller must say which.

    Args:
        errors: For each corruption the model's error rates, in [0, 1]: at each severity, or their mean.
        baseline: For the same corruptions the baseline's; it may hold more, which are not used.

    Returns:
        The mean ratio: 1.0 is as good as the baseline, lower is better. The paper prints it times 100.

    Raises:
        MetricsError: No corruptions, or one that the baseline lacks; or as ``corruption_error``.

    Example:
        >>> from rugged import mean_corruption_error
        >>> mean_corruption_error({"fog": [0.2, 0.4], "snow": 0.5}, {"fog": [0.4, 0.8], "snow": 0.5})
        0.75
    """
    _require_all(errors, baseline)
    return sum(corruption_error(errors[name], baseline[name]) for name in errors) / len(errors)


def relative_corruption_error(errors: Errors, clean: float, baseline: Errors, baseline_clean: float) -> float:
    """Relative CE: what a corruption adds to a model's error, divided by what it adds to the baseline's.

    Args:
        errors: The model's error rates at each severity, or their mean.
        clean: Its error rate without corruption.
        baseline: The baseline's error rates, at the same severities.
        baseline_clean: Its error rate without corruption.

    Returns:
        The ratio of sums over the severities: 1.0 is as stable as the baseline, lower is better.

    Raises:
        MetricsError: An error rate outside [0, 1], lists of different length, or the corruption adds nothing to the
            baseline's error.
    """
    _same_severities(errors, baseline)
    added = _mean(baseline) - _mean(baseline_clean)
    if added <= 0:
        raise MetricsError("the corruption adds nothing to the baseline's error, so a ratio to it has no meaning")
    return (_mean(errors) - _mean(clean)) / added


def relative_mean_corruption_error(
    errors: Mapping[str, Errors], clean: float, baseline: Mapping[str, Errors], baseline_clean: float
) -> float:
    """Relative mCE: the mean over the corruptions of each one's ``relative_corruption_error``.

    Args:
        errors: For each corruption the model's error rates, in [0, 1]: at each severity, or their mean.
        clean: Its error rate without corruption.
        baseline: For the same corruptions the baseline's; it may hold more, which are not used.
        baseline_clean: Its error rate without corruption.

    Returns:
        The mean ratio: 1.0 is as stable as the baseline, lower is better.

    Raises:
        MetricsError: No corruptions, or one that the baseline lacks; or as ``relative_corruption_error``.
    """
    _require_all(errors, baseline)
    ratios = (relative_corruption_error(errors[name], clean, baseline[name], baseline_clean) for name in errors)
    return sum(ratios) / len(errors)


def mean_corruption_accuracy(errors: Mapping[str, Errors]) -> float:
    """The mean accuracy over corruptions, each the mean over its severities. Un-normalised: this is not 1 - mCE.

    Args:
        errors: For each corruption the model's error rates, in [0, 1]: at each severity, or their mean.

    Returns:
        In [0, 1].

    Raises:
        MetricsError: No corruptions, or an error rate outside [0, 1].
    """
    _require_by_name(errors)
    if not errors:
        raise MetricsError("mean_corruption_accuracy needs at least one corruption")
    return 1.0 - sum(_mean(values) for values in errors.values()) / len(errors)


def _require_all(errors: Mapping[str, Errors], baseline: Mapping[str, Errors]) -> None:
    _require_by_name(errors)
    _require_by_name(baseline)
    if not errors:
        raise MetricsError("a mean over corruptions needs at least one corruption")
    missing = [name for name in errors if name not in baseline]
    if missing:
        raise MetricsError(f"the baseline has no errors for {', '.join(missing)}")


def _require_by_name(errors: object) -> None:
    if not isinstance(errors, Mapping):
        raise MetricsError(
            f"a mean over corruptions takes a dict of error rates by corruption, not {type(errors).__name__}; "
            "corruption_error takes those of one corruption"
        )


def _same_severities(errors: Errors, baseline: Errors) -> None:
    one, other = _rates(errors), _rates(baseline)
    if one.ndim and other.ndim and one.size != other.size:
        raise MetricsError(f"{one.size} severities cannot be compared with the baseline's {other.size}")


def _mean(errors: Errors) -> float:
    return float(_rates(errors).mean())


def _rates(errors: Errors) -> npt.NDArray[np.float64]:
    try:
        values = np.asarray(errors, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise MetricsError(f"error rates must be numbers in [0, 1], got {errors!r}") from error
    if np.isnan(values).any():
        raise MetricsError(f"error rates must be numbers in [0, 1], got {errors!r}; leave out what was not measured")
    if values.size == 0 or not ((values >= 0) & (values <= 1)).all():
        raise MetricsError(f"error rates must lie in [0, 1], got {errors!r}; divide percentages by 100")
    return values
