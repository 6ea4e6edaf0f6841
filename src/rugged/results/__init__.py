"""The interface between measuring and reading: saved predictions, their conditions, and what follows from them."""

from rugged.results.baselines import (
    Baseline,
    baseline_of,
    baseline_path,
    default_baseline,
    load_baseline,
    save_baseline,
    why_no_default,
)
from rugged.results.classes import Classes, read_classes
from rugged.results.comparison import differences, phrases
from rugged.results.conditions import Conditions, Made, ModelFacts
from rugged.results.explanations import Explanations, read_explanations, write_explanations
from rugged.results.frames import Frames, join_frames, read_frames, write_frames
from rugged.results.measured import read_measured, require_fitting
from rugged.results.pictures import Pictures, Sheets, Strip, read_pictures, write_pictures
from rugged.results.predictions import CLEAN, Cell, Stamp, join_cells, read_cell, read_cells, read_stamp, write_cell
from rugged.results.restoration import (
    METHODS,
    CorruptionQuality,
    Figure,
    Nearness,
    Quality,
    RestorationSummary,
    read_nearness,
    read_restoration,
    summarise_restoration,
    write_nearness,
    write_restoration,
)
from rugged.results.restored import RestoredPictures, read_restored, restored_path, write_restored
from rugged.results.runs import RunFolder, place_of
from rugged.results.stability import (
    Moves,
    SequenceConditions,
    Stability,
    load_steady_baseline,
    moves_of,
    read_stability,
    stability_of,
    write_stability,
)
from rugged.results.summarise import normalise, summarise
from rugged.results.summary import (
    Changes,
    ErrorChange,
    RestorerFacts,
    Summary,
    VariantResult,
    read_summary,
    write_summary,
)
from rugged.results.variants import variant_result

__all__ = [
    "CLEAN",
    "METHODS",
    "Baseline",
    "Cell",
    "Changes",
    "Classes",
    "Conditions",
    "CorruptionQuality",
    "ErrorChange",
    "Explanations",
    "Figure",
    "Frames",
    "Made",
    "ModelFacts",
    "Moves",
    "Nearness",
    "Pictures",
    "Quality",
    "RestorationSummary",
    "RestoredPictures",
    "RestorerFacts",
    "RunFolder",
    "SequenceConditions",
    "Sheets",
    "Stability",
    "Stamp",
    "Strip",
    "Summary",
    "VariantResult",
    "baseline_of",
    "baseline_path",
    "default_baseline",
    "differences",
    "join_cells",
    "join_frames",
    "load_baseline",
    "load_steady_baseline",
    "moves_of",
    "normalise",
    "phrases",
    "place_of",
    "read_cell",
    "read_cells",
    "read_classes",
    "read_explanations",
    "read_frames",
    "read_measured",
    "read_nearness",
    "read_pictures",
    "read_restoration",
    "read_restored",
    "read_stability",
    "read_stamp",
    "read_summary",
    "require_fitting",
    "restored_path",
    "save_baseline",
    "stability_of",
    "summarise",
    "summarise_restoration",
    "variant_result",
    "why_no_default",
    "write_cell",
    "write_explanations",
    "write_frames",
    "write_nearness",
    "write_pictures",
    "write_restoration",
    "write_restored",
    "write_stability",
    "write_summary",
]
