"""Several models side by side: the student report's tables, and which differences are real."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rugged.analyze import Comparison, Difference, compare
from rugged.core.catalogue import display_name
from rugged.core.files import expanded, require_replaceable, write_text
from rugged.core.tables import Table, signed
from rugged.report import contrasts, figures, overview
from rugged.report.charts import STYLES
from rugged.report.extent import full_extent, images, mce_label, no_mce_reason
from rugged.report.headlines import HeadlineRow, headline_rows
from rugged.report.reading import read_runs, relative_to_one, without_ce
from rugged.report.rendering import render_page
from rugged.results import Summary

_CONTENTS = {
    "figures": "Figures",
    "differences": "Differences",
    "severity": "Severity",
    "errors": "Errors",
    "classes": "Classes",
    "more": "More",
    "conditions": "Conditions",
}


@dataclass(frozen=True)
class ComparedRow:
    """One figure, a value for each model; ``verdicts`` are ``better``, ``worse`` or nothing."""

    label: str
    values: tuple[str, ...]
    verdicts: tuple[str, ...]


@dataclass(frozen=True)
class ComparedRuns:
    """What a comparison shows. The first model is the one that the others are held against.

    Attributes:
        summaries: Of the models, with names that tell them apart.
        headlines: Every figure of each.
        differences: Of the others from the first, with 95% intervals and verdicts.
        by_corruption: The same under each corruption; none where clean pictures alone were measured.
        level: Of these intervals, which hold together: ``99.67%`` for fifteen corruptions.
        errors: CE for each corruption, or the mean error where there is no baseline, one value a model.
        errors_title: Which of the two.
        caveats: What a reader must know.
        kept: How often both models are right, one alone, or neither.
        classes: The classes that differ most, a table for each of the others.
        stability: Flip probabilities where the same perturbation sequences were measured, a table a difficulty.
        variants: Figures of test-time variants that the first model and others have, a table each.
    """

    summaries: tuple[Summary, ...]
    headlines: tuple[HeadlineRow, ...]
    differences: tuple[ComparedRow, ...]
    by_corruption: tuple[ComparedRow, ...]
    level: str
    errors: tuple[ComparedRow, ...]
    errors_title: str
    caveats: tuple[str, ...]
    kept: Table
    classes: tuple[Table, ...]
    stability: tuple[Table, ...]
    variants: tuple[Table, ...]


def compare_runs(folders: Sequence[str | Path]) -> ComparedRuns:
    """Hold benchmarked runs against the first of them.

    Raises:
        ConfigError: Fewer than two, too many, or one twice.
        ResultsError: A run has no benchmark, or part of it is missing or damaged.
        IncomparableError: They were not measured under the same conditions.
    """
    runs, left_out = relative_to_one(read_runs(folders, limit=STYLES, least=2, clean_alone=True))
    summaries = tuple(run.summary for run in runs)
    first, *others = ((run.summary, run.cells) for run in runs)
    compared = [compare(*first, *other) for other in others]
    (subject, *beside) = ((summary.model.name, cells) for summary, cells in (first, *others))
    normalised = _normalised(summaries)
    return ComparedRuns(
        summaries=summaries,
        headlines=tuple(headline_rows(summaries)),
        differences=tuple(_difference_rows(summaries[0], compared)),
        by_corruption=tuple(
            _row(display_name(name), [one.corruptions[name] for one in compared])
            for name in summaries[0].conditions.corruptions
        ),
        level=f"{100 * compared[0].level:.4g}%",
        errors=tuple(_error_rows(summaries, normalised)),
        errors_title=f"CE in percent of the baseline's errors ({mce_label(summaries[0])} is their mean)"
        if normalised
        else f"Mean error in percent, not normalised: {_why_not(summaries, left_out)}",
        caveats=(*left_out, *overview.caveats(summaries)),
        kept=contrasts.kept_table(*subject, beside),
        classes=tuple(contrasts.class_contrast(runs[0].classes, subject, other) for other in beside),
        stability=tuple(contrasts.stability_contrast(runs)),
        variants=tuple(contrasts.variant_contrast(runs)),
    )


def _normalised(summaries: Sequence[Summary]) -> bool:
    """Whether errors by corruption are CEs, in the table and the bars alike: where all have an mCE."""
    return all(summary.mce is not None for summary in summaries)


def _why_not(summaries: Sequence[Summary], left_out: Sequence[str]) -> str:
    if left_out:
        return "mCEs are relative to different baselines"
    return no_mce_reason(next(summary for summary in summaries if not summary.mce))


def write_comparison(compared: ComparedRuns, out: str | Path) -> Path:
    """Write the comparison as one HTML page that needs nothing else. The same results give the same bytes."""
    out = expanded(out)
    require_replaceable(out, ".html", ".htm")
    summaries = compared.summaries
    first, *others = summaries
    alike = summaries if _normalised(summaries) else [*map(without_ce, summaries)]
    absent = [
        *([] if compared.by_corruption else ["severity", "errors"]),
        *([] if compared.stability or compared.variants else ["more"]),
    ]
    text = render_page(
        "comparison.html.j2",
        title=f"{first.model.name} and {', '.join(one.model.name for one in others)}",
        contents=[("", [link for link in _CONTENTS.items() if link[0] not in absent])],
        compared=compared,
        subject=first,
        others=others,
        extent=full_extent(first),
        images=images(first),
        facts=overview.facts(first),
        legend=[(summary.model.name, style) for style, summary in enumerate(summaries)],
        overall=figures.overall_curve(summaries) if compared.by_corruption else None,
        bars=figures.error_bars(alike) if compared.by_corruption else None,
    )
    write_text(out, text)
    return out


def _difference_rows(first: Summary, compared: Sequence[Comparison]) -> list[ComparedRow]:
    figures = {
        "Clean top-1": [one.clean for one in compared],
        "Corrupted top-1": [one.corrupted for one in compared if one.corrupted],
        mce_label(first): [one.mce for one in compared if one.mce],
    }
    # Whole rows alone: where one model has no mCE relative to the common baseline, no difference of mCEs is shown.
    return [_row(label, each) for label, each in figures.items() if len(each) == len(compared)]


def _row(label: str, differences: Sequence[Difference]) -> ComparedRow:
    verdicts = tuple("better" if one.better else "worse" if one.worse else "" for one in differences)
    return ComparedRow(label, tuple(map(_points, differences)), verdicts)


def _points(difference: Difference) -> str:
    ends = (difference.value, difference.low, difference.high)
    value, low, high = (signed(100 * each, 1) for each in ends)
    return f"{value} ({low} to {high})"


def _error_rows(summaries: Sequence[Summary], normalised: bool) -> list[ComparedRow]:
    rows = [
        ComparedRow(display_name(name), tuple(_percent(_error(one, name, normalised)) for one in summaries), ())
        for name in summaries[0].conditions.corruptions
    ]
    if not normalised:
        return rows
    means = tuple(_percent(one.mce.value if one.mce else None) for one in summaries)
    return [ComparedRow(mce_label(summaries[0]), means, ()), *rows]


def _error(summary: Summary, name: str, normalised: bool) -> float | None:
    result = summary.corruptions[name]
    return result.ce if normalised else sum(result.error) / len(result.error)


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}"
