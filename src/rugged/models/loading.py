"""Weights from files into networks. What does not fit is refused before anything is changed."""

import re
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from rugged.core.errors import ModelError, ResultsError
from rugged.models.heads import AUXILIARY_HEADS, head_parameters
from rugged.models.spec import ModelSpec, from_metadata
from rugged.results import RunFolder, read_summary

PICKLES = (".pt", ".pth", ".bin")
"""Endings under which weights are published as pickles. They are read without running code."""

_WRAPPERS = ("module.", "_orig_mod.", "model.")
"""What DistributedDataParallel, torch.compile and training frameworks put before a network's own names."""


def require_file(path: Path) -> None:
    """Say what is wrong with the path of a model file or of weights, if there is no such file.

    Raises:
        ModelError: It is missing, or a folder.
    """
    if path.is_dir():
        raise ModelError(f"{path} is a folder; expected a model file, such as the model.safetensors of a run folder.")
    if not path.is_file():
        raise ModelError(f"There is no model file {path}. {_instead_of(path)}")


def _instead_of(path: Path) -> str:
    """What to do about a model file that is missing, by what else there is in its folder."""
    run = RunFolder(path.parent)
    if path == run.restorer:
        if run.model.exists():
            return f"{run.path} holds a classifier; expected a restorer, which `rugged restore train` makes."
        return "Train one with `rugged restore train`, or give another path."
    if path != run.model:
        return "Check the path."
    if run.summary.exists() and not run.manifest.exists():
        return f"{run.path} holds the results of a model that lies elsewhere{_made_by(run)}. Give that model."
    return "Train one with `rugged train`, or give another path."


def _made_by(run: RunFolder) -> str:
    try:
        command = read_summary(run.summary).made.command
    except ResultsError:
        command = ""
    return f", made by `{command}`" if command else ""


def read_safetensors(path: Path, *, weights: bool = True) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Read tensors and metadata; without ``weights`` the metadata alone.

    Raises:
        ModelError: Missing, or not safetensors.
    """
    require_file(path)
    try:
        with safe_open(path, framework="pt") as stream:
            tensors = {name: stream.get_tensor(name) for name in stream.keys()} if weights else {}  # noqa: SIM118
            return tensors, stream.metadata() or {}
    except (SafetensorError, OSError) as error:
        raise ModelError(
            f"{path} is not a readable safetensors file ({error}). It is damaged, or something else: a pickled "
            "checkpoint is read only by its own ending, .pt or .pth, as weights for a classifier to start from, and "
            "without its code."
        ) from error


def start_from(model: nn.Module, path: Path, architecture: str) -> None:
    """Load a local file's weights; where it answers for another number of classes the head stays fresh.

    Args:
        model: The network. Modified.
        path: A model file of rugged's, safetensors with the network's parameter names, or such a state dict pickled
            (.pt, .pth), of which tensors are read and nothing is run.
        architecture: Full name of the network.

    Raises:
        ModelError: Not such a file, or weights of another network.
    """
    tensors, spec = _read(path)
    if spec is not None and spec.architecture != architecture:
        raise ModelError(
            f"{path} holds weights of {spec.architecture}; expected {architecture}. Train {spec.architecture}, or "
            "choose another file."
        )
    load_body(model, tensors, str(path), architecture)


def load_body(model: nn.Module, tensors: Mapping[str, Tensor], source: str, architecture: str) -> None:
    """Copy published or local weights into a network, all of them but a head for another number of classes.

    Args:
        model: The network. Modified.
        tensors: By the network's own names, or those under a wrapper's prefix, or those of DenseNet's first release.
            The extra heads that Inceptions are published with are left out.
        source: Where they come from, for messages.
        architecture: Full name of the network, for messages.

    Raises:
        ModelError: As ``load_weights``.
    """
    own = model.state_dict()
    named = _own_names(model, tensors)
    fresh = {name: own[name] for name in _for_other_classes(head_parameters(model), own, named)}
    counters = {name: own[name] for name in own if name.endswith(".num_batches_tracked")}  # Old files have none.
    load_weights(model, counters | named | fresh, source, architecture)


def load_weights(
    model: nn.Module, tensors: Mapping[str, Tensor], source: str, architecture: str, advice: str = ""
) -> None:
    """Copy weights into a network that has exactly these, in its own precision.

    Args:
        model: The network. Modified once everything is known to fit.
        tensors: By name.
        source: Where they come from, for messages.
        architecture: What the network is, for messages.
        advice: What to do when they do not fit.

    Raises:
        ModelError: Some are missing, not expected, of another shape or kind, or not finite.
    """
    own = model.state_dict()
    groups = {
        "missing": own.keys() - tensors.keys(),
        "not expected": tensors.keys() - own.keys(),
        "of another shape or type": {name for name in own.keys() & tensors.keys() if not _alike(own, tensors, name)},
    }
    wrong = [name for names in groups.values() for name in sorted(names)]
    if wrong:
        counts = ", ".join(f"{len(names)} {what}" for what, names in groups.items() if names)
        raise ModelError(
            f"{source} does not fit {architecture}: {len(wrong)} tensors differ ({', '.join(wrong[:3])}), of which "
            f"{counts}. {advice or f'Give weights of {architecture}, or train the network that they belong to.'}"
        )
    broken = [name for name, tensor in tensors.items() if not tensor.to(own[name].dtype).isfinite().all()]
    if broken:
        raise ModelError(
            f"{source} holds weights that are not finite ({', '.join(broken[:3])}). Train the model again, or take "
            "another file."
        )
    with torch.no_grad():
        for name, tensor in tensors.items():
            own[name].copy_(tensor)


def brief(error: Exception) -> str:
    """The kind of an error and the first line of what it says."""
    return ": ".join([type(error).__name__, *str(error).splitlines()[:1]])


def _alike(own: Mapping[str, Tensor], tensors: Mapping[str, Tensor], name: str) -> bool:
    mine, other = own[name], tensors[name]
    return mine.shape == other.shape and mine.is_floating_point() == other.is_floating_point()


def _for_other_classes(head: Iterable[str], own: Mapping[str, Tensor], named: Mapping[str, Tensor]) -> list[str]:
    """The head's tensors with a row for each class, where all of them have the same other number of rows."""
    rows = {
        name: (len(own[name]), len(named[name]))
        for name in head
        if name in named and named[name].ndim and own[name].shape[1:] == named[name].shape[1:]
    }
    changed = {(mine, other) for mine, other in rows.values() if mine != other}
    if len(changed) != 1:
        return []
    ((classes, _),) = changed
    found = [name for name, (mine, _) in rows.items() if mine == classes]
    return found if all(rows[name] in changed for name in found) else []


