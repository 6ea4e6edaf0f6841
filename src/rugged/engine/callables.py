"""Classifiers in Python: functions and networks, named or at hand.

What is measured must be told apart from what is measured next time. So a function is known by its file or its code,
and by the networks that it uses, where these can be seen.
"""

import importlib
import inspect
import os
import sys
import sysconfig
import traceback
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from rugged.core.errors import ModelError
from rugged.core.files import sha256_file
from rugged.engine.foreign import Foreign
from rugged.engine.python_parts import hash_of_code, hash_of_network, parts_of, require_evaluating
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
    # A file may have several functions, each of them a model.
    digests = [model, _hash_of_what_runs(module, source)]
    return _foreign(model, function, digests, f"its name, of {Path(source).name}", parts_of(function).networks)


def open_callable(model: Any, name: str) -> Foreign:
    """Take a network or a function as it is, which answers as those of ``load_callable`` do.

    Args:
        model: The network, a function, or a method of an object.
        name: What the results call it.

    Raises:
        ModelError: It is something else, or a network is in training mode.
    """
    if isinstance(model, type) or not callable(model):
        found = f"the class {model.__name__}" if isinstance(model, type) else f"a {type(model).__name__}"
        raise ModelError(f"Found {found}; expected the name of a model, a torch.nn.Module or a function.")
    parts = parts_of(model)
    if not parts.code and not parts.networks:
        raise ModelError(
            f"Of {name} neither code nor weights can be seen, so it could not be told from another. Write a function "
            "around it."
        )
    return _foreign(name, model, [hash_of_code(parts.code)], "its code", parts.networks)


def _foreign(
    model: str, function: Callable[..., Any], digests: list[str], where: str, networks: dict[str, nn.Module]
) -> Foreign:
    place = torch.device("cpu")
    if isinstance(function, nn.Module):
        require_evaluating(model, networks)  # Before it is asked: in training mode that would change its statistics.
        tensors = (value for value in function.state_dict().values() if isinstance(value, Tensor))
        place = next((value.device for value in tensors), place)

    def answer(images: Tensor) -> Tensor:
        try:
            with torch.inference_mode():
                answers = torch.as_tensor(function(images.to(place))).cpu()
        except Exception as error:
            raise ModelError(
                f"{model} failed on {tuple(images.shape)} pictures: {brief(error)}{_line_of(error)}. It is given "
                "torch.uint8 from 0 to 255, and returns a tensor or an array, a value for each class."
            ) from error
        require_evaluating(model, networks)
        return answers

    hashes = [f"{name} {hash_of_network(network)}" for name, network in sorted(networks.items())]
    kind = "network" if isinstance(function, nn.Module) else "function"
    known = f"{where} and of the weights of {', '.join(sorted(networks))}" if networks else f"{where} alone"
    note = (
        f"{model} is a Python {kind}. Its hash is that of {known}: after a change of anything else"
        f"{'' if networks else ', such as the weights it loads'}, measure into another folder."
    )
    parameters = sum(each.numel() for network in networks.values() for each in network.parameters())
    identity = sha256(" ".join([*digests, *hashes]).encode()).hexdigest()
    return Foreign("callable", answer, identity, parameters, None, note)


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
