"""The benchmark: every cell of corruption × severity into a file of predictions, then a summary of the files."""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from rugged.benchmark.choice import choose_images
from rugged.benchmark.conclusion import conclude
from rugged.benchmark.grid import GridBench
from rugged.benchmark.routes.in_memory import Stored, corrupted_in_memory
from rugged.benchmark.routes.official_files import official_files
from rugged.benchmark.routes.route import Route
from rugged.benchmark.variants import (
    VARIANTS,
    Opened,
    Restoration,
    Setting,
    Variant,
    choose_variants,
    open_restorers,
)
from rugged.core.catalogue import BENCHMARK, SEVERITIES
from rugged.core.errors import ConfigError
from rugged.core.files import exclusive, expanded, write_json
from rugged.core.progress import say
from rugged.core.selection import choose_corruptions, choose_severities, require_list
from rugged.core.stopping import stop_on_signal
from rugged.corruptions import choose_corruptor
from rugged.data import Dataset, as_dataset
from rugged.data.packed import require_run_apart
from rugged.engine import (
    Device,
    Precision,
    by_the_first,
    make_fabric,
    require_same,
    told_by_the_first,
)
from rugged.engine.subject import open_subject
from rugged.results import (
    Summary,
    place_of,
    save_baseline,
)


def benchmark(
    model: str | Path | Callable[..., Any],
    dataset: Dataset | str | Path,
    *,
    out: str | Path | None = None,
    weights: str | Path | None = None,
    corruptions: Sequence[str] = BENCHMARK,
    severities: Sequence[int] = SEVERITIES,
    limit: int | None = None,
    seed: int = 0,
    preset: str | None = None,
    textures: str | Path | None = None,
    stored: Stored = "no",
    official: str | Path | None = None,
    baseline: str | Path | None = None,
    variants: Sequence[str] = (),
    restorers: Sequence[str | Path] = (),
    as_baseline: str | Path | None = None,
    replace_results: bool = False,
    device: Device = "auto",
    precision: Precision = "fp32",
    command: str = "",
) -> Summary:
    """Measure a classifier on clean and corrupted validation images.

    Each cell is saved as it is done, so an interrupted benchmark goes on where it stopped, and none is measured twice.
    Started by ``torchrun``, several processes share every cell and give what one gives.

    Args:
        model: A run folder, a model file, an ONNX file, ``module:function``, an architecture with published weights, or
            a network or function of uint8 pictures itself: see ``rugged.engine.open_subject``.
        dataset: The data set whose validation split is read: opened, or as ``rugged.open_dataset`` takes it.
        out: The run folder whose ``benchmark`` folder receives the results; by default the model's own, or one of its
            name in ``runs``. A network or function has no name, and needs one.
        weights: For an architecture, a local file instead of the published weights.
        corruptions: Which, by name or by the name of a set (``"benchmark"``, ``"extra"``, ``"all"``); none measures
            clean pictures alone.
        severities: Which of 1 to 5.
        limit: Take only so many images, evenly over the classes.
        seed: Of the keyed random streams.
        preset: Severity table; chosen by the images' size unless named.
        textures: For frost: a folder of the published photographs, or ``"procedural"``; None looks for the photographs
            and fetches them on first use.
        stored: ``"jpeg85"`` passes each corrupted picture through the storage step of the official files.
        official: Read corrupted pictures from these files, a folder or a tar, instead of corrupting: a published
            collection, or what ``rugged corrupt`` wrote. Seed, preset, textures and storage are then theirs.
        baseline: A benchmarked run folder, a baseline's file or its name, to normalise by, for CE and mCE. None takes
            the one that comes with rugged for these conditions, where there is one.
        variants: Test-time variants to measure beside the plain classifier: ``"batchnorm"``, ``"temperature"``,
            ``"pgd"``.
        restorers: Files or run folders of restorers: each is measured as a variant that restores every picture, clean
            ones too, before the classifier sees it.
        as_baseline: Save the model's errors as a baseline of this name, or to this ``.json`` file.
        replace_results: Replace a full benchmark of this model that was measured under other conditions, and another
            model's baseline.
        device: Where.
        precision: Of convolutions and matrix products.
        command: The command line, for the summary.

    Returns:
        The summary, as written to ``benchmark/summary.json``.

    Raises:
        ConfigError: A corruption, severity, limit, preset, storage step or variant that cannot be measured, or a
            baseline's name that is none or is taken.
        DataError: There are no pictures to measure or, for the temperature, too few to fit it on; official files are
            missing or damaged; or the results would lie in the data.
        ModelError: There is no finished model or restorer, the model was trained for other classes, it answers with no
            numbers, or it cannot do what a variant needs.
        IncomparableError: The baseline was measured under other conditions.
        ResultsError: There is no such baseline, or it cannot be read.
        RunError: The folder is in use, or holds a full benchmark under other conditions.
        Interrupted: A signal came; the cells measured so far are saved.
    """
    run, dataset = place_of(model, out), as_dataset(dataset)
    require_run_apart(run.path, dataset)
    require_list(corruptions, "corruptions")
    named = tuple(corruptions)
    chosen = choose_corruptions(named) if named else ()
    levels, others = choose_severities(severities), choose_variants(variants)
    fabric = make_fabric(device, precision, tuned=False, keep_memory=True)
    subject = open_subject(model, run.name, dataset, fabric, weights)  # Before the route: it may fetch photographs.
    opened = open_restorers(restorers, fabric)
    route: Route
    if official is None:
        split = choose_images(dataset.val, limit)  # Before the corruptor, for which photographs may be fetched.
        corruptor = choose_corruptor(dataset.size, chosen, preset, seed, textures)
        route = corrupted_in_memory(dataset, split, corruptor, chosen, levels, stored, fabric.device)
    elif not chosen:
        raise ConfigError("The files are of corrupted pictures. Name corruptions, or leave the files out.")
    elif (preset, textures, seed, stored) == (None, None, 0, "no"):
        route = official_files(expanded(official), dataset, chosen, levels, limit, fabric.device)
    else:
        raise ConfigError("Preset, textures, seed and storage are those of the files. Leave them out.")
    with ExitStack() as held:
        by_the_first(fabric, lambda: held.enter_context(exclusive(run.lock, f"benchmark {run.name}")))
        asked = f"{run.path.resolve()} {subject.facts} {route.conditions} {others} {[facts for _, facts in opened]}"
        require_same(fabric, "model, data or options", asked)
        bench = GridBench(fabric, run, subject, route)
        ways = _make_variants(others, opened, Setting(fabric, subject, dataset, bench.fewest_images, seed))
        reference = by_the_first(fabric, lambda: bench.make_room(baseline, as_baseline, replace_results))
        route.conditions = told_by_the_first(fabric, lambda: route.conditions)
        by_the_first(fabric, lambda: write_json(run.classes, [asdict(info) for info in dataset.classes]))
        cells = bench.measure_missing()
        beside = [(way, replace(bench, variant=way).measure_missing()) for way in ways]

        def finish() -> Summary:
            summary = conclude(bench, dataset, cells, beside, reference, command)
            if as_baseline is not None:
                say(f"Saved as the baseline {save_baseline(summary, as_baseline, replace_results)}.")
            return summary

        return told_by_the_first(fabric, finish)


def _make_variants(names: Sequence[str], opened: Sequence[Opened], setting: Setting) -> list[Variant]:
    """The other ways to answer: those that have a name, then one for each restorer."""
    with stop_on_signal() as stop:
        named = [VARIANTS[name](setting, stop) for name in names]
    return [*named, *(Restoration(setting, *each) for each in opened)]
