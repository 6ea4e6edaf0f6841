"""Model files: safetensors whose metadata says what the model is. Pickles are never read."""

import json
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from rugged.core.configuration import from_plain, to_plain
from rugged.core.errors import ConfigError, ModelError
from rugged.models.spec import ModelSpec
from rugged.models.tensors import save_tensors
from rugged.models.zoo import build

_KEY = "rugged.model"


def save_model(path: Path, model: nn.Module, spec: ModelSpec) -> None:
    """Write weights and specification to one safetensors file, atomically."""
    save_tensors(path, model.state_dict(), {_KEY: json.dumps(to_plain(spec), sort_keys=True)})


def read_spec(path: Path) -> ModelSpec:
    """Read a model file's specification without its weights.

    Raises:
        ModelError: Missing, not safetensors, or not written by rugged.
    """
    return _read(path, weights=False)[0]


def load_model(path: Path) -> tuple[nn.Module, ModelSpec]:
    """Read a model file and build the model on the CPU, in evaluation mode.

    Raises:
        ModelError: Missing, not safetensors, not written by rugged, weights that do not fit the architecture, or
            weights that are not finite.
    """
    spec, tensors = _read(path, weights=True)
    model = build(spec.architecture, len(spec.classes))
    expected = model.state_dict()
    wrong = sorted(
        name for name in expected.keys() | tensors.keys()
        if name not in tensors or name not in expected or tensors[name].shape != expected[name].shape
    )  # fmt: skip
    if wrong:
        raise ModelError(
            f"{path} does not fit {spec.architecture} with {len(spec.classes)} classes: "
            f"{len(wrong)} tensors differ ({', '.join(wrong[:3])}). It was written by another version; train it again."
        )
    broken = [name for name, tensor in tensors.items() if tensor.is_floating_point() and not tensor.isfinite().all()]
    if broken:
        raise ModelError(f"{path} holds weights that are not finite ({', '.join(broken[:3])}). Train the model again.")
    model.load_state_dict(tensors)
    return model.to(memory_format=torch.channels_last).eval(), spec  # type: ignore[call-overload]


def _read(path: Path, *, weights: bool) -> tuple[ModelSpec, dict[str, Tensor]]:
    if not path.is_file():
        raise ModelError(f"There is no model file {path}. Train one with `rugged train`, or give another path.")
    try:
        with safe_open(path, framework="pt") as stream:
            metadata = stream.metadata() or {}
            tensors = {name: stream.get_tensor(name) for name in stream.keys()} if weights else {}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise ModelError(
            f"{path} is not a readable safetensors file ({error}). Pickled checkpoints (.pt, .pth) are not loaded: "
            "they can run code. Export the weights to safetensors first."
        ) from error
    if _KEY not in metadata:
        raise ModelError(f"{path} does not say what model it holds: it was not written by rugged.")
    try:
        return from_plain(ModelSpec, json.loads(metadata[_KEY]), source=str(path)), tensors
    except (ConfigError, ValueError) as error:
        raise ModelError(f"{path} has an unreadable model specification: {error}") from error
