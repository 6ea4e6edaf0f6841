"""The interface between measuring and reading: saved predictions, their conditions, and what follows from them."""

from rugged.results.baselines import Baseline, baseline_of, default_baseline, load_baseline, save_baseline
from rugged.results.comparison import differences
from rugged.results.conditions import Conditions, Made, ModelFacts
from rugged.results.predictions import CLEAN, Cell, Stamp, read_cell, read_cells, read_stamp, write_cell
from rugged.results.runs import RunFolder
from rugged.results.summarise import normalise, summarise
from rugged.results.summary import Summary, read_summary, write_summary

__all__ = [
    "CLEAN",
    "Baseline",
    "Cell",
    "Conditions",
    "Made",
    "ModelFacts",
    "RunFolder",
    "Stamp",
    "Summary",
    "baseline_of",
    "default_baseline",
    "differences",
    "load_baseline",
    "normalise",
    "read_cell",
    "read_cells",
    "read_stamp",
    "read_summary",
    "save_baseline",
    "summarise",
    "write_cell",
    "write_summary",
]
