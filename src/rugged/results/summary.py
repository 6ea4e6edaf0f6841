"""The summary of a benchmark: every figure as a function of the saved predictions, with how it came about."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from rugged.core.catalogue import BENCHMARK, PROCEDURAL_NOTE, SEVERITIES, display_name, size_note
from rugged.core.configuration import from_plain, to_plain
from rugged.core.errors import ResultsError, RuggedError
from rugged.core.files import read_json, write_json
from rugged.metrics import corruption_error, error_rate, mean_corruption_accuracy, mean_corruption_error
from rugged.results.predictions import CLEAN, Cell

FORMAT: Literal[1] = 1


@dataclass(frozen=True)
class ModelFacts:
    """What was measured. ``training_operations`` is the model file's ledger of what training did to the images."""

    name: str
    architecture: str
    parameters: int
    sha256: str
    input_size: int
    training_operations: tuple[str, ...]


@dataclass(frozen=True)
class Conditions:
    """What the figures depend on besides the model. Results are comparable only where these agree.

    Attributes:
        dataset: Its name.
        content_hash: SHA-256 over the class ids and the measured images' pixels, labels and ids, and nothing else: data
            sets that differ in their training images alone give comparable results.
        split: Which split was read.
        images: How many images, n.
        classes: How many classes.
        size: Height and width of the images that were corrupted.
        route: ``"in memory"``: corrupted on the fly, nothing stored.
        stored: Storage step between corruption and model: ``"no"``.
        preset: Severity table.
        textures: What frost laid over the images: ``"photographs"`` (the published ones), ``"procedural"``, or
            ``"none"`` where frost was not measured.
        seed: Seed of the keyed random streams.
        stream_version: Version of their layout.
        corruptions: What was measured, in the catalogue's order.
        severities: At which severities.
        limit: Images a quick run was limited to, evenly over the classes; None for all.
    """

    dataset: str
    content_hash: str
    split: str
    images: int
    classes: int
    size: tuple[int, ...]
    route: str
    stored: str
    preset: str
    textures: str
    seed: int
    stream_version: int
    corruptions: tuple[str, ...]
    severities: tuple[int, ...]
    limit: int | None = None

    @property
    def cells(self) -> list[tuple[str, int]]:
        """Every (corruption, severity) that these conditions name, clean first."""
        return [(CLEAN, 0), *((name, severity) for name in self.corruptions for severity in self.severities)]

    @property
    def averaged(self) -> tuple[str, ...]:
        """What means are over: the benchmark's corruptions alone, as published means are; else the extra ones."""
        return tuple(name for name in self.corruptions if name in BENCHMARK) or self.corruptions

    def without_extent(self) -> dict[str, Any]:
        """All but which corruptions and severities were measured, with frost's textures: what every cell depends on."""
        extent = ("corruptions", "severities", "textures")
        return {key: value for key, value in to_plain(self).items() if key not in extent}

    def of_cell(self, corruption: str) -> dict[str, Any]:
        """What the cells of one corruption depend on."""
        return self.without_extent() | ({"textures": self.textures} if corruption == "frost" else {})

    def goes_with(self, other: "Conditions") -> bool:
        """Whether cells measured under either may stand in one summary."""
        same_textures = "none" in (self.textures, other.textures) or self.textures == other.textures
        return same_textures and self.without_extent() == other.without_extent()


@dataclass(frozen=True)
class CleanResult:
    """Figures on the uncorrupted images: error rates in [0, 1], mean cross-entropy in nats."""

    error: float
    top5_error: float
    loss: float


@dataclass(frozen=True)
class CorruptionResult:
    """Figures under one corruption, a value for each severity; ``ce`` needs a baseline."""

    error: tuple[float, ...]
    top5_error: tuple[float, ...]
    loss: tuple[float, ...]
    ce: float | None = None


@dataclass(frozen=True)
class BaselineFacts:
    """The model whose errors normalise."""

    name: str
    architecture: str
    clean_error: float
    sha256: str


@dataclass(frozen=True)
class MeanCorruptionError:
    """MCE with the corruptions it is over; ``complete`` where these are the fifteen at all five severities."""

    value: float
    over: tuple[str, ...]
    complete: bool
    baseline: BaselineFacts


@dataclass(frozen=True)
class Made:
    """How the measurement was made.

    Attributes:
        command: The last command that measured or summarised.
        seconds: Sum over the cells of the time each took to measure, by whichever command.
        versions: Of Python and of the packages that decide a result, the same for every cell.
        hardware: Likewise the same for every cell.
    """

    command: str
    seconds: float
    versions: dict[str, str]
    hardware: dict[str, Any]


@dataclass(frozen=True)
class Summary:
    """The content of ``benchmark/summary.json``. All errors are fractions in [0, 1]."""

    model: ModelFacts
    conditions: Conditions
    clean: CleanResult
    corruptions: dict[str, CorruptionResult]
    mean_corruption_accuracy: float
    made: Made
    mce: MeanCorruptionError | None = None
    seen_in_training: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    format: Literal[1] = field(default=FORMAT)

    @property
    def errors(self) -> dict[str, tuple[float, ...]]:
        """Error rates per corruption and severity."""
        return {name: result.error for name, result in self.corruptions.items()}


