"""The summary of a benchmark: every figure as a function of the saved predictions, with how it came about."""

import itertools
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Literal

from rugged.core.configuration import from_plain
from rugged.core.errors import ResultsError, RuggedError
from rugged.core.files import expanded, json_text, read_json, sha256_file, write_text
from rugged.results.conditions import Conditions, Made, ModelFacts
from rugged.results.runs import RunFolder

FORMAT: Literal[2] = 2

Ends = tuple[float, float]
"""Lower and upper end of the 95% interval of a figure, by the bootstrap over images."""


@dataclass(frozen=True)
class CleanResult:
    """Figures on the uncorrupted images.

    Attributes:
        error: Top-1 error rate in [0, 1].
        top5_error: Top-5 error rate.
        loss: Negative log-likelihood in nats.
        ece: Expected calibration error in [0, 1], over 15 bins.
        brier: Brier score in [0, 2].
    """

    error: float
    top5_error: float
    loss: float
    ece: float
    brier: float


@dataclass(frozen=True)
class CorruptionResult:
    """The same figures under one corruption, a value for each severity; ``ce`` and ``relative_ce`` need a baseline."""

    error: tuple[float, ...]
    top5_error: tuple[float, ...]
    loss: tuple[float, ...]
    ece: tuple[float, ...]
    brier: tuple[float, ...]
    ce: float | None = None
    relative_ce: float | None = None


@dataclass(frozen=True)
class BaselineFacts:
    """The model whose errors normalise.

    Attributes:
        name: Of the baseline.
        architecture: Of the model.
        sha256: Of its weights, or of its errors where these alone are published.
        clean_error: None where it is not published.
    """

    name: str
    architecture: str
    sha256: str
    clean_error: float | None = None


@dataclass(frozen=True)
class MeanCorruptionError:
    """MCE and what it is over.

    Attributes:
        value: The ratio; 1.0 is as good as the baseline.
        over: Corruptions.
        complete: These are the benchmark's fifteen, at all five severities.
        baseline: Whose errors divide. They are taken as they are: intervals are over the model's images alone.
        relative: Relative mCE; None where a corruption adds nothing to the baseline's error, or where the baseline's
            clean error is not known.
        unseen: MCE over those of the corruptions that the model has not seen in training; None where it has seen none,
            or all.
        interval: Of ``value``; None where it was computed without the predictions.
        relative_interval: Of ``relative``.
        unseen_interval: Of ``unseen``.
    """

    value: float
    over: tuple[str, ...]
    complete: bool
    baseline: BaselineFacts
    relative: float | None = None
    unseen: float | None = None
    interval: Ends | None = None
    relative_interval: Ends | None = None
    unseen_interval: Ends | None = None


@dataclass(frozen=True)
class Intervals:
    """How much the figures would move with other images of the same kind; all cells of an image move together.

    Attributes:
        clean_error: Of the clean top-1 error.
        clean_top5_error: Of the clean top-5 error.
        mean_corruption_accuracy: Of the mean over the corruptions; None without corruptions.
        without_noise: Of the mean over those that are no noise; None where there is none.
        errors: Of each corruption's mean error over the severities.
        clean_loss: Of the clean negative log-likelihood; None in summaries from before there was one.
        clean_brier: Of the clean Brier score; None in the same summaries.
        loss: Of the negative log-likelihood, a mean over the severities and the corruptions that means are over; None
            without corruptions, and in the same summaries.
        brier: Of the Brier score, a mean over the same; None as ``loss``.
    """

    clean_error: Ends
    clean_top5_error: Ends
    mean_corruption_accuracy: Ends | None
    without_noise: Ends | None
    errors: dict[str, Ends]
    clean_loss: Ends | None = None
    clean_brier: Ends | None = None
    loss: Ends | None = None
    brier: Ends | None = None


@dataclass(frozen=True)
class RestorerFacts:
    """What restored the pictures before the classifier saw them.

    Attributes:
        name: Of the restorer.
        sha256: Of its file.
        parameters: How many weights it has.
        dataset: What it learned from.
        corruptions: What it learned to undo, by name; of pairs of photographs, nothing.
    """

    name: str
    sha256: str
    parameters: int
    dataset: str
    corruptions: tuple[str, ...]


@dataclass(frozen=True)
class ErrorChange:
    """By how much an error rate of a variant differs from the plain classifier's on the same images; less is better.

    Intervals are of each difference by itself. The images are drawn anew, the same for both, so that what both owe to
    the images falls out.

    Attributes:
        points: The variant's error rate less the plain one, in [-1, 1].
        interval: 95% interval of ``points``.
        relative: ``points`` as a share of the plain error rate; None where that is 0, in any of the draws.
        relative_interval: 95% interval of ``relative``.
        ce: By how much the CE differs; where the error rate is a mean over corruptions, the mCE. None without a
            baseline.
        ce_interval: 95% interval of ``ce``.
        p: The p-value of a paired permutation test that ``points`` is zero. It holds with few images, too, where
            intervals are too narrow. None in summaries from before there was one.
    """

    points: float
    interval: Ends
    relative: float | None = None
    relative_interval: Ends | None = None
    ce: float | None = None
    ce_interval: Ends | None = None
    p: float | None = None


@dataclass(frozen=True)
class Changes:
    """What a variant changes.

    Attributes:
        clean: Of the error without corruption.
        mean: Of the mean error over the corruptions that means are over; None without corruptions.
        corruptions: Of each corruption's mean error over the severities.
    """

    clean: ErrorChange
    mean: ErrorChange | None
    corruptions: dict[str, ErrorChange]


