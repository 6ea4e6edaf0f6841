"""rugged: image classifiers that hold up in the real world, and the proof.

Public names are imported on first use, so ``import rugged`` costs nothing and never pulls in torch by itself.
"""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_PUBLIC = {
    "Classifier": "rugged.predict",
    "Corrupt": "rugged.corruptions.transform",
    "CorruptedDataset": "rugged.corruptions.dataset",
    "corrupt": "rugged.corruptions",
    "corrupt_randomly": "rugged.corruptions",
    "replay": "rugged.corruptions",
    "perturb": "rugged.perturbations",
    "write_corrupted": "rugged.data",
    "write_one_per_image": "rugged.data",
    "export_model": "rugged.export",
    "open_dataset": "rugged.data",
    "RuggedError": "rugged.core.errors",
    "mean_corruption_error": "rugged.metrics",
    "load_model": "rugged.models",
    "read_summary": "rugged.results",
    "load_recipe": "rugged.train",
    "Recipe": "rugged.train",
    "write_report": "rugged.report",
}

__all__ = ["__version__", *sorted(_PUBLIC)]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'rugged' has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
