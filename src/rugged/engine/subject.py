"""Any classifier that a command names, as something that answers pictures with logits."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from rugged.core.errors import ConfigError, ModelError
from rugged.core.files import sha256_file
from rugged.core.hints import did_you_mean, nearest
from rugged.data import ClassInfo, Dataset
from rugged.engine.answers import only_some, read_answers
from rugged.engine.callables import load_callable, open_callable
from rugged.engine.devices import Fabric
from rugged.engine.foreign import USUAL_SIDE, Foreign, load_onnx
from rugged.engine.inference import infer
from rugged.engine.networks import Network, class_infos, own_network, published_network, require_classes
from rugged.engine.python_parts import hash_of_weights
from rugged.models import ModelSpec, count_parameters, located, published_classes, resolve
from rugged.results import ModelFacts, RunFolder

_CALLABLE = re.compile(r"(?!.*\.py:)[A-Za-z_][\w.]*:[A-Za-z_]\w*")
_CHECKPOINTS = (".pt", ".pth", ".ckpt", ".bin", ".tar")


@dataclass(frozen=True)
class Subject:
    """A classifier that answers.

    Attributes:
        facts: What results say of it.
        answer: Takes ``(N, 3, H, W)`` uint8 pictures on any device, and gives ``(N, classes)`` float32 logits on the
            CPU.
        classes: What they are for.
        home: The run folder that it was trained in, where rugged did that.
        note: What a reader must know of it; empty for nothing.
        network: What is inside; None where nobody can tell.
        spec: What the model says of itself; None where it says nothing.
    """

    facts: ModelFacts
    answer: Callable[[Tensor], Tensor]
    classes: tuple[ClassInfo, ...]
    home: RunFolder | None = None
    note: str = ""
    network: Network | None = None
    spec: ModelSpec | None = None


def open_subject(
    model: str | Path | Callable[..., Any],
    name: str,
    dataset: Dataset | None,
    fabric: Fabric,
    weights: str | Path | None = None,
) -> Subject:
    """Make a classifier ready to answer.

    Args:
        model: A run folder; a model file of rugged's (``.safetensors``), by the name of one that comes with rugged, or
            one on the Hugging Face hub (``hf://user/name``); an ``.onnx`` file; ``module:function``, a Python callable;
            an architecture of torchvision's or timm's, with its published ImageNet-1k weights; or a callable itself,
            from uint8 pictures to logits: a network or a function.
        name: What the results call it.
        dataset: Whose classes it is to tell apart; None takes the model's own.
        fabric: Device and precision.
        weights: For an architecture, a local file instead of the published weights.

    Raises:
        ConfigError: Weights for something that has its own.
        ModelError: There is no such model, it cannot be loaded, or it answers for other classes.
    """
    if not isinstance(model, (str, Path)):
        _require_no_weights(name, weights)
        return _foreign(open_callable(model, name), name, name, dataset)
    model = located(model)
    path = Path(model)
    ours = RunFolder(path).model if path.is_dir() else path
    if weights is None and ours.suffix == ".safetensors":
        return _ours(ours, name, dataset, fabric)
    if path.suffix == ".onnx" or _CALLABLE.fullmatch(str(model)) or ours.suffix == ".safetensors":
        _require_no_weights(str(model), weights)
        onnx = path.suffix == ".onnx"
        loaded = load_onnx(path, _side(dataset), fabric.device) if onnx else load_callable(str(model))
        return _foreign(loaded, str(model), name, dataset)
    try:
        architecture = resolve(str(model))
    except ModelError as error:
        advice = _why_no_model(path) or did_you_mean(nearest(path, _beside(path)), str(error))
        raise ModelError(f"There is no run folder, model file or callable {model}. {advice}") from error
    return _published(architecture, name, dataset, fabric, weights)


def _why_no_model(path: Path) -> str:
    """What to do with files that hold a model in a way that rugged does not read; nothing for what is none."""
    file, _, function = path.name.partition(":")
    if file.endswith(".py"):
        name = f"{file.removesuffix('.py')}:{function or 'function'}"
        return f"For what is in a Python file, go to its folder, and name it {name}."
    if not path.is_file():
        return ""
    if path.suffix in _CHECKPOINTS:
        return (
            "A PyTorch checkpoint does not say what network it is of: write a function that loads it into a module, "
            "and name it module:function."
        )
    return "This file is none that can be opened: expected .safetensors, as rugged writes it, or .onnx."


def _beside(path: Path) -> list[str]:
    """What lies where a path leads that leads nowhere; nothing for a mere name."""
    try:
        return [] if path.parent == Path() else [str(each) for each in path.parent.iterdir()]
    except OSError:  # There is none, or nobody may look.
        return []


def _ours(path: Path, name: str, dataset: Dataset | None, fabric: Fabric) -> Subject:
    network = own_network(path, dataset, fabric)
    spec = network.spec
    facts = ModelFacts(
        name=name,
        architecture=spec.architecture,
        parameters=count_parameters(network.module),
        sha256=sha256_file(path),
        input_size=spec.input_size,
        training_operations=spec.training_operations,
    )
    home = RunFolder(path.parent)
    answer = partial(infer, fabric, network.module, spec)
    return Subject(facts, answer, class_infos(spec), home if path == home.model else None, network=network, spec=spec)


def _published(
    architecture: str, name: str, dataset: Dataset | None, fabric: Fabric, weights: str | Path | None
) -> Subject:
    network = published_network(architecture, dataset, fabric, weights)
    module, spec, picked = network.module, network.spec, network.columns
    parameters = count_parameters(module)
    sha256 = hash_of_weights(module)
    facts = ModelFacts(name, architecture, parameters, sha256, spec.input_size, spec.training_operations)
    if dataset is None:
        return Subject(facts, partial(infer, fabric, module, spec), class_infos(spec), network=network, spec=spec)
    note = only_some(architecture, published_classes(architecture), len(dataset.classes))

    def answer(images: Tensor) -> Tensor:
        return infer(fabric, module, spec, images)[:, picked]

    return Subject(facts, answer, dataset.classes, note=note, network=network, spec=spec)


def _foreign(loaded: Foreign, model: str, name: str, dataset: Dataset | None) -> Subject:
    if dataset is not None and loaded.spec is not None:
        require_classes(loaded.spec, dataset)
    input_size = loaded.input_size or _side(dataset) or USUAL_SIDE
    known = None if loaded.spec is None else class_infos(loaded.spec)
    read = read_answers(
        model,
        loaded.answer,
        known if dataset is None else dataset.classes,
        (input_size, input_size) if dataset is None else dataset.size,
    )
    facts = ModelFacts(
        name=name,
        architecture=loaded.kind,
        parameters=loaded.parameters,
        sha256=loaded.sha256,
        input_size=input_size,
        training_operations=("unknown",) if loaded.spec is None else loaded.spec.training_operations,
    )
    note = " ".join(filter(None, (loaded.note, *read.notes)))
    return Subject(facts, read.answer, read.classes, note=note, spec=loaded.spec)


def _side(dataset: Dataset | None) -> int | None:
    return None if dataset is None else min(dataset.size)


def _require_no_weights(model: str, weights: str | Path | None) -> None:
    if weights is not None:
        raise ConfigError(f"{model} brings its own weights; --weights is for architectures by name.")
