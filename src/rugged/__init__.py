"""rugged: image classifiers that hold up under common corruptions, and the figures to show it.

Public names are imported on first use, so ``import rugged`` costs nothing and never pulls in torch by itself. Type
checkers see them imported here.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rugged.core.errors import RuggedError as RuggedError
    from rugged.corruptions import corrupt as corrupt
    from rugged.corruptions import corrupt_randomly as corrupt_randomly
    from rugged.corruptions import replay as replay
    from rugged.corruptions.dataset import CorruptedDataset as CorruptedDataset
    from rugged.corruptions.transform import Corrupt as Corrupt
    from rugged.data import open_dataset as open_dataset
    from rugged.data import write_corrupted as write_corrupted
    from rugged.data import write_corrupted_files as write_corrupted_files
    from rugged.data import write_one_per_image as write_one_per_image
    from rugged.export import export_model as export_model
    from rugged.metrics import mean_corruption_error as mean_corruption_error
    from rugged.models import load_model as load_model
    from rugged.perturbations import perturb as perturb
    from rugged.predict import Classifier as Classifier
    from rugged.report import write_report as write_report
    from rugged.results import read_summary as read_summary
    from rugged.train import Recipe as Recipe
    from rugged.train import load_recipe as load_recipe

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
    "write_corrupted_files": "rugged.data",
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

_MODULES = (
    "analyze", "benchmark", "corruptions", "data", "explain", "export", "metrics", "models",
    "perturbations", "playground", "predict", "report", "restore", "results", "train",
)  # fmt: skip
"""Reached as attributes, too, without an import of their own."""

__all__ = ["__version__", *sorted(_PUBLIC)]


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    if name in _MODULES:
        return import_module(f"rugged.{name}")
    raise AttributeError(f"module 'rugged' has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
