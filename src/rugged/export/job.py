"""``rugged export`` as a function: trace, verify, write."""

from dataclasses import dataclass
from pathlib import Path

import torch

from rugged.core.errors import ConfigError, ModelError
from rugged.core.files import atomic_path, expanded
from rugged.data import Dataset, as_dataset
from rugged.engine import make_fabric, open_subject
from rugged.engine.foreign import open_session
from rugged.export.graph import OPSET, Whole, require_onnx, to_onnx
from rugged.export.verifying import largest_difference, some_pictures
from rugged.results import place_of


@dataclass(frozen=True)
class Exported:
    """What was written.

    Attributes:
        path: The file.
        opset: Version of ONNX's operators.
        pictures: How many pictures it was verified on.
        difference: The largest difference of a probability from the model's.
    """

    path: Path
    opset: int
    pictures: int
    difference: float


def export_model(model: str | Path, out: str | Path, dataset: Dataset | str | Path | None = None) -> Exported:
    """Write a model as an ONNX file that takes pictures as they are stored.

    The file is there when it has been run and answers as the model does; else there is none, and an older one of its
    name is as it was.

    Args:
        model: A run folder, a model file, or an architecture with its published ImageNet weights.
        out: The file, ending in ``.onnx``.
        dataset: On whose validation pictures it is verified, opened or as ``rugged.open_dataset`` takes it; None draws
            some.

    Raises:
        ConfigError: Another ending, ``out`` cannot be written, or onnx or onnxruntime is not installed.
        ModelError: The model cannot be loaded or written as ONNX, or the file answers differently.
    """
    out = expanded(out)
    if out.suffix != ".onnx":
        raise ConfigError(f"{out} does not end in .onnx, the one format that is written. Choose another name.")
    onnx = require_onnx()
    fabric = make_fabric("cpu", "fp32", tuned=False)
    network = open_subject(model, place_of(model, None).name, None, fabric).network
    if network is None:
        raise ModelError(
            f"{model} only answers: there is no network inside to export. Give a run folder, a model file of rugged's, "
            "or an architecture by name."
        )
    graph, pictures = to_onnx(network), some_pictures(None if dataset is None else as_dataset(dataset))
    with atomic_path(out) as path:
        onnx.save(graph, path)
        onnx.checker.check_model(str(path), full_check=True)
        difference = largest_difference(open_session(path, torch.device("cpu")), Whole(network), pictures)
    return Exported(out, OPSET, len(pictures), difference)