def summarise(
    cells: Mapping[tuple[str, int], Cell],
    model: ModelFacts,
    conditions: Conditions,
    made: Made,
    notes: Sequence[str] = (),
) -> Summary:
    """Compute every figure that needs no baseline.

    Args:
        cells: Predictions; must hold clean and every corruption × severity that ``conditions`` names.
        model: The measured model.
        conditions: What was measured.
        made: How.
        notes: What a reader must know besides, of the data and the model.

    Raises:
        ResultsError: A cell is missing, or is not about the same images as the others.
    """
    wanted = conditions.cells
    missing = [f"{name}-{severity}" for name, severity in wanted if (name, severity) not in cells]
    if missing:
        raise ResultsError(
            f"{len(missing)} cells are missing ({', '.join(missing[:3])} …). Run `rugged benchmark` again."
        )
    clean = cells[CLEAN, 0]
    strange = [f"{name}-{severity}" for name, severity in wanted if cells[name, severity].ids != clean.ids]
    if strange or len(clean.ids) != conditions.images:
        raise ResultsError(
            f"The cells are not about the same {conditions.images:,} images ({', '.join(strange) or CLEAN} differ). "
            "Run `rugged benchmark` again."
        )
    results = {
        name: _corruption_result([cells[name, severity] for severity in conditions.severities])
        for name in conditions.corruptions
    }
    return Summary(
        model=model,
        conditions=conditions,
        clean=CleanResult(error_rate(clean.correct), error_rate(clean.in_top5), float(clean.loss.mean(dtype=float))),
        corruptions=results,
        mean_corruption_accuracy=mean_corruption_accuracy({name: results[name].error for name in conditions.averaged}),
        made=made,
        seen_in_training=tuple(name for name in BENCHMARK if name in model.training_operations),
        notes=(*notes, *_notes(conditions)),
    )


def _corruption_result(cells: Sequence[Cell]) -> CorruptionResult:
    return CorruptionResult(
        error=tuple(error_rate(cell.correct) for cell in cells),
        top5_error=tuple(error_rate(cell.in_top5) for cell in cells),
        loss=tuple(float(cell.loss.mean(dtype=float)) for cell in cells),
    )


def _notes(conditions: Conditions) -> tuple[str, ...]:
    notes = []
    missing = [name for name in BENCHMARK if name not in conditions.corruptions]
    if missing:
        names = ", ".join(display_name(name) for name in missing)
        measured = len(BENCHMARK) - len(missing)
        notes.append(
            f"{measured} of the 15 benchmark corruptions {'was' if measured == 1 else 'were'} measured, so means over "
            f"them are not comparable with published ones. Missing: {names}."
        )
    if conditions.severities != SEVERITIES:
        notes.append(f"Only severities {', '.join(map(str, conditions.severities))} of 1 to 5 were measured.")
    if conditions.limit is not None:
        notes.append(f"Quick run: limited to {conditions.images:,} images, taken evenly over the classes.")
    if conditions.textures == "procedural":
        notes.append(f"Frost: {PROCEDURAL_NOTE}.")
    height, width = conditions.size
    if (note := size_note(conditions.preset, height, width)) is not None:
        notes.append(note)
    if conditions.route == "in memory":
        notes.append("Corrupted in memory, without the official files' JPEG storage, which costs further accuracy.")
    return tuple(notes)


def normalise(summary: Summary, baseline: Summary) -> Summary:
    """Add CE and mCE relative to ``baseline``, over the benchmark corruptions that ``summary`` measured.

    The caller has checked that the two are comparable (:func:`rugged.results.load_baseline`).
    """
    results = {
        name: replace(result, ce=corruption_error(result.error, baseline.corruptions[name].error))
        for name, result in summary.corruptions.items()
    }
    over = tuple(name for name in BENCHMARK if name in results)
    mce = None
    if over:
        value = mean_corruption_error({name: summary.errors[name] for name in over}, baseline.errors)
        complete = over == BENCHMARK and summary.conditions.severities == SEVERITIES
        facts = baseline.model
        mce = MeanCorruptionError(
            value, over, complete, BaselineFacts(facts.name, facts.architecture, baseline.clean.error, facts.sha256)
        )
    return replace(summary, corruptions=results, mce=mce)


def write_summary(path: Path, summary: Summary) -> None:
    """Write ``summary.json`` atomically."""
    write_json(path, {"format": FORMAT, **asdict(summary)})


def read_summary(path: Path) -> Summary:
    """Read ``summary.json``.

    Raises:
        ResultsError: Missing, not JSON, or not a summary of this format.
    """
    if not path.exists():
        raise ResultsError(f"{path} does not exist: this run has no benchmark yet. Run `rugged benchmark` on it first.")
    try:
        return from_plain(Summary, _without_none(read_json(path)), source=str(path))
    except RuggedError as error:
        raise ResultsError(
            f"{path} is not a benchmark summary of format {FORMAT} ({error}). Measure it again."
        ) from error


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    return value
