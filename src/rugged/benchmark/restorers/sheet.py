"""A page on which a restorer is seen at work: pictures clean, corrupted, restored, and restored by a Wiener filter."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rugged.benchmark.routes.in_memory import InMemory
from rugged.core.catalogue import display_name
from rugged.data.picture_grid import Column, draw_grid
from rugged.data.splits import evenly
from rugged.metrics import peak_signal_to_noise_ratio
from rugged.results import Conditions

_ROWS = {"clean": "Clean", "nothing": "Corrupted", "restored": "Restored", "classical": "Classical"}

Shown = Callable[[str, int, int], dict[str, NDArray[np.uint8]]]
"""From a corruption, a severity and a row of the split to the picture as each method leaves it."""


def draw_restoration(name: str, conditions: Conditions, route: InMemory, shown: Shown) -> Image.Image:
    """Draw a column a corruption and severity, the middle one and the last; beneath each picture its PSNR.

    Pictures are taken evenly over the classes, another one for each column: no result has a part in the choice.

    Args:
        name: Of the restorer.
        conditions: What was measured.
        route: Where the clean pictures come from.
        shown: Gives the others.
    """
    cells = [
        (corruption, severity) for corruption in conditions.corruptions for severity in conditions.shown_severities
    ]
    rows = np.resize(evenly(route.split.labels, len(cells)), len(cells))
    columns = []
    for row, (corruption, severity) in zip(rows.tolist(), cells, strict=True):
        clean = np.array(route.split.images[row])
        states = {"clean": clean, **shown(corruption, severity, row)}
        pictures = tuple(states[state] for state in _ROWS)
        notes = ("", *(_decibels(picture, clean) for picture in pictures[1:]))
        columns.append(Column(f"{display_name(corruption)} {severity}", pictures, notes))
    caption = f"{name} on {conditions.dataset}: clean, corrupted, restored, and restored by a Wiener filter"
    return draw_grid(caption, list(_ROWS.values()), columns)


def _decibels(picture: NDArray[np.uint8], clean: NDArray[np.uint8]) -> str:
    return f"{peak_signal_to_noise_ratio(picture[None], clean[None])[0]:.1f} dB"
