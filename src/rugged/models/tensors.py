"""Tensors with a word on what they are, in one safetensors file: what model files and checkpoints are made of."""

import os
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor, nn

from rugged.core.errors import ModelError
from rugged.core.files import atomic_path


def require_in_order(path: object, module: object, spec: object, kind: type) -> None:
    """Refuse what cannot be saved as a model.

    Args:
        path: Of the file.
        module: The network.
        spec: What it is.
        kind: The dataclass of such specifications.

    Raises:
        ModelError: One of these is something else; it may stand in another one's place.
    """
    if isinstance(path, str | os.PathLike) and isinstance(module, nn.Module) and isinstance(spec, kind):
        return
    found = ", ".join(type(each).__name__ for each in (path, module, spec))
    raise ModelError(f"Expected a path, a network and its {kind.__name__}, in this order, and found {found}.")


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write tensors, from any device and in any layout, atomically and without pickles.

    Args:
        path: The file.
        tensors: Tensors by name. What two names share is written for each.
        metadata: Strings by name, which can be read without the tensors.

    Raises:
        RuggedError: The file cannot be written, as on a full disk.
    """
    portable: dict[str, Tensor] = {}
    written: set[int] = set()
    for name, tensor in tensors.items():
        own = tensor.detach().cpu().contiguous()
        memory = own.untyped_storage().data_ptr()
        portable[name] = own.clone() if memory in written else own  # safetensors refuses what is shared.
        written.add(memory)
    with atomic_path(path) as temporary:
        try:
            save_file(portable, temporary, metadata=dict(metadata))
        except SafetensorError as error:
            raise OSError(str(error)) from error  # It is one: safetensors has no other name for a full disk.
