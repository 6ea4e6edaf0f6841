"""Classifiers that others run: ONNX files, and Python callables."""

import importlib
import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rugged.core.errors import ConfigError, ModelError
from rugged.core.files import sha256_file
from rugged.models import ModelSpec, preprocess
from rugged.models.loading import brief
from rugged.models.spec import from_metadata

_USUAL_SIDE = 224


@dataclass(frozen=True)
class Foreign:
    """A classifier that rugged did not make.

    Attributes:
        kind: What stands where others have an architecture.
        answer: Pictures to logits; its shape is not yet checked.
        sha256: Of its file.
        parameters: Of its weights; 0 where nobody can tell.
        input_size: Side of what it takes; None for any.
        note: What a reader must know.
        spec: What it says of itself; None where it says nothing.
        outputs: How many classes it answers for; None where nobody can tell before it does.
    """

    kind: str
    answer: Callable[[Tensor], Tensor]
    sha256: str
    parameters: int
    input_size: int | None
    note: str
    spec: ModelSpec | None = None
    outputs: int | None = None


def load_callable(model: str) -> Foreign:
    """Import ``module:function``, from the current folder too.

    The function takes ``(N, 3, H, W)`` uint8 pictures, a torch tensor on the CPU, and returns ``(N, classes)`` logits,
    a tensor or an array.

    Raises:
        ModelError: There is no such module or function, or it cannot be imported.
    """
    module_name, _, name = model.partition(":")
    here = str(Path.cwd())
    sys.path.insert(0, here)
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # Somebody's code may fail in any way.
        raise ModelError(f"{module_name} cannot be imported ({brief(error)}). Expected module:function.") from error
    finally:
        sys.path.remove(here)
    function = getattr(module, name, None)
    if not callable(function):
        raise ModelError(f"The module {module_name} has no function {name}. Expected module:function.")
    source = inspect.getsourcefile(module)
    if source is None:
        raise ModelError(f"{module_name} has no source file that could be hashed. Expected a module in Python.")

    def answer(images: Tensor) -> Tensor:
        try:
            with torch.inference_mode():
                return torch.as_tensor(function(images.cpu()))
        except Exception as error:
            raise ModelError(f"{model} failed on {tuple(images.shape)} pictures: {brief(error)}") from error

    note = (
        f"{model} is a Python function. Its hash is that of {Path(source).name} alone: after a change of anything "
        "else, such as the weights it loads, measure into another folder."
    )
    return Foreign("callable", answer, sha256_file(Path(source)), 0, None, note)


def load_onnx(path: Path, side: int | None, device: torch.device) -> Foreign:
    """Open an ONNX classifier.

    It has one input: ``(N, H, W, 3)`` uint8, as ``rugged export`` writes, with an output called ``logits``; or
    ``(N, 3, S, S)`` float32, whose first output is then ``(N, classes)`` logits.

    Args:
        path: The file. Where its metadata carries a rugged model's specification, that one counts; else mean and std
            are ImageNet's.
        side: For S where the file leaves it open and says nothing of it. None takes 224.
        device: Where to run it.

    Raises:
        ConfigError: onnxruntime is not installed.
        ModelError: Missing, damaged, or with another kind of input.
    """
    session = open_session(path, device)
    (entry, *others), results = session.get_inputs(), session.get_outputs()
    kind = (entry.type, *entry.shape[3:]) if len(entry.shape) == 4 and not others else ()
    told = from_metadata(session.get_modelmeta().custom_metadata_map, str(path))
    own = kind == ("tensor(uint8)", 3) and told is not None and "logits" in [result.name for result in results]
    if not own and kind[:1] != ("tensor(float)",):
        raise ModelError(
            f"{path} takes {[(one.name, one.type, one.shape) for one in session.get_inputs()]}; expected one float32 "
            "input (N, 3, S, S), or the uint8 input (N, H, W, 3) of a file that `rugged export` wrote."
        )
    count, fixed = entry.shape[0], entry.shape[2]
    known = told or ModelSpec("onnx", (), (), fixed if isinstance(fixed, int) else side or _USUAL_SIDE)
    result = "logits" if own else results[0].name

    def answer(images: Tensor) -> Tensor:
        inputs = images.permute(0, 2, 3, 1) if own else preprocess(images, known)
        pixels = inputs.contiguous().cpu().numpy()
        at_once = count if isinstance(count, int) else len(pixels)
        starts = range(0, len(pixels), at_once)
        parts = [_run(session, entry.name, result, pixels[start : start + at_once], at_once) for start in starts]
        return torch.from_numpy(np.concatenate(parts))

    outputs = results[0].shape[-1] if results[0].shape else None
    return Foreign(
        kind="onnx" if told is None else f"onnx of {told.architecture}",
        answer=answer,
        sha256=sha256_file(path),
        parameters=0,
        input_size=known.input_size,
        note="" if told else "The ONNX file says nothing of its input: ImageNet's mean and std were taken.",
        spec=told,
        outputs=outputs if isinstance(outputs, int) else None,
    )


def open_session(path: Path, device: torch.device) -> Any:
    """Open an ONNX file with ONNX Runtime: an ``InferenceSession``.

    Raises:
        ConfigError: onnxruntime is not installed.
        ModelError: Missing or damaged.
    """
    if not path.is_file():
        raise ModelError(f"There is no ONNX file {path}.")
    try:
        runtime = importlib.import_module("onnxruntime")
    except ImportError as error:
        raise ConfigError("onnxruntime is not installed. Install it with `pip install 'rugged[onnx]'`.") from error
    wanted = ["CUDAExecutionProvider"] if device.type == "cuda" else []
    providers = [one for one in (*wanted, "CPUExecutionProvider") if one in runtime.get_available_providers()]
    try:
        return runtime.InferenceSession(str(path), providers=providers)
    except Exception as error:  # Its exceptions are made in C++, one class for each cause.
        raise ModelError(f"{path} cannot be opened as ONNX ({brief(error)}).") from error


def _run(session: Any, name: str, result: str, pixels: Any, at_once: int) -> Any:
    """One pass, filled up where the file takes a fixed number of pictures."""
    missing = at_once - len(pixels)
    filled = np.concatenate([pixels, np.zeros((missing, *pixels.shape[1:]), pixels.dtype)]) if missing else pixels
    return session.run([result], {name: filled})[0][: len(pixels)]
