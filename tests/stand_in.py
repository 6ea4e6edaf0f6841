"""A device that stands for a GPU on a machine without one: what works on it would find its tensors in the right place.

PyTorch's own ``meta`` device has shapes without numbers. Here numbers lie behind it, on the CPU; but tensors of the two
do not mix, NumPy cannot read those of the device, and it lacks what CUDA lacks. What remains to be tested on a GPU is
its arithmetic.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

DEVICE = torch.device("meta")

_CROSSING = {"_to_copy", "to", "copy_"}  # the second where no gradients are kept
_INDEXED_BY = {"index", "index_put", "index_put_", "_index_put_impl_"}  # by tensors of the CPU as well
_LATER = {"_conj": torch.conj_physical, "_neg_view": torch.neg}  # marks on tensors, which would get lost here
_PRODUCTS = {"mm", "bmm", "addmm", "baddbmm", "mv", "dot", "addmv"}  # of integers, CUDA has none
# The CPU waits for these: it is told a number, or how many of them there are.
_ANSWERS = {"_local_scalar_dense", "equal", "nonzero", "masked_select", "_unique2", "bincount", "is_nonzero"}


class StandInTensor(torch.Tensor):
    """A tensor that says it lies on the device. Its numbers are those of a tensor on the CPU."""

    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, numbers: Tensor) -> "StandInTensor":
        layout = {"strides": numbers.stride(), "storage_offset": numbers.storage_offset()}
        return torch.Tensor._make_wrapper_subclass(cls, numbers.shape, **layout, dtype=numbers.dtype, device=DEVICE)

    def __init__(self, numbers: Tensor) -> None:
        self.numbers = numbers

    def __repr__(self) -> str:
        return f"StandInTensor({self.numbers})"

    @classmethod
    def __torch_dispatch__(cls, operation, types, args=(), kwargs=None) -> Any:
        return _Call(operation, args, kwargs or {}).run()


@dataclass(frozen=True)
class Record:
    """What a GPU would have been told to do.

    Attributes:
        launched: Operations on it, by name: those that compute, in the order they were called.
        waits: Those among all that the CPU waits for.
    """

    launched: list[str] = field(default_factory=list)
    waits: list[str] = field(default_factory=list)

    def clear(self) -> None:
        self.launched.clear()
        self.waits.clear()


class _Placing(TorchDispatchMode):
    """Sees every operation: what is made on the device, and what is done there."""

    def __init__(self, record: Record) -> None:
        super().__init__()
        self.record = record

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None) -> Any:
        call = _Call(operation, args, kwargs or {})
        if call.is_waited_for:
            self.record.waits.append(call.name)
        result = call.run()
        if not call.is_view and any(isinstance(leaf, StandInTensor) for leaf in tree_leaves(result)):
            self.record.launched.append(call.name)
        return result


class _Filling(TorchFunctionMode):
    """Sees to the functions that treat ``meta``, or tensors unlike PyTorch's own, before any operation is seen."""

    def __torch_function__(self, function, types, args=(), kwargs=None) -> Any:
        kwargs = kwargs or {}
        if function is torch.tensor and torch.device(kwargs.get("device") or "cpu") == DEVICE:
            return torch.tensor(*args, **{**kwargs, "device": "cpu"}).to(DEVICE)
        if function is Tensor.tolist:
            return args[0].cpu().tolist()
        return function(*args, **kwargs)


@contextmanager
def stand_in_device() -> Iterator[Record]:
    """Have numbers behind ``DEVICE``, and a record of what is done with them."""
    record = Record()
    with _Placing(record), _Filling():
        yield record


@dataclass(frozen=True)
class _Call:
    """An operation of PyTorch's with what it is given."""

    operation: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]

    @property
    def name(self) -> str:
        return self.operation.__name__.partition(".")[0]

    @property
    def is_view(self) -> bool:
        """Whether it only looks at a tensor in another way, and computes nothing."""
        returned = self.operation._schema.returns
        return any(value.alias_info is not None and not value.alias_info.is_write for value in returned)

    @cached_property
    def tensors(self) -> list[Tensor]:
        return _tensors((self.args, self.kwargs))

    @cached_property
    def there(self) -> list[StandInTensor]:
        """Those of the tensors that lie on the device."""
        return [tensor for tensor in self.tensors if isinstance(tensor, StandInTensor)]

    @property
    def made_there(self) -> bool:
        named = [leaf for leaf in tree_leaves((self.args, self.kwargs)) if isinstance(leaf, torch.device)]
        return named[0] == DEVICE if named else bool(self.there)

    @property
    def moves(self) -> bool:
        """Whether it copies a tensor to the other place."""
        return self.name in ("_to_copy", "to") and self.made_there != bool(self.there)

    @property
    def is_waited_for(self) -> bool:
        """Whether the CPU cannot go on before a GPU has done all that it was given before."""
        if self.name in _ANSWERS:
            return bool(self.there)
        if self.name in _INDEXED_BY:
            indices = _tensors(self.args[1])
            masks = any(index.dtype in (torch.bool, torch.uint8) for index in indices)
            return bool(self.there) and (masks or any(not isinstance(index, StandInTensor) for index in indices))
        if self.name == "copy_":
            return len(self.there) == 1 and self.args[2:] != (True,)
        return self.moves and not self.kwargs.get("non_blocking")

    def run(self) -> Any:
        """Do on the CPU what a GPU could do, and place what comes of it."""
        self._refuse_what_cuda_lacks()
        operation = _LATER.get(self.name, self.operation)
        result = operation(*tree_map(_on_the_cpu, self.args), **tree_map(_on_the_cpu, self.kwargs))
        given = {id(_on_the_cpu(tensor)): tensor for tensor in self.tensors}  # changed in place, or named by out=

        def place(leaf: Any) -> Any:
            if not isinstance(leaf, Tensor):
                return leaf
            if id(leaf) in given and not self.moves:
                return given[id(leaf)]
            return StandInTensor(leaf) if self.made_there else leaf

        return tree_map(place, result)

    def _refuse_what_cuda_lacks(self) -> None:
        if not self.there:
            return
        mixing = self.tensors
        if self.name in _INDEXED_BY:
            mixing = _tensors((self.args[0], self.args[2:]))
        elif self.name in _CROSSING:
            mixing = []
        if any(tensor.dim() and not isinstance(tensor, StandInTensor) for tensor in mixing):
            raise RuntimeError(f"{self.name}: all tensors must lie on the same device")
        if self.name in _PRODUCTS and not self.there[0].is_floating_point():
            raise NotImplementedError(f"{self.name}: CUDA has none for {self.there[0].dtype}")


def _tensors(tree: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]


def _on_the_cpu(leaf: Any) -> Any:
    if isinstance(leaf, StandInTensor):
        return leaf.numbers
    return torch.device("cpu") if isinstance(leaf, torch.device) else leaf
