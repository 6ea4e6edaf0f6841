"""Classifiers that rugged did not make, and those of them that are ONNX files."""

import importlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rugged.core.errors import ConfigError, ModelError
from rugged.core.files import sha256_file
from rugged.core.hints import how_to_install
from rugged.core.progress import say
from rugged.models import ModelSpec, preprocess
from rugged.models.loading import brief
from rugged.models.spec import LARGEST_INPUT, from_metadata

USUAL_SIDE = 224
"""Of pictures for a model that does not say: ImageNet's."""

_CUDA = "CUDAExecutionProvider"


@dataclass(frozen=True)
class Foreign:
    """A classifier that rugged did not make.

    Attributes:
        kind: What stands where others have an architecture.
        answer: Pictures to logits; its shape is not yet checked.
        sha256: Of its file; of an ONNX file whose weights lie in files beside it, of the hashes of all; of what Python
            runs, as ``rugged.engine.callables`` says.
        parameters: Of its weights; 0 where nobody can tell.
        input_size: Side of what it takes; None for any.
        note: What a reader must know.
        spec: What the file itself says of the model, where rugged has written that into it.
    """

    kind: str
    answer: Callable[[Tensor], Tensor]
    sha256: str
    parameters: int
    input_size: int | None
    note: str
    spec: ModelSpec | None = None


def load_onnx(path: Path, side: int | None, device: torch.device) -> Foreign:
    """Open an ONNX classifier.

    It has one input: ``(N, H, W, 3)`` uint8, as ``rugged export`` writes, with an output called ``logits``; or
    ``(N, 3, S, S)`` float32, and its first output is then ``(N, classes)``.

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
    if not session.get_inputs():
        raise ModelError(f"{path} takes no input; expected pictures.")
    (entry, *others), results = session.get_inputs(), session.get_outputs()
    told = from_metadata(session.get_modelmeta().custom_metadata_map, str(path))
    own = told is not None and entry.type == "tensor(uint8)" and "logits" in [result.name for result in results]
    if others or (not own and not (entry.type == "tensor(float)" and _are_pictures(entry.shape))):
        raise ModelError(
            f"{path} takes {[(one.name, one.type, one.shape) for one in session.get_inputs()]}; expected one float32 "
            "input (N, 3, S, S), or the uint8 input (N, H, W, 3) of a file that `rugged export` wrote."
        )
    count = entry.shape[0]
    fixed = next((each for each in entry.shape[2:] if isinstance(each, int)), None)
    known = told or ModelSpec("onnx", (), (), fixed or side or USUAL_SIDE)
    result = "logits" if own else results[0].name

    def answer(images: Tensor) -> Tensor:
        inputs = images.permute(0, 2, 3, 1) if own else preprocess(images, known)
        pixels = inputs.contiguous().cpu().numpy()
        at_once = count if isinstance(count, int) else len(pixels)
        starts = range(0, len(pixels), at_once)
        try:
            parts = [_run(session, entry.name, result, pixels[start : start + at_once], at_once) for start in starts]
        except Exception as error:  # As in `open_session`.
            raise ModelError(f"{path} failed on {tuple(images.shape)} pictures: {brief(error)}") from error
        return torch.from_numpy(np.concatenate(parts))

    kind = "onnx" if told is None else f"onnx of {told.architecture}"
    note = "" if told else "The ONNX file says nothing of its input: ImageNet's mean and std were taken."
    return Foreign(kind, answer, _hash_with_weights(path), 0, known.input_size, note, told)


def _hash_with_weights(path: Path) -> str:
    """The SHA-256 of an ONNX file and of what its tensors lie in outside it: as PyTorch's exporter writes weights."""
    try:
        onnx = importlib.import_module("onnx")
    except ImportError as error:
        raise ConfigError(f"onnx is not installed. {how_to_install('onnx')}.") from error
    graph = onnx.load(str(path), load_external_data=False)
    places = sorted(set(_external_places(graph)))
    if not places:
        return sha256_file(path)
    try:
        lines = [sha256_file(path), *(f"{place} {sha256_file(path.parent / place)}" for place in places)]
    except OSError as error:
        raise ModelError(f"{path} keeps weights in a file that cannot be read ({error}). Put it beside it.") from error
    return sha256("\n".join(lines).encode()).hexdigest()


def _external_places(message: Any) -> Iterator[str]:
    """The names of the files that a graph's tensors lie in, wherever in it these stand."""
    for field, value in message.ListFields():
        if field.name == "external_data":
            yield from (entry.value for entry in value if entry.key == "location")
        elif field.message_type is not None:
            for each in [value] if hasattr(value, "ListFields") else value:
                yield from _external_places(each)


def read_onnx_spec(path: Path) -> ModelSpec | None:
    """What an ONNX file says of its model, where rugged has written that into it.

    Raises:
        ConfigError: onnxruntime is not installed.
        ModelError: Missing or damaged.
    """
    meta = open_session(path, torch.device("cpu")).get_modelmeta()
    return from_metadata(meta.custom_metadata_map, str(path))


def _are_pictures(shape: Sequence[object]) -> bool:
    """Whether an input may be ``(N, 3, S, S)``, S one that a model can have; what is open is a name, or nothing."""
    if len(shape) != 4:
        return False
    channels, *sides = (each if isinstance(each, int) else None for each in shape[1:])
    fit = all(each is None or 1 <= each <= LARGEST_INPUT for each in sides)
    return channels in (3, None) and fit and (sides[0] == sides[1] or None in sides)


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
        raise ConfigError(f"onnxruntime is not installed. {how_to_install('onnx')}.") from error
    providers: list[Any] = ["CPUExecutionProvider"]
    if device.type == "cuda" and _CUDA in runtime.get_available_providers():
        providers.insert(0, (_CUDA, {"device_id": device.index or 0}))
    try:
        session = runtime.InferenceSession(str(path), providers=providers)
    except Exception as error:  # Its exceptions are made in C++, one class for each cause.
        raise ModelError(f"{path} cannot be opened as ONNX ({brief(error)}).") from error
    if device.type == "cuda" and _CUDA not in session.get_providers():
        say(f"{path} runs on the CPU: onnxruntime has no CUDA here. It comes with `pip install onnxruntime-gpu`.")
    return session


def _run(session: Any, name: str, result: str, pixels: Any, at_once: int) -> Any:
    """One pass, filled up where the file takes a fixed number of pictures."""
    missing = at_once - len(pixels)
    filled = np.concatenate([pixels, np.zeros((missing, *pixels.shape[1:]), pixels.dtype)]) if missing else pixels
    return session.run([result], {name: filled})[0][: len(pixels)]
