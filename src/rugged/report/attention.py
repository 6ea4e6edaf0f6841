"""Saved explanations: where a model looks, clean and as a corruption grows, how far that drifts, and what is inside."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from rugged.analyze import BenchmarkedRun
from rugged.core.catalogue import display_name
from rugged.core.notes import folded
from rugged.report.charts import STYLES, Axis, LineChart, Series, line_chart, nice_axis, percent
from rugged.report.embedding import open_picture, picture_uri
from rugged.report.extent import drift_extent
from rugged.report.headlines import share
from rugged.results import CLEAN, Explanations, read_explanations
from rugged.results.explanations import INDEX, DriftResult, Panel, PointingResult, Tile, method_title

# The page's weight is decided here.
_SIDE, _QUALITY = 160, 88
_ROWS = 24
_WIDE, _WIDE_QUALITY = 1200, 85


@dataclass(frozen=True)
class Look:
    """A map over its picture: a data URI, its text alternative, the words beneath it, and whether the answer is right.

    ``right`` is None where the picture's class is not known.
    """

    source: str
    alternative: str
    width: int
    height: int
    where: str
    answer: str
    right: bool | None
    drift: str


@dataclass(frozen=True)
class LookRow:
    """Maps of one picture that belong together."""

    title: str
    about: str
    looks: tuple[Look, ...]


@dataclass(frozen=True)
class PointingRow:
    """How often the maps of a method are highest on the object."""

    label: str
    images: int
    share: str
    right_ones: str
    centre: str


@dataclass(frozen=True)
class Inside:
    """A panel of filters or activations as a data URI."""

    title: str
    source: str
    alternative: str


@dataclass(frozen=True)
class AttentionView:
    """What the page shows of explanations.

    Attributes:
        lead: What was explained, and of which pictures.
        side_by_side: Clean pictures, a map for each model and method.
        growing: Pictures as a corruption grows.
        drifts: A chart a corruption.
        drift_caption: What their means are over, and how many lines they have no room for.
        legend: Of these charts.
        pointing: The pointing game, where outlines are known.
        insides: Filters and activations.
        left_out: How many rows are in the folder alone.
        notes: What a reader must know.
    """

    lead: str
    side_by_side: tuple[LookRow, ...]
    growing: tuple[LookRow, ...]
    drifts: tuple[LineChart, ...]
    drift_caption: str
    legend: tuple[tuple[str, int], ...]
    pointing: tuple[PointingRow, ...]
    insides: tuple[Inside, ...]
    left_out: int
    notes: tuple[str, ...]


def view_attention(subject: BenchmarkedRun) -> AttentionView | None:
    """Lay out the saved explanations of a run; None where there are none, or where they are of another model.

    Raises:
        ResultsError: They are damaged.
    """
    folder = subject.folder.explanations
    if not (folder / INDEX).exists():
        return None
    found = read_explanations(folder)
    if {model.sha256 for model in found.models}.isdisjoint({subject.summary.model.sha256, None}):
        return None
    beside, growing = _rows(found, clean=True), _rows(found, clean=False)
    shown, later = beside[:_ROWS], growing[:_ROWS]
    legend = tuple((name, style) for style, name in enumerate(_lines(found)[:STYLES]))
    return AttentionView(
        lead=_lead(found),
        side_by_side=tuple(_look_row(folder, found, tiles) for tiles in shown),
        growing=tuple(_look_row(folder, found, tiles) for tiles in later),
        drifts=tuple(_drift_charts(found)),
        drift_caption=_drift_caption(found),
        legend=legend,
        pointing=tuple(_pointing(found, one) for one in found.pointing),
        insides=tuple(_inside(folder, panel) for panel in _panels(found)),
        left_out=len(beside) + len(growing) - len(shown) - len(later),
        notes=tuple(folded(found.notes)),
    )


def _lead(found: Explanations) -> str:
    targets = {"predicted": "the class predicted on the clean picture", "label": "the true class"}
    what = targets.get(found.targets, found.targets)
    return f"Pictures of {found.source}. Explained is {what}, by {', '.join(map(method_title, found.methods))}."


def _rows(found: Explanations, *, clean: bool) -> list[list[Tile]]:
    """Tiles that stand in one row: all clean ones of a picture; or one map of a picture as one corruption grows."""
    at_rest = [tile for tile in found.tiles if tile.corruption == CLEAN]
    if clean:
        each = ([tile for tile in at_rest if tile.picture == place] for place in range(len(found.pictures)))
        alone = len(at_rest) == len(found.tiles)  # Else a single clean map stands in the row of its corruption.
        return [tiles for tiles in each if len(tiles) > 1 or (tiles and alone)]
    rows: dict[tuple[object, ...], list[Tile]] = {}
    before = {(tile.picture, tile.model, tile.method): tile for tile in at_rest}
    for tile in sorted(found.tiles, key=lambda one: one.severity):
        if tile.corruption != CLEAN:
            own = (tile.picture, tile.model, tile.method)
            first = [before[own]] if own in before else []
            rows.setdefault((tile.corruption, *own), first).append(tile)
    seen: Counter[tuple[object, ...]] = Counter()
    ranked = []
    for (corruption, _, model, method), row in rows.items():
        ranked.append((seen[corruption, model, method], row))
        seen[corruption, model, method] += 1
    return [row for _, row in sorted(ranked, key=lambda pair: pair[0])]  # One of each kind, then another of each.


def _look_row(folder: Path, found: Explanations, tiles: Sequence[Tile]) -> LookRow:
    last = tiles[-1]
    picture = found.pictures[last.picture]
    title = picture.id if picture.label is None else found.classes[picture.label]
    if last.corruption == CLEAN:
        return LookRow(title, "", tuple(_look(folder, found, tile, _line(found, tile)) for tile in tiles))
    words = ("clean" if tile.corruption == CLEAN else f"severity {tile.severity}" for tile in tiles)
    return LookRow(
        title,
        f"{display_name(last.corruption)}, {_line(found, last)}",
        tuple(_look(folder, found, tile, word) for tile, word in zip(tiles, words, strict=True)),
    )


def _look(folder: Path, found: Explanations, tile: Tile, where: str) -> Look:
    picture = open_picture(folder / tile.file, "explain")
    picture.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    label, target = found.pictures[tile.picture].label, found.classes[tile.target]
    nothing = " The map is empty." if tile.empty else ""
    return Look(
        source=picture_uri(picture, _QUALITY),
        alternative=f"Where the model looks for {target}, {where}.{nothing}",
        width=picture.width,
        height=picture.height,
        where=where,
        answer=f"{found.classes[tile.predicted]} {percent(tile.probability, 0)}",
        right=None if label is None else label == tile.predicted,
        drift="empty map" if tile.empty else "" if tile.drift is None else f"drift {tile.drift:.2f}",
    )


def _lines(found: Explanations) -> list[str]:
    """Models and methods; a drift chart can tell as many apart as it has styles."""
    return list(dict.fromkeys(_line(found, one) for one in found.drifts))


def _line(found: Explanations, one: Tile | DriftResult | PointingResult) -> str:
    method = method_title(one.method)
    return method if len(found.models) == 1 else f"{found.models[one.model].name}, {method}"


def _drift_caption(found: Explanations) -> str:
    if not found.drifts:
        return ""
    said, count = f"Mean drift by severity, over {drift_extent(found.drifts)}.", len(_lines(found))
    if count <= STYLES:
        return said
    return f"{said} The first {STYLES} of {count} lines are drawn; the figures of all are in {INDEX}."


def _drift_charts(found: Explanations) -> Iterator[LineChart]:
    means = [one.mean for one in found.drifts if one.mean is not None]
    if not means:
        return
    levels = sorted({one.severity for one in found.drifts})
    axis = Axis(min(levels), max(*levels, min(levels) + 1), tuple((level, str(level)) for level in levels))
    height = nice_axis([*means, 0.1])
    for corruption in dict.fromkeys(one.corruption for one in found.drifts):
        own = {(_line(found, one), one.severity): one for one in found.drifts if one.corruption == corruption}
        series = []
        for style, name in enumerate(_lines(found)[:STYLES]):
            points = [own.get((name, level)) for level in levels]
            values = tuple(None if one is None else one.mean for one in points)
            series.append(Series(name, style, values, extents=tuple(map(_extent, points))))
        yield line_chart(
            display_name(corruption), levels, series, axis, height, x_name="severity",
            say=lambda value: "–" if value is None else f"{value:.2f}",
        )  # fmt: skip


def _extent(one: DriftResult | None) -> str:
    if one is None or one.mean is None:
        return ""
    ends = "" if one.interval is None else f" ({one.interval[0]:.2f}–{one.interval[1]:.2f})"
    return f"{ends}, n = {one.images}"


def _pointing(found: Explanations, one: PointingResult) -> PointingRow:
    right = "–" if one.correct_share is None else f"{percent(one.correct_share)} of {one.correct_images:,}"
    return PointingRow(_line(found, one), one.images, share(one.share, one.interval), right, percent(one.centre_share))


def _panels(found: Explanations) -> list[Panel]:
    """What tiles do not show; and everything where there are none."""
    return [panel for panel in found.panels if panel.kind in ("filters", "activations") or not found.tiles]


def _inside(folder: Path, panel: Panel) -> Inside:
    picture = open_picture(folder / panel.file, "explain")
    picture.thumbnail((_WIDE, 3 * _WIDE), Image.Resampling.LANCZOS)
    return Inside(panel.kind.capitalize(), picture_uri(picture, _WIDE_QUALITY), panel.alternative)
