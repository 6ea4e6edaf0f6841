"""Baselines: the model whose errors CE and mCE divide by, used only where it was measured under the same conditions."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from importlib import resources
from itertools import chain
from pathlib import Path
from typing import Literal

import numpy as np

from rugged.core.catalogue import BENCHMARK, SEVERITIES
from rugged.core.configuration import from_plain, to_plain
from rugged.core.environment import cache_directory
from rugged.core.errors import ConfigError, IncomparableError, ResultsError, RuggedError
from rugged.core.files import below_a_file, expanded, read_json, write_json
from rugged.core.hints import suggest
from rugged.results.comparison import differences
from rugged.results.conditions import Conditions, Made
from rugged.results.runs import RunFolder
from rugged.results.summary import Summary, read_benchmark

FORMAT: Literal[1] = 1


@dataclass(frozen=True)
class Baseline:
    """A model's errors, to divide by. All are fractions in [0, 1].

    A measured one says under which conditions, and fits these alone. Of a published one only means are known, and the
    collection of pictures that they were measured on.

    Attributes:
        name: What results call it.
        architecture: Of the model.
        errors: For each corruption the top-1 error at each severity; or, as published ones are, their mean alone.
        clean_error: Without corruption; None where nobody has published it, so that there is no relative CE.
        sha256: Of the weights; None where only the errors are known.
        conditions: Under which it was measured.
        made: How it was measured.
        collection: Whose pictures a published one was measured on, all of them: ``"ImageNet-C"``.
        source: Where a published one stands.
        format: Of the file.
    """

    name: str
    architecture: str
    errors: dict[str, tuple[float, ...]]
    clean_error: float | None = None
    sha256: str | None = None
    conditions: Conditions | None = None
    made: Made | None = None
    collection: str | None = None
    source: str | None = None
    format: Literal[1] = FORMAT

    def __post_init__(self) -> None:
        if (self.conditions is None) == (self.collection is None):
            raise ValueError("a baseline has the conditions it was measured under, or the collection it is for")
        rates = [*([] if self.clean_error is None else [self.clean_error]), *chain(*self.errors.values())]
        if not all(0 <= rate <= 1 for rate in rates):
            raise ValueError("errors are fractions from 0 to 1: divide percentages by 100")
        lengths = (1, len(SEVERITIES)) if self.conditions is None else (len(self.conditions.severities),)
        if any(len(errors) not in lengths for errors in self.errors.values()):
            raise ValueError(f"a corruption has {' or '.join(map(str, lengths))} errors")

    @cached_property
    def identity(self) -> str:
        """What tells it from others: the hash of its weights, else that of its errors."""
        return self.sha256 or sha256(repr(sorted(self.errors.items())).encode()).hexdigest()

    @property
    def means(self) -> Mapping[str, float]:
        """For each corruption the mean error over the severities."""
        return {name: float(np.mean(errors)) for name, errors in self.errors.items()}


def baseline_of(summary: Summary, name: str | None = None) -> Baseline:
    """A measured model as a baseline.

    Args:
        summary: Of its benchmark.
        name: What to call it; by default what the summary does.
    """
    model = summary.model
    return Baseline(
        name=name or model.name,
        architecture=model.architecture,
        errors=summary.errors,
        clean_error=summary.clean.error,
        sha256=model.sha256,
        conditions=summary.conditions,
        made=summary.made,
    )


def is_baseline(summary: Summary, normalised: Summary) -> bool:
    """Whether a measured model is the one whose errors another one's mCE divides by: it has its hash, and its errors.

    The hash alone does not tell: that of a Python function says nothing of the weights it loads.

    Args:
        summary: Of the model in question, under the same conditions.
        normalised: Of the one with the mCE; one without has no baseline.
    """
    mce = normalised.mce
    if mce is None or summary.model.sha256 != mce.baseline.sha256:
        return False
    return all(
        any(summary.errors[name])
        and math.isclose(np.mean(summary.errors[name]) * (normalised.corruptions[name].ce or 0), np.mean(errors))
        for name, errors in normalised.errors.items()
        if name in mce.over
    )


def save_baseline(summary: Summary, name: str | Path, replace: bool = False) -> Path:
    """Write a measured model as a baseline, where ``load_baseline`` finds it by name.

    Args:
        summary: Of its benchmark.
        name: A name, for a file in the cache; or a file of any place that ends in ``.json``.
        replace: Whether it may take the place of another one.

    Returns:
        The file.

    Raises:
        ConfigError: As ``baseline_path``, or the file cannot be written.
    """
    path = baseline_path(name, summary.model.sha256, summary.conditions, replace)
    write_json(path, to_plain(baseline_of(summary, path.stem)))
    return path


def baseline_path(name: str | Path, sha256: str, conditions: Conditions, replace: bool = False) -> Path:
    """Where a baseline will be saved. Whoever is to measure for hours asks before that.

    Args:
        name: As for ``save_baseline``.
        sha256: Of the weights of the model that is measured.
        conditions: Under which.
        replace: Whether it may take the place of another one.

    Raises:
        ConfigError: A name that is no file's, lies below a file, comes with rugged, or is taken: by another model, or
            by errors of this one that others may be normalised by and that would be gone.
        ResultsError: A file of that name is no baseline.
    """
    name = str(name)
    path = expanded(name) if name.endswith(".json") else _own_folder() / f"{name}.json"
    if not name.endswith(".json"):
        if not name or Path(name).name != name or name.startswith("."):
            raise ConfigError(f"{name!r} is no name for a baseline. Use letters, digits and dashes, or a .json file.")
        if name in shipped_baselines():
            raise ConfigError(f"{name} is a baseline that comes with rugged. Choose another name, or a .json file.")
    if blocked := below_a_file(path):
        raise ConfigError(f"Cannot write {path}: {blocked}")
    if path.exists() and not replace:
        saved = read_baseline(path)
        if saved.conditions is None or saved.sha256 != sha256:
            raise ConfigError(f"{path} is the baseline of another model. Choose another name, or add --replace.")
        lost = [name for name in saved.errors if name not in conditions.corruptions]
        found = [*differences(conditions, saved.conditions), *([f"it has {', '.join(lost)}"] if lost else [])]
        if found:
            raise ConfigError(
                f"{path} is a baseline of this model under other conditions: {'; '.join(found)}. Choose another name, "
                "or add --replace."
            )
    return path


def read_baseline(path: Path) -> Baseline:
    """Read a baseline's file.

    Raises:
        ResultsError: It cannot be read, or is none.
    """
    try:
        return from_plain(Baseline, read_json(path), source=str(path))
    except RuggedError as error:
        raise ResultsError(f"{path} is not a baseline of format {FORMAT} ({error}). Make it again.") from error


def shipped_baselines() -> dict[str, Path]:
    """The baselines that come with rugged, by name."""
    return _in_folder(Path(str(resources.files("rugged") / "baselines")))


def load_baseline(run: str | Path, conditions: Conditions) -> Baseline:
    """Read the baseline that is to normalise what is measured under ``conditions``.

    Args:
        run: A benchmarked run folder, a baseline's file, or its name: of one in the cache, or one that comes with
            rugged.
        conditions: Of what is to be normalised.

    Raises:
        ResultsError: ``run`` is none of these, or has no readable benchmark, or that of a model that was trained anew
            since.
        IncomparableError: It was measured under other conditions, every difference being named; or it makes no
            errors under one of the corruptions, so that there is nothing to divide by.
    """
    baseline = _find(run)
    found = _misfits(baseline, conditions)
    if found:
        raise IncomparableError(
            f"{run} cannot be the baseline, since it was measured under other conditions: {'; '.join(found)}. "
            "Benchmark it again under these conditions, or choose another baseline."
        )
    perfect = [name for name in conditions.corruptions if name in baseline.errors and not any(baseline.errors[name])]
    if perfect:
        raise IncomparableError(
            f"{run} cannot be the baseline, since it makes no errors under {', '.join(perfect)}: a ratio to nothing "
            "has no meaning. Choose a weaker model, or measure more images."
        )
    return baseline


def default_baseline(conditions: Conditions) -> Baseline | None:
    """The baseline that comes with rugged for these very conditions; None where there is none."""
    shipped = map(read_baseline, shipped_baselines().values())
    return next((baseline for baseline in shipped if not _misfits(baseline, conditions)), None)


def why_no_default(conditions: Conditions) -> str | None:
    """Where rugged comes with a baseline for this data set, but none fits: what keeps the nearest one from it.

    Returns:
        A phrase; None where one fits, or none is for data of this name.
    """
    shipped = map(read_baseline, shipped_baselines().values())
    misfits = {
        each.name: _misfits(each, conditions)
        for each in shipped
        if each.conditions is not None and each.conditions.dataset == conditions.dataset
    }
    if not misfits or not all(misfits.values()):
        return None
    name, found = min(misfits.items(), key=lambda item: len(item[1]))
    return f"{name}, the baseline that comes with rugged, was measured under other conditions: {'; '.join(found)}"


def _misfits(baseline: Baseline, conditions: Conditions) -> list[str]:
    """What keeps a baseline from normalising, a phrase each."""
    needed = tuple(name for name in conditions.corruptions if name in BENCHMARK)  # Others may go without CE.
    if baseline.conditions is not None:
        found = differences(conditions, baseline.conditions)
    else:
        found = _unlike_published(baseline, conditions)
        if not needed:
            found.append("it has errors of the benchmark's corruptions alone")
    missing = [name for name in needed or conditions.corruptions if name not in baseline.errors]
    return [*found, *([f"it lacks {', '.join(missing)}"] if missing else [])]


def _unlike_published(baseline: Baseline, conditions: Conditions) -> list[str]:
    if conditions.route != "official files":
        return [f"route is official files ({baseline.collection}), here {conditions.route}"]
    found = []
    if conditions.collection != baseline.collection:
        here = conditions.collection or (
            f"{conditions.images:,} pictures of {conditions.classes:,} classes that are not the whole of it"
        )
        found.append(f"pictures and classes are those of {baseline.collection}, here {here}")
    if conditions.severities != SEVERITIES:
        found.append(f"errors are means over the severities 1 to 5, here {', '.join(map(str, conditions.severities))}")
    if conditions.limit is not None:
        found.append(f"all pictures were measured, here {conditions.limit:,}")
    return found


def _find(run: str | Path) -> Baseline:
    path, known = expanded(run), {**shipped_baselines(), **_in_folder(_own_folder())}
    # Any folder may bear a baseline's name, the data set's for one: as a run folder it counts if it was benchmarked.
    if path.is_dir() and (str(run) not in known or RunFolder(path).summary.exists()):
        return baseline_of(read_benchmark(RunFolder(path)))
    if path.is_file():
        return read_baseline(path)
    if str(run) in known:
        return read_baseline(known[str(run)])
    advice = suggest(run, known, "There are")
    raise ResultsError(f"There is no run folder or file {run}, and no baseline of that name. {advice}".rstrip())


def _own_folder() -> Path:
    return cache_directory() / "baselines"


def _in_folder(folder: Path) -> dict[str, Path]:
    return {path.stem: path for path in sorted(folder.glob("*.json"))}
