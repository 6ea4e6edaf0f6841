"""What a Python callable is made of, as far as one can see: code, and the networks that it uses."""

import dis
import functools
import sys
import sysconfig
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from types import CodeType, FunctionType, MethodType
from typing import Any

import torch
from torch import Tensor, nn

from rugged.core.errors import ModelError

_LIBRARIES = tuple(
    f"{Path(folder).resolve()}/"
    for folder in (*map(sysconfig.get_path, ("stdlib", "purelib", "platlib")), str(Path(__file__).parents[1]))
)
# Of PyTorch's own, what computes otherwise while a network learns. A class of somebody else's may do so, too.
_CHANGES = (nn.modules.batchnorm._BatchNorm, nn.modules.dropout._DropoutNd, nn.RReLU)
_PLAIN = ("torch.", "torchvision.transforms.")


@dataclass
class Parts:
    """What was found.

    Attributes:
        code: Of each function that is not of a library, by the order in which they are used.
        networks: By the names under which they are used.
    """

    code: list[CodeType] = field(default_factory=list)
    networks: dict[str, nn.Module] = field(default_factory=dict)
    _seen: dict[int, object] = field(default_factory=dict, repr=False)  # Kept, so that no number is given twice.

    def add(self, name: str, thing: object) -> None:
        """Look into something that is used under a name."""
        if id(thing) in self._seen:
            return
        self._seen[id(thing)] = thing
        if isinstance(thing, nn.Module):
            self._add_network(name, thing)
        elif isinstance(thing, functools.partial):
            self._add_all(name, (thing.func, *thing.args, *thing.keywords.values()))
        elif isinstance(thing, MethodType):
            self.add(name, thing.__func__)
            self.add(name, thing.__self__)
        elif isinstance(thing, FunctionType):
            self._add_function(name, thing)
        elif isinstance(thing, dict):
            self._add_all(name, thing.values())
        elif isinstance(thing, list | tuple | set):
            self._add_all(name, thing)
        elif not isinstance(thing, type) and not _of_a_library(_file_of(type(thing))):
            for attribute, value in _attributes(thing):
                self.add(attribute, value)

    def _add_network(self, name: str, network: nn.Module) -> None:
        self.networks[f"{name} {len(self.networks) + 1}" if name in self.networks else name] = network
        for kind in dict.fromkeys(map(type, network.modules())):
            if not _of_a_library(_file_of(kind)):
                self.add("forward", getattr(kind, "forward", None))

    def _add_function(self, name: str, function: FunctionType) -> None:
        if wrapped := getattr(function, "__wrapped__", None):
            self.add(name, wrapped)
        if _of_a_library(function.__code__.co_filename):
            return
        self.code.append(function.__code__)
        for free, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            try:
                self.add(free, cell.cell_contents)
            except ValueError:  # Nothing is in it yet.
                continue
        self._add_all(name, (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()))
        for used in _globals_of(function.__code__):
            self.add(used, function.__globals__.get(used))

    def _add_all(self, name: str, things: Iterable[object]) -> None:
        for thing in things:
            self.add(name, thing)


def parts_of(callable_: Callable[..., Any]) -> Parts:
    """Find what a callable uses by a name: of its module, of a function around it, of its object, or by default."""
    parts = Parts()
    parts.add("network", callable_)
    if not isinstance(callable_, nn.Module | FunctionType | MethodType | functools.partial):
        parts.add("network", vars(type(callable_)).get("__call__"))
    return parts


def require_evaluating(model: str, networks: dict[str, nn.Module]) -> None:
    """Refuse networks, or parts of them, that compute as they do while they learn.

    Raises:
        ModelError: There is one.
    """
    for name, network in networks.items():
        learning = (part for part in network.modules() if part.training)
        if any(isinstance(part, _CHANGES) or not _is_plain(type(part)) for part in learning):
            raise ModelError(
                f"{model} is measured in training mode, where dropout draws and batch norm takes the batch's figures. "
                f"Call {name}.eval() first."
            )


def hash_of_code(code: Iterable[CodeType]) -> str:
    """SHA-256 over what functions do, whatever they and their files are called."""
    digest = sha256()
    for each in code:
        digest.update(each.co_code)
        digest.update(repr((each.co_names, each.co_varnames, each.co_freevars)).encode())
        for constant in each.co_consts:
            if isinstance(constant, CodeType):
                digest.update(hash_of_code([constant]).encode())
            else:  # Sets have another order in each process.
                fixed = sorted(map(repr, constant)) if isinstance(constant, frozenset) else constant
                digest.update(repr(fixed).encode())
    return digest.hexdigest()


def hash_of_network(network: nn.Module) -> str:
    """SHA-256 over a network's structure, as it describes itself, its weights and its other buffers."""
    digest = sha256(repr(network).encode())
    digest.update(hash_of_weights(network).encode())
    for name, value in sorted(network.named_buffers()):
        _feed(digest, name, value)
    return digest.hexdigest()


def hash_of_weights(network: nn.Module) -> str:
    """SHA-256 over the names, shapes and values of the weights, in the order of the names."""
    digest = sha256()
    for name, value in sorted(network.state_dict().items()):
        _feed(digest, name, value)
    return digest.hexdigest()


def _feed(digest: Any, name: str, value: object) -> None:
    if isinstance(value, list | tuple):
        for number, each in enumerate(value):
            _feed(digest, f"{name}.{number}", each)
    elif not isinstance(value, Tensor):
        digest.update(f"{name} {value!r}\n".encode())
    elif nn.parameter.is_lazy(value):
        raise ModelError(f"The weights {name} are not there yet. Give the network a picture first.")
    else:
        digest.update(f"{name} {tuple(value.shape)} {value.dtype}\n".encode())
        plain = value.detach().cpu()
        plain = plain.dequantize() if plain.is_quantized else plain
        plain = plain if plain.layout == torch.strided else plain.to_dense()
        plain = plain.resolve_conj().resolve_neg().contiguous().flatten()
        digest.update(plain.view(torch.uint8).numpy().tobytes())


def _is_plain(kind: type) -> bool:
    return f"{kind.__module__}.".startswith(_PLAIN)


def _file_of(kind: type) -> str:
    return getattr(sys.modules.get(kind.__module__), "__file__", None) or ("" if kind.__module__ == "__main__" else "/")


def _of_a_library(file: str) -> bool:
    """Whether a file is Python's, an installed package's or rugged's; ``/`` stands for what is built in."""
    return file == "/" or str(Path(file).resolve()).startswith(_LIBRARIES)


def _attributes(thing: object) -> Iterator[tuple[str, Any]]:
    yield from getattr(thing, "__dict__", {}).items()
    for kind in type(thing).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if hasattr(thing, name):
                yield name, getattr(thing, name)


def _globals_of(code: CodeType) -> Iterator[str]:
    """Names that code reads from its module, that of functions inside it too."""
    for instruction in dis.get_instructions(code):
        if instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            yield str(instruction.argval)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _globals_of(constant)
