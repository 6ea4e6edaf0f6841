"""Checkpoint files: modules, optimizers and plain state in one safetensors file, atomic and without pickles."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.optim import Optimizer

from rugged.core.errors import RunError
from rugged.core.parsing import parse_json
from rugged.models.tensors import save_tensors

_KEY = "rugged.checkpoint"


def save_checkpoint(
    path: Path, modules: Mapping[str, nn.Module], optimizers: Mapping[str, Optimizer], state: Mapping[str, Any]
) -> None:
    """Write a checkpoint atomically: after a kill the old one or the new one is there, whole.

    Args:
        path: The file.
        modules: Networks by name; parameters and buffers are kept.
        optimizers: Optimizers by name; what they know of each parameter is kept. Their options are not.
        state: Whatever JSON can hold.
    """
    tensors = {
        f"module/{name}/{key}": value for name, module in modules.items() for key, value in module.state_dict().items()
    }
    numbers: dict[str, dict[str, Any]] = {}
    for name, optimizer in optimizers.items():
        numbers[name] = {}
        for index, entries in optimizer.state_dict()["state"].items():
            for key, value in entries.items():
                if isinstance(value, Tensor):
                    tensors[f"optimizer/{name}/{index}/{key}"] = value
                elif value is not None:
                    numbers[name][f"{index}/{key}"] = value
    document = json.dumps({"state": state, "optimizer_numbers": numbers})
    save_tensors(path, tensors, {_KEY: document})


def load_checkpoint(
    path: Path, modules: Mapping[str, nn.Module], optimizers: Mapping[str, Optimizer]
) -> dict[str, Any]:
    """Load a checkpoint into modules and optimizers built as they were when it was saved.

    Returns:
        The plain state.

    Raises:
        RunError: The file is damaged or belongs to another model.
    """
    try:
        with safe_open(path, framework="pt") as stream:
            document = parse_json((stream.metadata() or {})[_KEY])
            tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118
        weights = {name: _under(f"module/{name}/", tensors) for name in modules}
        for name, module in modules.items():
            _require_same_network(path, module, weights[name])
        for name, module in modules.items():
            module.load_state_dict(weights[name])
        for name, optimizer in optimizers.items():
            entries = _under(f"optimizer/{name}/", tensors) | document["optimizer_numbers"][name]
            optimizer.load_state_dict({**optimizer.state_dict(), "state": _by_parameter(entries)})
            _lay_out_as_parameters(optimizer)
    except (SafetensorError, OSError, KeyError, ValueError, RuntimeError) as error:
        raise RunError(
            f"The checkpoint {path} cannot be loaded ({error}). Delete it to start this training afresh."
        ) from error
    state: dict[str, Any] = document["state"]
    return state


def _require_same_network(path: Path, module: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Ask before anything is loaded, and in a line: PyTorch would list every weight."""
    expected = {name: value.shape for name, value in module.state_dict().items()}
    if expected != {name: value.shape for name, value in weights.items()}:
        raise RunError(
            f"The checkpoint {path} holds the weights of another network than this one ({type(module).__name__}). "
            "Delete it to start this training afresh, or train into another folder."
        )


@torch.no_grad()
def _lay_out_as_parameters(optimizer: Optimizer) -> None:
    """Have state lie in memory as its parameter does, channels-last for one: a file knows one layout only."""
    for parameter, entries in optimizer.state.items():
        for key, value in entries.items():
            if isinstance(value, Tensor) and value.shape == parameter.shape:
                entries[key] = torch.empty_like(parameter, dtype=value.dtype).copy_(value)


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _by_parameter(entries: Mapping[str, Any]) -> dict[int, dict[str, Any]]:
    grouped: dict[int, dict[str, Any]] = {}
    for name, value in entries.items():
        index, key = name.split("/", 1)
        grouped.setdefault(int(index), {})[key] = value
    return grouped
