"""Restorers' files: safetensors whose metadata says what the restorer is. Pickles are never read."""

from pathlib import Path

import torch
from torch import nn

from rugged.core.errors import ModelError
from rugged.core.files import expanded
from rugged.models.loading import load_weights, read_safetensors
from rugged.models.restoring.generator import Generator
from rugged.models.restoring.spec import RestorerSpec, from_metadata, make_restorer, to_metadata
from rugged.models.spec import from_metadata as classifier_from_metadata
from rugged.models.tensors import require_in_order, save_tensors


def save_restorer(path: str | Path, module: nn.Module, spec: RestorerSpec) -> None:
    """Write a restorer's weights and specification to one safetensors file, atomically.

    Raises:
        ModelError: The arguments are something else, or in another order.
    """
    require_in_order(path, module, spec, RestorerSpec)
    save_tensors(expanded(path), module.state_dict(), to_metadata(spec))


def load_restorer(path: str | Path) -> tuple[Generator, RestorerSpec]:
    """Read a restorer's file and build the restorer on the CPU, in float32 and evaluation mode.

    Raises:
        ModelError: Missing, not safetensors, no restorer, written by another version, or weights that do not fit or
            are not finite.
    """
    path = expanded(path)
    tensors, metadata = read_safetensors(path)
    spec = from_metadata(metadata, str(path))
    if spec is None:
        classifier = classifier_from_metadata(metadata, str(path))
        found = "does not say what it holds" if classifier is None else f"is a classifier ({classifier.architecture})"
        raise ModelError(
            f"{path} {found}; expected a restorer, such as the restorer.safetensors that `rugged restore train` writes."
        )
    module = make_restorer(spec)
    load_weights(module, tensors, str(path), "a restorer", "It was written by another version; train it again.")
    return module.to(memory_format=torch.channels_last).eval(), spec  # type: ignore[call-overload]