def _read(path: Path) -> tuple[Mapping[str, Tensor], ModelSpec | None]:
    if path.suffix in PICKLES:
        return _read_pickle(path), None
    tensors, metadata = read_safetensors(path)
    return tensors, from_metadata(metadata, str(path))


def _read_pickle(path: Path) -> Mapping[str, Tensor]:
    require_file(path)
    try:
        with warnings.catch_warnings(action="ignore"):  # PyTorch's own advice is to read what could run code.
            loaded: Any = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # A damaged pickle fails in any way.
        raise ModelError(
            f"{path} is not a readable state dict: it is damaged, or holds more than tensors, which could run code and "
            "is not read. Export the weights to safetensors, and give that file."
        ) from error
    for key in ("state_dict", "model"):  # Checkpoints of training frameworks keep theirs among other things.
        if isinstance(loaded, Mapping) and isinstance(loaded.get(key), Mapping):
            loaded = loaded[key]
    if not isinstance(loaded, Mapping) or not all(isinstance(value, Tensor) for value in loaded.values()):
        raise ModelError(f"{path} holds no state dict: tensors by name. Export the weights to safetensors.")
    return loaded


def _own_names(model: nn.Module, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors under the names that the network itself would give them."""
    own = model.state_dict().keys()
    named = dict(tensors)
    while not own & named.keys():
        prefix = next((each for each in _WRAPPERS if named and all(name.startswith(each) for name in named)), None)
        if prefix is None:
            break
        named = {name.removeprefix(prefix): tensor for name, tensor in named.items()}
    extra = tuple(f"{name}." for name in AUXILIARY_HEADS if hasattr(model, name))
    # DenseNet's published files have names such as denselayer1.norm.1 from when modules could be called so.
    dotted = re.compile(r"(denselayer\d+\.(?:norm|relu|conv))\.([12]\.)")
    return {dotted.sub(r"\1\2", name): tensor for name, tensor in named.items() if not name.startswith(extra)}
