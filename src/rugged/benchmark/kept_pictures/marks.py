"""Marks of kept pictures: a hash of what they depend on, by which those of another measurement are known."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from rugged.benchmark.routes.route import Route
from rugged.core.catalogue import CellKey


def mark_of(route: Route, version: int, cells: Sequence[CellKey], *besides: Any) -> str:
    """Hash what pictures of some cells depend on.

    Args:
        route: Where they come from.
        version: Of what is drawn: with another one it is drawn anew.
        cells: Whose pictures they are.
        besides: What else decides how they look, as JSON can hold it.
    """
    causes = [
        {**route.conditions.of_cell(name), **route.provenance(name, level)} for name, level in dict.fromkeys(cells)
    ]
    everything = [version, list(cells), causes, *besides]
    return hashlib.sha256(json.dumps(everything, sort_keys=True).encode()).hexdigest()[:16]