@dataclass(frozen=True)
class VariantResult:
    """What a test-time variant made of the same classifier on the same pictures.

    Attributes:
        name: Of the variant.
        how: What was done, with every number that it depends on.
        clean: Figures without corruption.
        clean_interval: 95% interval of the clean top-1 error.
        corruptions: Figures under each corruption; empty for a variant of clean pictures alone.
        mean_corruption_accuracy: As the summary's; None without corruptions.
        mean_interval: 95% interval of ``mean_corruption_accuracy``.
        mce: Relative to the same baseline as the summary's, whose errors are those of a plain classifier.
        changes: Against the plain classifier, with intervals; None in older summaries for a variant of clean pictures.
        restorer: What restored the pictures; None where they were answered as they were.
        seen_in_training: Corruptions of the benchmark that the ledger of the classifier or of the restorer names.
        intervals: Of all its headline figures; None in summaries from before there were others than
            ``clean_interval`` and ``mean_interval``.
    """

    name: str
    how: str
    clean: CleanResult
    clean_interval: Ends
    corruptions: dict[str, CorruptionResult] = field(default_factory=dict)
    mean_corruption_accuracy: float | None = None
    mean_interval: Ends | None = None
    mce: MeanCorruptionError | None = None
    changes: Changes | None = None
    restorer: RestorerFacts | None = None
    seen_in_training: tuple[str, ...] = ()
    intervals: Intervals | None = None

    @property
    def label(self) -> str:
        """What tables call it."""
        return self.name if self.restorer is None else f"restored by {self.restorer.name}"


@dataclass(frozen=True)
class Summary:
    """The content of ``benchmark/summary.json``. All errors are fractions in [0, 1].

    Attributes:
        model: What was measured.
        conditions: Under which conditions.
        clean: Figures without corruption.
        corruptions: Figures under each.
        mean_corruption_accuracy: Over the benchmark's corruptions that were measured, else over the extra ones; None
            where clean pictures alone were measured.
        without_noise: ``mean_corruption_accuracy`` without Gaussian, shot, impulse and speckle noise; None where
            nothing else was measured.
        made: How.
        intervals: Of the headline figures.
        mce: Where there is a baseline.
        seen_in_training: Corruptions of the benchmark that the training ledger names.
        notes: What a reader must know.
        variants: Test-time variants that the last command measured, or found measured.
        format: Of this file.
    """

    model: ModelFacts
    conditions: Conditions
    clean: CleanResult
    corruptions: dict[str, CorruptionResult]
    mean_corruption_accuracy: float | None
    without_noise: float | None
    made: Made
    intervals: Intervals
    mce: MeanCorruptionError | None = None
    seen_in_training: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    variants: tuple[VariantResult, ...] = ()
    format: Literal[2] = field(default=FORMAT)

    @property
    def errors(self) -> dict[str, tuple[float, ...]]:
        """Error rates per corruption and severity."""
        return {name: result.error for name, result in self.corruptions.items()}


def write_summary(path: Path, summary: Summary) -> None:
    """Write ``summary.json`` atomically."""
    write_text(path, summary_text(summary))


def summary_text(summary: Summary) -> str:
    """What ``summary.json`` says of it."""
    return json_text({"format": FORMAT, **asdict(summary)})


def read_summary(path: str | Path) -> Summary:
    """Read ``summary.json``.

    Raises:
        ResultsError: Missing, not JSON, or not a summary of this format.
    """
    path = expanded(path)
    if path.is_dir():
        raise ResultsError(f"{path} is a folder; expected a summary, benchmark/summary.json in a run folder.")
    if not path.exists():
        raise ResultsError(f"{path} does not exist: this run has no benchmark yet. Run `rugged benchmark` on it first.")
    try:
        summary = from_plain(Summary, read_json(path), source=str(path))
        _require_agreement(summary)
        return summary
    except RuggedError as error:
        raise ResultsError(
            f"{path} is not a benchmark summary of format {FORMAT} ({error}). Measure it again with --replace."
        ) from error


def _require_agreement(summary: Summary) -> None:
    """Require that figures are of what the conditions say was measured: who reads them looks them up by these."""
    conditions = summary.conditions
    means = (summary.mean_corruption_accuracy, summary.intervals.mean_corruption_accuracy)
    errors = [result.error for result in summary.corruptions.values()]
    rates = [summary.clean.error, *itertools.chain(*errors)]
    if not (
        set(summary.corruptions) == set(summary.intervals.errors) == set(conditions.corruptions)
        and all(len(error) == len(conditions.severities) > 0 for error in errors)
        and (None not in means or not conditions.averaged)
        and all(0 <= rate <= 1 for rate in rates)
    ):
        raise ResultsError("its figures are not those of the conditions that it names")


def read_benchmark(run: RunFolder) -> Summary:
    """Read a run folder's summary, which must be of the model that lies there; where none lies, any will do.

    Raises:
        ResultsError: As ``read_summary``, or the model was trained since: its curves and its card are not of these
            figures.
    """
    summary = read_summary(run.summary)
    require_own(run, run.summary, summary.model)
    return summary


def require_own(run: RunFolder, figures: Path, model: ModelFacts) -> None:
    """Require that figures are of the model that lies in their run folder; where none lies, any will do.

    Raises:
        ResultsError: The model was trained since.
    """
    if run.model.exists() and sha256_file(run.model) != model.sha256:
        raise ResultsError(
            f"{figures} is about another model than {run.model}, which was trained since. Run `rugged benchmark` again."
        )
