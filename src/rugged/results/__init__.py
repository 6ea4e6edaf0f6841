"""The interface between measuring and reading: saved predictions, their conditions, and what follows from them."""

from rugged.results.baselines import load_baseline
from rugged.results.comparison import differences
from rugged.results.conditions import Conditions, Made, ModelFacts
from rugged.results.predictions import CLEAN, Cell, Stamp, read_cell, read_cells, read_stamp, write_cell
from rugged.results.runs import RunFolder
from rugged.results.summarise import normalise, summarise
from rugged.results.summary import Summary, VariantResult, read_summary, write_summary
from rugged.results.variants import variant_result

__all__ = [
    "CLEAN",
    "Cell",
    "Conditions",
    "Made",
    "ModelFacts",
    "RunFolder",
    "Stamp",
    "Summary",
    "VariantResult",
    "differences",
    "load_baseline",
    "normalise",
    "read_cell",
    "read_cells",
    "read_stamp",
    "read_summary",
    "summarise",
    "variant_result",
    "write_cell",
    "write_summary",
]
