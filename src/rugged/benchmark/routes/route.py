"""Where corrupted pictures come from: what the benchmark asks of each route."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from rugged.results import Conditions


@dataclass(frozen=True)
class Images:
    """Which images a cell is about.

    Attributes:
        ids: N ids.
        labels: ``(N,)`` int64.
    """

    ids: tuple[str, ...]
    labels: NDArray[np.int64]


class Route(Protocol):
    """Gives the pictures of each cell.

    Attributes:
        conditions: Under which the cells are measured.
        ahead: Chunks that are worth fetching before they are asked for.
    """

    conditions: Conditions
    ahead: int

    def images(self, corruption: str) -> Images:
        """Which images the cells of a corruption, or of ``"clean"``, are about."""

    def pictures(self, corruption: str, severity: int, rows: NDArray[np.int64]) -> Tensor:
        """The pictures at some places of ``images``, ``(N, 3, H, W)`` uint8 on any device."""

    def provenance(self, corruption: str, severity: int) -> dict[str, Any]:
        """What a cell's predictions depend on besides the conditions."""

    def require_all(self) -> None:
        """See that there are pictures for all cells of the conditions, those of an earlier measurement included.

        Raises:
            DataError: There are not.
        """

    def notes(self) -> list[str]:
        """What a reader of the summary must know, as sentences."""
