"""Classifiers in Python: functions and networks, named or at hand.

What is measured must be told apart from what is measured next time. So a function is known by its source and by the
weights of the networks that it uses, where these can be seen.
"""

import importlib
import inspect
import os
import sys
import sysconfig
import traceback
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from types import FunctionType, MethodType, ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from rugged.core.errors import ModelError
from rugged.core.files import sha256_file
from rugged.engine.foreign import Foreign
from rugged.models.loading import brief

_MET: dict[str, tuple[ModuleType, str]] = {}
"""By their files: modules as they were when first met, and the hashes of the files then."""


def load_callable(model: str) -> Foreign:
    """Import ``module:function``, from the current folder too.

    It takes ``(N, 3, H, W)`` uint8 pictures, a torch tensor on the CPU, and returns ``(N, classes)`` logits or
    probabilities, a tensor or an array. It may be a network that does.

    Raises:
        ModelError: There is no such module or function, it cannot be imported, or Python has imported something else
            of its name before: an earlier state of the file, or a file in another folder; or a network is in training
            mode.
    """
    module_name, _, name = model.partition(":")
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # Somebody's code may fail in any way.
        raise ModelError(
            f"{module_name} cannot be imported ({brief(error)}{_line_of(error)}). Expected module:function."
        ) from error
    finally:
        sys.path.remove(here)
    function = getattr(module, name, None)
    if not callable(function):
        raise ModelError(f"The module {module_name} has no function {name}. Expected module:function.")
    source = inspect.getsourcefile(module) if getattr(module, "__file__", None) else None  # Python's own have none.
    if source is None:
        raise ModelError(f"{module_name} has no source file that could be hashed. Expected a module in Python.")
    return _foreign(model, function, _hash_of_what_runs(module, source), Path(source).name)


def open_callable(model: Callable[..., Any], name: str) -> Foreign:
    """Take a network or a function as it is, which answers as those of ``load_callable`` do.

    Args:
        model: The network, a function, or a method of an object.
        name: What the results call it.

    Raises:
        ModelError: It is something else, its source cannot be read, or a network is in training mode.
    """
    if isinstance(model, type) or not isinstance(model, (nn.Module, FunctionType, MethodType)):
        found = f"the class {model.__name__}" if isinstance(model, type) else f"a {type(model).__name__}"
        raise ModelError(f"Found {found}; expected the name of a model, a torch.nn.Module or a function.")
    code = type(model) if isinstance(model, nn.Module) else model
    try:
        text = inspect.getsource(code)
    except (OSError, TypeError) as error:
        raise ModelError(
            f"The source of {name} cannot be read, so it could not be told from another. Write it into a file, and "
            "name it module:function."
        ) from error
    return _foreign(name, model, sha256(text.encode()).hexdigest(), "its source")


def hash_of_weights(network: nn.Module) -> str:
    """SHA-256 over the names, shapes and values of the weights, in the order of the names."""
    digest = sha256()
    for name, value in sorted(network.state_dict().items()):
        digest.update(f"{name} {tuple(value.shape)} {value.dtype}\n".encode())
        digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _foreign(model: str, function: Callable[..., Any], digest: str, where: str) -> Foreign:
    networks, place = dict(_networks_of(function)), torch.device("cpu")
    if isinstance(function, nn.Module):
        _require_evaluating(model, networks)  # Before it is asked: in training mode that would change its statistics.
        place = next((value.device for value in function.state_dict().values()), place)

    def answer(images: Tensor) -> Tensor:
        try:
            with torch.inference_mode():
                answers = torch.as_tensor(function(images.to(place))).cpu()
        except Exception as error:
            raise ModelError(
                f"{model} failed on {tuple(images.shape)} pictures: {brief(error)}{_line_of(error)}. It is given "
                "torch.uint8 from 0 to 255, and returns a tensor or an array, a value for each class."
            ) from error
        _require_evaluating(model, networks)
        return answers

    weights = [f"{name} {hash_of_weights(network)}" for name, network in sorted(networks.items())]
    # A file may have several functions, each of them a model.
    identity = sha256(" ".join([model, digest, *weights]).encode()).hexdigest()
    kind = "network" if isinstance(function, nn.Module) else "function"
    known = f"{where} and of the weights of {', '.join(sorted(networks))}" if networks else f"{where} alone"
    note = (
        f"{model} is a Python {kind}. Its hash is that of its name, of {known}: after a change of anything else"
        f"{'' if networks else ', such as the weights it loads'}, measure into another folder."
    )
    parameters = sum(each.numel() for network in networks.values() for each in network.parameters())
    return Foreign("callable", answer, identity, parameters, None, note)


def _require_evaluating(model: str, networks: dict[str, nn.Module]) -> None:
    for name, network in networks.items():
        if network.training:
            raise ModelError(
                f"{model} is measured in training mode, where dropout draws and batch norm takes the batch's figures. "
                f"Call {name}.eval() first."
            )


def _networks_of(function: Callable[..., Any]) -> Iterator[tuple[str, nn.Module]]:
    """The networks that a callable is or uses, by the names it has for them, as far as one can see."""
    if isinstance(function, nn.Module):
        yield "network", function
        return
    if isinstance(function, MethodType):
        owner = function.__self__
        held = {"self": owner} if isinstance(owner, nn.Module) else getattr(owner, "__dict__", {})
        function = function.__func__
    else:
        held = {} if isinstance(function, FunctionType) else getattr(function, "__dict__", {})
    seen = dict(held)
    if isinstance(function, FunctionType):
        used = inspect.getclosurevars(function)
        seen |= {**used.globals, **used.nonlocals}
    yield from ((name, each) for name, each in seen.items() if isinstance(each, nn.Module))


def _hash_of_what_runs(module: ModuleType, source: str) -> str:
    """The hash of a module's file, which must be what Python runs: it imports a module once, whatever comes after."""
    local = Path(*module.__name__.split(".")).with_suffix(".py")
    if local.is_file() and local.resolve() != Path(source).resolve():
        raise ModelError(
            f"This Python has imported {module.__name__} from {source} before, and so does not run {local.resolve()}. "
            "Start another, or rename one of the two."
        )
    digest = sha256_file(Path(source))
    met, before = _MET.setdefault(source, (module, digest))
    if met is not module:
        _MET[source] = module, digest
    elif before != digest:
        raise ModelError(
            f"{source} has changed since this Python imported it, and what runs is what it was. Start another (restart "
            "the notebook's kernel), and measure into another folder."
        )
    return digest


def _line_of(error: Exception) -> str:
    """Where somebody's own code failed, as `` (model.py, line 12)``: in its innermost frame that is of no library."""
    libraries = [sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")]
    others = tuple(f"{folder}{os.sep}" for folder in (*libraries, Path(__file__).parents[1]))
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not frame.filename.startswith(others)]
    own = [frame for frame in frames if Path(frame.filename).is_file()]  # Python's own importer is in no file.
    return f" ({Path(own[-1].filename).name}, line {own[-1].lineno})" if own else ""
