"""From saved predictions to a summary's figures."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from rugged.core.catalogue import (
    BENCHMARK,
    PROCEDURAL_NOTE,
    SEVERITIES,
    CellKey,
    display_name,
    severities_in_words,
    size_note,
)
from rugged.core.errors import MetricsError, ResultsError
from rugged.core.wording import counted
from rugged.metrics import (
    brier_score,
    corruption_error,
    error_rate,
    expected_calibration_error,
    interval,
    mean_corruption_accuracy,
    mean_corruption_error,
    negative_log_likelihood,
    relative_mean_corruption_error,
)
from rugged.results.baselines import Baseline
from rugged.results.conditions import Conditions, Made, ModelFacts
from rugged.results.predictions import CLEAN, Cell
from rugged.results.resampling import Draws, Resampled, resample
from rugged.results.summary import (
    BaselineFacts,
    CleanResult,
    CorruptionResult,
    Ends,
    Intervals,
    MeanCorruptionError,
    Summary,
)


def summarise(
    cells: Mapping[CellKey, Cell],
    model: ModelFacts,
    conditions: Conditions,
    made: Made,
    notes: Sequence[str] = (),
    baseline: Baseline | None = None,
) -> Summary:
    """Compute every figure of a benchmark.

    Args:
        cells: Predictions; must hold clean and every corruption × severity that ``conditions`` names.
        model: The measured model.
        conditions: What was measured.
        made: How.
        notes: What a reader must know besides, of the data and the model.
        baseline: For CE and mCE. The caller has checked that it is comparable
            (``rugged.results.load_baseline``).

    Raises:
        ResultsError: A cell is missing, or is not about the same images as the others.
    """
    _require_whole(cells, conditions)
    results = {
        name: _corruption_result([cells[name, severity] for severity in conditions.severities])
        for name in conditions.corruptions
    }
    without_noise = [name for name in conditions.averaged if not name.endswith("_noise")]
    resampled = resample(cells, conditions)
    summary = Summary(
        model=model,
        conditions=conditions,
        clean=clean_result(cells[CLEAN, 0]),
        corruptions=results,
        mean_corruption_accuracy=_mean_accuracy(results, conditions.averaged),
        without_noise=_mean_accuracy(results, without_noise),
        made=made,
        intervals=Intervals(
            clean_error=interval(resampled.clean),
            clean_top5_error=interval(resampled.clean_top5),
            mean_corruption_accuracy=_ends(resampled.accuracy(conditions.averaged) if conditions.averaged else None),
            without_noise=_ends(resampled.accuracy(without_noise) if without_noise else None),
            errors={name: interval(draws) for name, draws in resampled.corruptions.items()},
            clean_loss=interval(resampled.clean_loss),
            clean_brier=interval(resampled.clean_brier),
            loss=_ends(resampled.loss),
            brier=_ends(resampled.brier),
        ),
        seen_in_training=tuple(name for name in BENCHMARK if name in model.training_operations),
        notes=tuple(dict.fromkeys((*_guessing(cells[CLEAN, 0], resampled), *_notes(conditions), *notes))),
    )
    return summary if baseline is None else _normalise(summary, baseline, resampled)


def _mean_accuracy(results: Mapping[str, CorruptionResult], over: Sequence[str]) -> float | None:
    return mean_corruption_accuracy({name: results[name].error for name in over}) if over else None


def _ends(drawn: Draws | None) -> Ends | None:
    return None if drawn is None else interval(drawn)


def normalise(summary: Summary, baseline: Baseline) -> Summary:
    """Add CE and mCE relative to ``baseline``, over the benchmark corruptions that ``summary`` measured.

    Without the predictions there are no intervals of these: ``summarise`` gives them, too. The caller has checked
    that the two are comparable (``rugged.results.load_baseline``).
    """
    return _normalise(summary, baseline, None)


def _require_whole(cells: Mapping[CellKey, Cell], conditions: Conditions) -> None:
    wanted = conditions.cells
    missing = [f"{name}-{severity}" for name, severity in wanted if (name, severity) not in cells]
    if missing:
        raise ResultsError(
            f"{counted(len(missing), 'cell')} {'is' if len(missing) == 1 else 'are'} missing "
            f"({', '.join(missing[:3])}{' …' if len(missing) > 3 else ''}). Run `rugged benchmark` again."
        )
    first = cells[wanted[0] if conditions.clean_images is None else wanted[1]]
    own = [cell for cell in wanted if conditions.clean_images is None or cell != (CLEAN, 0)]
    strange = [f"{name}-{severity}" for name, severity in own if cells[name, severity].ids != first.ids]
    if conditions.clean_images not in (None, len(cells[CLEAN, 0].ids)):
        strange.append(CLEAN)
    if strange or len(first.ids) != conditions.images:
        raise ResultsError(
            f"The cells are not about the same {conditions.images:,} images ({', '.join(strange) or CLEAN} differ). "
            "Run `rugged benchmark` again."
        )


def clean_result(cell: Cell) -> CleanResult:
    """The figures of one cell."""
    return CleanResult(
        error=error_rate(cell.correct),
        top5_error=error_rate(cell.in_top5),
        loss=negative_log_likelihood(cell.loss),
        ece=expected_calibration_error(cell.top_probabilities[:, 0], cell.correct),
        brier=brier_score(cell.label_probability, cell.sum_of_squares),
    )


def _corruption_result(cells: Sequence[Cell]) -> CorruptionResult:
    each = [clean_result(cell) for cell in cells]
    return CorruptionResult(
        error=tuple(one.error for one in each),
        top5_error=tuple(one.top5_error for one in each),
        loss=tuple(one.loss for one in each),
        ece=tuple(one.ece for one in each),
        brier=tuple(one.brier for one in each),
    )


def _normalise(summary: Summary, baseline: Baseline, resampled: Resampled | None) -> Summary:
    means = baseline.means
    results = {
        name: replace(
            result,
            ce=corruption_error(result.error, means[name]),
            relative_ce=_relative(summary, baseline, (name,)),
        )
        if name in means
        else result
        for name, result in summary.corruptions.items()
    }
    summary = replace(summary, corruptions=results)
    over = tuple(name for name in BENCHMARK if name in results)
    return replace(summary, mce=_mean_corruption_error(summary, baseline, over, resampled)) if over else summary


def _relative(summary: Summary, baseline: Baseline, over: Sequence[str]) -> float | None:
    """Relative CE of a corruption, or relative mCE over several."""
    if baseline.clean_error is None:
        return None
    try:
        return relative_mean_corruption_error(
            {name: summary.errors[name] for name in over}, summary.clean.error, baseline.means, baseline.clean_error
        )
    except MetricsError:  # A corruption does the baseline no harm.
        return None


def _mean_corruption_error(
    summary: Summary, baseline: Baseline, over: tuple[str, ...], resampled: Resampled | None
) -> MeanCorruptionError:
    seen = [name for name in over if name in summary.seen_in_training]
    unseen = [name for name in over if name not in seen] if seen else []
    mce = MeanCorruptionError(
        value=_mce(summary, baseline, over),
        over=over,
        complete=over == BENCHMARK and summary.conditions.severities == SEVERITIES,
        baseline=BaselineFacts(baseline.name, baseline.architecture, baseline.identity, baseline.clean_error),
        relative=_relative(summary, baseline, over),
        unseen=_mce(summary, baseline, unseen) if unseen else None,
    )
    if resampled is None:
        return mce
    return replace(
        mce,
        interval=_mce_interval(resampled, baseline, over),
        relative_interval=_relative_interval(resampled, baseline, over) if mce.relative is not None else None,
        unseen_interval=_mce_interval(resampled, baseline, unseen) if unseen else None,
    )


def _mce(summary: Summary, baseline: Baseline, over: Sequence[str]) -> float:
    return mean_corruption_error({name: summary.errors[name] for name in over}, baseline.means)


def _mce_interval(resampled: Resampled, baseline: Baseline, over: Sequence[str]) -> Ends:
    ratios = [resampled.corruptions[name] / baseline.means[name] for name in over]
    return interval(np.mean(ratios, axis=0))


def _relative_interval(resampled: Resampled, baseline: Baseline, over: Sequence[str]) -> Ends:
    clean = baseline.clean_error
    assert clean is not None  # Else there is no relative mCE that an interval could be of.

    def ratio(name: str) -> Draws:
        added: Draws = resampled.corruptions[name] - resampled.clean
        return added / (baseline.means[name] - clean)

    return interval(np.mean([ratio(name) for name in over], axis=0))


def _guessing(clean: Cell, resampled: Resampled) -> tuple[str, ...]:
    """The note on a model that cannot tell the clean pictures apart: what it loses under corruption says nothing."""
    labels, counts = np.unique(clean.labels, return_counts=True)
    chance = float(counts.max() / counts.sum())
    if len(labels) == 1:
        return ()
    if len(np.unique(clean.top[:, 0])) > 1:
        if 1 - interval(resampled.clean)[1] > chance:
            return ()
        return (
            f"The model is not clearly better than one answer for all clean pictures, which is right on {chance:.1%}. "
            "Then figures under corruption do not say how robust it is.",
        )
    return (
        "The model gives one answer for all clean pictures, so no figure here says how robust it is. It has not "
        "learned, or its pictures come to it otherwise than it was trained on them.",
    )


def _notes(conditions: Conditions) -> tuple[str, ...]:
    notes = []
    missing = [name for name in BENCHMARK if name not in conditions.corruptions]
    if not conditions.corruptions:
        notes.append("Clean pictures alone were measured.")
    elif len(missing) == len(BENCHMARK):
        notes.append(f"None of the {len(BENCHMARK)} benchmark corruptions was measured.")
    elif missing:
        names = ", ".join(display_name(name) for name in missing)
        measured = len(BENCHMARK) - len(missing)
        notes.append(
            f"{measured} of the 15 benchmark corruptions {'was' if measured == 1 else 'were'} measured, so means over "
            f"them are not comparable with published ones. Missing: {names}."
        )
    if conditions.corruptions and conditions.severities != SEVERITIES:
        verb = "was" if len(conditions.severities) == 1 else "were"
        notes.append(f"Only {severities_in_words(conditions.severities)} of 1 to 5 {verb} measured.")
    if conditions.limit is not None:
        notes.append(f"Quick run: limited to {counted(conditions.images, 'image')}, taken evenly over the classes.")
    if conditions.textures == "procedural":
        notes.append(f"Frost: {PROCEDURAL_NOTE}.")
    height, width = conditions.size
    if conditions.corruptions and (note := size_note(conditions.preset, height, width)) is not None:
        notes.append(note)
    if conditions.corruptions and conditions.route == "in memory" and conditions.stored == "no":
        notes.append("Corrupted in memory, without the official files' JPEG storage, which costs further accuracy.")
    return tuple(notes)
