"""Tensors with a word on what they are, in one safetensors file: what model files and checkpoints are made of."""

from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from rugged.core.files import atomic_path


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
