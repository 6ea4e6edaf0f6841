"""Model files: safetensors whose metadata says what the model is. Pickles are never read."""

from pathlib import Path

import torch
from torch import Tensor, nn

from rugged.core.errors import ModelError
from rugged.core.files import expanded
from rugged.models.loading import PICKLES, load_weights, read_safetensors, require_file
from rugged.models.restoring.spec import from_metadata as restorer_from_metadata
from rugged.models.spec import ModelSpec, from_metadata, to_metadata
from rugged.models.tensors import require_in_order, save_tensors
from rugged.models.zoo import build, resolve


def save_model(path: str | Path, model: nn.Module, spec: ModelSpec, dtype: torch.dtype | None = None) -> None:
    """Write weights and specification to one safetensors file, atomically.

    Args:
        path: The file.
        model: The network.
        spec: What it is.
        dtype: Stored precision of matrices and kernels, such as ``torch.float16`` for a file of half the size. Biases,
            normalisation and its statistics, a thousandth of the whole, keep theirs. None changes nothing.

    Raises:
        ModelError: The arguments are something else, or in another order; there is no such architecture, so that nobody
            could load the file; or a weight is beyond what ``dtype`` can hold.
    """
    require_in_order(path, model, spec, ModelSpec)
    resolve(spec.architecture)
    tensors: dict[str, Tensor] = model.state_dict()
    if dtype is not None:
        tensors = {name: _stored(name, tensor, dtype) for name, tensor in tensors.items()}
    save_tensors(expanded(path), tensors, to_metadata(spec))


def _stored(name: str, tensor: Tensor, dtype: torch.dtype) -> Tensor:
    if tensor.ndim < 2 or not tensor.is_floating_point():
        return tensor
    limit = torch.finfo(dtype).max
    if tensor.abs().max() > limit:
        raise ModelError(f"{name} has weights beyond {limit:g}, which {dtype} cannot hold. Save it without a dtype.")
    return tensor.to(dtype)


def read_spec(path: str | Path) -> ModelSpec:
    """Read a model file's specification without its weights.

    Raises:
        ModelError: Missing, not safetensors, not written by rugged, a restorer, or written by a later version.
    """
    return _read(expanded(path), weights=False)[0]


def spec_of_weights(path: str | Path) -> ModelSpec | None:
    """The specification in a file of weights; None where it is no model file of rugged's.

    Raises:
        ModelError: Missing, not safetensors, or written by a later version.
    """
    path = expanded(path)
    if path.suffix in PICKLES:
        require_file(path)
        return None
    return from_metadata(read_safetensors(path, weights=False)[1], str(path))


def load_model(path: str | Path) -> tuple[nn.Module, ModelSpec]:
    """Read a model file and build the model on the CPU, in float32 and evaluation mode.

    Args:
        path: The file itself: of a run folder its ``model.safetensors``.

    Returns:
        The network, whose weights lie channels last in memory, and what it is.

    Raises:
        ModelError: Missing, not safetensors, not written by rugged, a restorer, written by a later version, weights
            that do not fit the architecture, or weights that are not finite.
    """
    spec, tensors = _read(expanded(path), weights=True)
    with torch.random.fork_rng([]):  # Initial weights, which are not kept, are none of the caller's randomness.
        model = build(spec.architecture, len(spec.classes))
    expected = f"{spec.architecture} with {len(spec.classes)} classes"
    load_weights(model, tensors, str(path), expected, "It was written by another version; train it again.")
    return model.to(memory_format=torch.channels_last).eval(), spec  # type: ignore[call-overload]


def _read(path: Path, *, weights: bool) -> tuple[ModelSpec, dict[str, Tensor]]:
    tensors, metadata = read_safetensors(path, weights=weights)
    spec = from_metadata(metadata, str(path))
    if spec is None and restorer_from_metadata(metadata, str(path)) is not None:
        raise ModelError(
            f"{path} is a restorer; expected a classifier, such as the model.safetensors that `rugged train` writes. "
            "A restorer is given to --restore, beside a classifier."
        )
    if spec is None:
        raise ModelError(f"{path} does not say what model it holds: it was not written by rugged.")
    return spec, tensors
