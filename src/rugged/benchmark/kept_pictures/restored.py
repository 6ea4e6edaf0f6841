"""Pictures before and after a restorer, kept for the report: one for each corruption, clean and at two severities."""

from pathlib import Path

import numpy as np
from PIL import Image

from rugged.benchmark.kept_pictures.marks import mark_of
from rugged.benchmark.kept_pictures.pictures import SHOWN, fitted
from rugged.benchmark.routes.route import Route
from rugged.core.errors import ConfigError, ResultsError
from rugged.core.files import atomic_path
from rugged.core.progress import say
from rugged.data.splits import evenly
from rugged.engine import Restorer
from rugged.results import CLEAN, Conditions, RestoredPictures, Strip, read_restored, restored_path, write_restored

_VERSION = 1  # Of what is drawn: with another one it is drawn anew.


def keep_restored(folder: Path, route: Route, restorer: Restorer) -> None:
    """Make the PNG and its index, unless they are there.

    Pictures are taken evenly over the classes, another one for each corruption: no result has a part in the choice.

    Args:
        folder: Of the variant's predictions.
        route: Where the pictures come from.
        restorer: What restores them.
    """
    strips = _choose(route)
    height, width = fitted(route.conditions.size, SHOWN)
    index = RestoredPictures(strips, width, height, _mark(route, restorer, strips))
    try:
        if read_restored(folder) == index and restored_path(folder).exists():
            return
    except ResultsError:  # Damaged: it is made anew.
        pass
    try:
        picture = _draw(index, route, restorer)
    except ConfigError as error:  # Frost, whose textures are no longer here. Everything is measured all the same.
        say(f"The report will lack restored pictures: {error}")
        return
    restored_path(folder).unlink(missing_ok=True)  # Else an interruption could leave new pictures by an old index.
    write_restored(folder, index)
    with atomic_path(restored_path(folder)) as temporary:
        picture.save(temporary, "PNG")


def _choose(route: Route) -> tuple[Strip, ...]:
    conditions = route.conditions
    images = route.images(conditions.corruptions[0])
    rows = evenly(images.labels, len(conditions.corruptions))
    severities = _severities(conditions)
    return tuple(
        Strip("restored", images.ids[row], int(images.labels[row]), name, severities)
        for name, row in zip(conditions.corruptions, np.resize(rows, len(conditions.corruptions)), strict=True)
    )


def _severities(conditions: Conditions) -> tuple[int, ...]:
    """Clean, where the clean pictures are the same; the middle severity and the last."""
    return (*((0,) if conditions.clean_images is None else ()), *conditions.shown_severities)


def _mark(route: Route, restorer: Restorer, strips: tuple[Strip, ...]) -> str:
    cells = [cell for strip in strips for cell in strip.cells]
    return mark_of(route, _VERSION, cells, restorer.sha256, [strip.id for strip in strips])


def _draw(index: RestoredPictures, route: Route, restorer: Restorer) -> Image.Image:
    page = Image.new("RGB", (index.columns * index.width, len(index.strips) * index.height))
    for row, strip in enumerate(index.strips):
        for column, (name, severity) in enumerate(strip.cells):
            place = route.images(CLEAN if severity == 0 else name).ids.index(strip.id)
            shown = route.pictures(name, severity, np.array([place], np.int64))
            for offset, batch in enumerate((shown, restorer.restore(shown))):
                picture = Image.fromarray(batch[0].cpu().permute(1, 2, 0).contiguous().numpy())
                if picture.size != (index.width, index.height):
                    picture = picture.resize((index.width, index.height), Image.Resampling.LANCZOS)
                page.paste(picture, ((2 * column + offset) * index.width, row * index.height))
    return page
