"""The whole job of ``rugged explain``: networks and pictures in, a folder of panels, tiles and figures out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rugged.core.catalogue import SEVERITIES
from rugged.core.errors import ConfigError, RuggedError
from rugged.core.files import exclusive, expanded, read_json
from rugged.core.selection import check_limit, choose_corruptions, choose_severities, require_list
from rugged.core.stopping import stop_on_signal
from rugged.corruptions import choose_corruptor
from rugged.data import Dataset, as_dataset
from rugged.data.packed import require_run_apart
from rugged.data.splits import evenly
from rugged.engine import Device, make_fabric
from rugged.explain.activations import layer_of_each_size
from rugged.explain.layers import Layer, find_layer
from rugged.explain.measuring import Condition, Look, Measurement, drift_results, play_pointing_game
from rugged.explain.methods import check_method
from rugged.explain.opening import (
    ChosenPictures,
    Opened,
    choose_pictures,
    classes_of,
    open_networks,
    read_pictures,
)
from rugged.explain.panels import FILE_NAME, Pages, activation_panel, filter_panel
from rugged.results import Classes, Explanations, place_of, write_explanations
from rugged.results.explanations import INDEX, ExplainedModel, ExplainedPicture, Panel, PointingResult


@dataclass(frozen=True)
class Wanted:
    """What is to be explained, and how.

    Attributes:
        methods: Of explanation.
        corruptions: Names of corruptions or of sets of them; none for clean pictures alone.
        severities: Some of 1 to 5.
        target: The class to explain: ``"predicted"`` for the clean picture, ``"label"``, or one by its id or name.
        layer: Of Grad-CAM; None finds one for each network.
        activations: Layers whose activations are drawn; none for the deepest of each map size.
        count: Pictures that figures are over, evenly over the classes.
        shown: How many of them are shown.
        ids: Validation pictures by name, instead of ``count``; all are shown.
        preset: Severity table; by the pictures' size unless named.
        seed: Of the corruptions.
        textures: For frost; see ``rugged.benchmark.benchmark``.
    """

    methods: tuple[str, ...] = ("grad_cam",)
    corruptions: tuple[str, ...] = ()
    severities: tuple[int, ...] = SEVERITIES
    target: str = "predicted"
    layer: str | None = None
    activations: tuple[str, ...] = ()
    count: int = 50
    shown: int = 6
    ids: tuple[str, ...] = ()
    preset: str | None = None
    seed: int = 0
    textures: str | None = None


def explain_run(
    models: Sequence[str | Path],
    dataset: Dataset | str | Path | None = None,
    *,
    files: Sequence[str | Path] = (),
    wanted: Wanted | None = None,
    out: str | Path | None = None,
    device: Device = "auto",
    command: str = "",
) -> Path:
    """Explain networks, and save panels, tiles and figures.

    The folder's index is written last: until then there are no explanations, and a rerun makes them anew.

    Args:
        models: Run folders, model files, or architectures with published weights.
        dataset: Whose validation pictures and classes are taken: opened, or as ``rugged.open_dataset`` takes it; None
            takes the first model's classes. Explaining reads them; nothing is chosen by them.
        files: Pictures to explain instead.
        wanted: What and how.
        out: The folder; by default ``explanations`` in the first model's run folder.
        device: Where.
        command: The command line, for the index.

    Returns:
        The folder.

    Raises:
        ConfigError: Something that does not exist or does not fit was asked for, or the folder is somebody else's.
        DataError: Pictures that cannot be used, or a folder in the data.
        ModelError: Networks that cannot be used.
        Interrupted: A signal came.
    """
    wanted = _checked(wanted or Wanted(), models, files)
    if dataset is None and not files:
        raise ConfigError("Say what to explain: --data with a data set, or --pictures with files.")
    if files and wanted.ids:
        raise ConfigError("--ids names pictures of a data set, and --pictures files. Leave out one or the other.")
    dataset = None if dataset is None else as_dataset(dataset)
    names = [str(model) for model in models]
    subjects = open_networks(names, dataset, make_fabric(device, "fp32", tuned=False, keep_memory=True))
    folder = place_of(names[0], None).explanations if out is None else expanded(out)
    if dataset is not None:
        require_run_apart(folder, dataset)
    classes = classes_of(subjects, dataset)
    side = min(dataset.size) if dataset is not None else subjects[0].network.spec.input_size
    pictures = read_pictures([*map(expanded, files)], side) if files else _validation(dataset, wanted)
    measurement = _measurement(subjects, pictures, classes, wanted)
    _require_own(folder / INDEX)
    lock = folder / ".lock"
    begun_before = lock.exists() or (folder / INDEX).exists()  # Else whatever lies there is somebody else's.
    with exclusive(lock, f"explain into {folder}"), stop_on_signal() as stop:
        if begun_before:
            _clear(folder)
        pages = Pages(measurement, measurement.looks(stop), classes, folder)
        pointing = () if files else play_pointing_game(measurement, dataset, stop)
        notes = () if dataset is None else dataset.notes
        write_explanations(folder, _draw(pages, pointing, wanted, notes, command))
    return folder


def _checked(wanted: Wanted, models: object, files: object) -> Wanted:
    """Refuse one text where a list is wanted."""
    require_list(models, "models")
    require_list(files, "picture files")
    for name in ("methods", "corruptions", "activations", "ids"):
        require_list(getattr(wanted, name), name)
    return wanted


def _validation(dataset: Dataset | None, wanted: Wanted) -> ChosenPictures:
    assert dataset is not None
    check_limit(wanted.shown, "number of pictures shown")
    pictures = choose_pictures(dataset, wanted.count, wanted.ids)
    if wanted.ids or len(pictures.ids) <= wanted.shown:
        return pictures
    assert pictures.labels is not None  # Those of a data set are known.
    # Those to be shown stand first, and are of as many classes as can be.
    shown = [pictures.ids[place] for place in evenly(pictures.labels, wanted.shown)]
    rest = [name for name in pictures.ids if name not in shown]
    return choose_pictures(dataset, wanted.count, (*shown, *rest))


def _measurement(subjects: Sequence[Opened], pictures: ChosenPictures, classes: Classes, wanted: Wanted) -> Measurement:
    """Check what is asked for against what there is, before anything is computed."""
    if not wanted.methods:
        raise ConfigError("No method was named.")
    methods = tuple(dict.fromkeys(wanted.methods))
    for method in methods:
        check_method(method)
    if wanted.layer is not None and "grad_cam" not in methods:
        raise ConfigError("--layer is for grad_cam, which was not asked for. Leave it out.")
    if wanted.target == "label" and pictures.labels is None:
        raise ConfigError("Files have no label. Leave --target out, or name a class.")
    rule = wanted.target in ("predicted", "label")
    target: str | int = wanted.target if rule else classes.find(wanted.target)
    corruptions = choose_corruptions(wanted.corruptions) if wanted.corruptions else ()
    severities = choose_severities(wanted.severities)
    height, width = pictures.images.shape[2:]
    conditions = [Condition(), *(Condition(name, severity) for name in corruptions for severity in severities)]
    layers: list[Layer | None] = [None] * len(subjects)
    if "grad_cam" in methods:
        layers = [find_layer(subject.network, wanted.layer) for subject in subjects]
    activations = [
        [find_layer(subject.network, name) for name in wanted.activations] or layer_of_each_size(subject.network)
        for subject in subjects
    ]
    corruptor = choose_corruptor((height, width), corruptions, wanted.preset, wanted.seed, wanted.textures)
    shown = len(pictures.ids) if wanted.ids or pictures.labels is None else min(wanted.shown, len(pictures.ids))
    return Measurement(subjects, layers, activations, pictures, methods, conditions, corruptor, target, shown)


def _draw(
    pages: Pages, pointing: tuple[PointingResult, ...], wanted: Wanted, notes: Sequence[str], command: str
) -> Explanations:
    """Draw pages and tiles into the folder, and list them with the figures."""
    measurement, looks = pages.measurement, pages.looks
    corruptor = measurement.corruptor
    return Explanations(
        models=tuple(map(_model, measurement.subjects, measurement.layers)),
        classes=pages.classes.shown,
        pictures=_shown(measurement),
        source=measurement.pictures.source,
        targets=wanted.target,
        methods=tuple(measurement.methods),
        panels=(*pages.panels(), *_inside(pages)),
        tiles=tuple(pages.tiles()),
        drifts=tuple(drift_results(looks)),
        pointing=pointing,
        preset=corruptor.preset,
        seed=wanted.seed,
        textures=corruptor.textures_label,
        command=command,
        notes=(*_empty_maps(looks), *notes),
    )


def _inside(pages: Pages) -> list[Panel]:
    """Pages of filters and activations, where a network has such layers."""
    panels = []
    for index, subject in enumerate(pages.measurement.subjects):
        filters = filter_panel(subject, pages.folder / f"filters-{index}.png")
        inside = activation_panel(pages.measurement, index, pages.labels, pages.folder / f"activations-{index}.png")
        panels += [panel for panel in (filters, inside) if panel is not None]
    return panels


def _empty_maps(looks: Sequence[Look]) -> tuple[str, ...]:
    """What a reader must know of maps without content."""
    empty, total = sum(look.empty for look in looks), sum(len(look.targets) for look in looks)
    if not empty:
        return ()
    advice = " Another --layer may help." if any(look.empty and look.method == "grad_cam" for look in looks) else ""
    return (f"In {empty:,} of {total:,} maps nothing speaks for the class: they are empty and have no drift.{advice}",)


def _model(subject: Opened, layer: Layer | None) -> ExplainedModel:
    where = None if layer is None else f"{layer.name} ({layer.side} × {layer.side})"
    return ExplainedModel(subject.name, subject.network.spec.architecture, subject.sha256, where)


def _shown(measurement: Measurement) -> tuple[ExplainedPicture, ...]:
    pictures = measurement.pictures
    return tuple(
        ExplainedPicture(name, None if pictures.labels is None else int(pictures.labels[place]))
        for place, name in enumerate(pictures.ids[: measurement.shown])
    )


def _require_own(index: Path) -> None:
    """Refuse an index that something else has made: it would be lost. One of another version of rugged's is ours."""
    if not index.exists():
        return
    try:
        found = read_json(index)
    except RuggedError:
        found = None
    if not isinstance(found, dict) or not {"format", "panels", "tiles"} <= found.keys():
        raise ConfigError(
            f"{index} is there and is no index of explanations; it would be lost. Choose another folder with --out, or "
            "take the file away."
        )


def _clear(folder: Path) -> None:
    """Take away earlier explanations, whole or not: the index first, then what has a name of ours and nothing else."""
    (folder / INDEX).unlink(missing_ok=True)
    for path in (*folder.glob("*.png"), *folder.glob("tiles/*.png")):
        if FILE_NAME.fullmatch(path.relative_to(folder).as_posix()):
            path.unlink(missing_ok=True)
