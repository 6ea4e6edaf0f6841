"""What is measured: any classifier, as something that answers pictures with logits."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path

import torch
from torch import Tensor, nn

from rugged.benchmark.foreign import load_callable, load_onnx
from rugged.core.errors import ConfigError, ModelError
from rugged.core.files import sha256_file
from rugged.data import Dataset
from rugged.engine import (
    IMAGENET_CLASSES,
    Fabric,
    Network,
    infer,
    own_network,
    published_network,
    require_classes,
)
from rugged.models import ModelSpec, imagenet_indices, published_classes, resolve
from rugged.models.spec import IMAGENET_MEAN, IMAGENET_STD
from rugged.results import ModelFacts, RunFolder

_CALLABLE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")
_TRIED = 2


@dataclass(frozen=True)
class Subject:
    """A classifier to be measured.

    Attributes:
        facts: What the results say of it.
        answer: Takes ``(N, 3, H, W)`` uint8 pictures on any device, and gives ``(N, classes)`` float32 logits for the
            data set's classes on the CPU.
        home: The run folder that it was trained in, where rugged did that.
        note: What a reader must know of it; empty for nothing.
        network: What is inside; None where nobody can tell.
    """

    facts: ModelFacts
    answer: Callable[[Tensor], Tensor]
    home: RunFolder | None = None
    note: str = ""
    network: Network | None = None


def open_subject(
    model: str | Path, name: str, dataset: Dataset, fabric: Fabric, weights: Path | None = None
) -> Subject:
    """Make a classifier ready to answer.

    Args:
        model: A run folder; a model file of rugged's (``.safetensors``); an ``.onnx`` file; ``module:function``, a
            Python callable; or an architecture of torchvision's or timm's, with its published ImageNet-1k weights.
        name: What the results call it.
        dataset: Whose classes it is to tell apart.
        fabric: Device and precision.
        weights: For an architecture, a local file instead of the published weights.

    Raises:
        ConfigError: Weights for something that has its own.
        ModelError: There is no such model, it cannot be loaded, or it answers for other classes.
    """
    path = Path(model)
    ours = RunFolder(path).model if path.is_dir() else path
    if weights is None and ours.suffix == ".safetensors":
        return _ours(ours, name, dataset, fabric)
    if path.suffix == ".onnx" or _CALLABLE.fullmatch(str(model)) or ours.suffix == ".safetensors":
        if weights is not None:
            raise ConfigError(f"{model} brings its own weights; --weights is for architectures by name.")
        return _foreign(model, name, dataset, fabric)
    try:
        architecture = resolve(str(model))
    except ModelError as error:
        raise ModelError(f"There is no run folder, model file or callable {model}. {error}") from error
    return _published(architecture, name, dataset, fabric, weights)


def _ours(path: Path, name: str, dataset: Dataset, fabric: Fabric) -> Subject:
    network = own_network(path, dataset, fabric)
    spec = network.spec
    facts = ModelFacts(
        name=name,
        architecture=spec.architecture,
        parameters=_count(network.module),
        sha256=sha256_file(path),
        input_size=spec.input_size,
        training_operations=spec.training_operations,
    )
    home = RunFolder(path.parent)
    answer = partial(infer, fabric, network.module, spec)
    return Subject(facts, answer, home if path == home.model else None, network=network)


def _published(architecture: str, name: str, dataset: Dataset, fabric: Fabric, weights: Path | None) -> Subject:
    network = published_network(architecture, dataset, fabric, weights)
    module, spec, picked = network.module, network.spec, network.columns
    facts = ModelFacts(name, architecture, _count(module), _hash(module), spec.input_size, spec.training_operations)
    note = _only_some(architecture, published_classes(architecture), len(dataset.classes))
    return Subject(facts, lambda images: infer(fabric, module, spec, images)[:, picked], note=note, network=network)


def _foreign(model: str | Path, name: str, dataset: Dataset, fabric: Fabric) -> Subject:
    side = min(dataset.size)
    if Path(model).suffix == ".onnx":
        spec = ModelSpec("onnx", (), (), side, IMAGENET_MEAN, IMAGENET_STD)
        loaded = load_onnx(Path(model), spec, fabric.device)
    else:
        loaded = load_callable(str(model))

    if loaded.spec is not None:
        require_classes(loaded.spec, dataset)
    read, notes = _reader(str(model), loaded.answer, dataset)
    facts = ModelFacts(
        name=name,
        architecture=loaded.kind,
        parameters=loaded.parameters,
        sha256=loaded.sha256,
        input_size=loaded.input_size or side,
        training_operations=("unknown",) if loaded.spec is None else loaded.spec.training_operations,
    )
    return Subject(facts, read, note=" ".join([loaded.note, *notes]).strip())


def _reader(
    model: str, answer: Callable[[Tensor], Tensor], dataset: Dataset
) -> tuple[Callable[[Tensor], Tensor], list[str]]:
    """How a stranger's answers become logits for a data set's classes, and what a reader must know of that.

    Two black pictures are tried: before anything is measured, they show for how many classes it answers, and whether
    with logits or with probabilities.

    Raises:
        ModelError: It answers for another number of classes.
    """
    classes = len(dataset.classes)
    tried = answer(torch.zeros(_TRIED, 3, *dataset.size, dtype=torch.uint8)).float()
    of_imagenet = tried.shape == (_TRIED, IMAGENET_CLASSES) and classes != IMAGENET_CLASSES
    picked = _among_imagenets(dataset) if of_imagenet else None
    outputs = classes if picked is None else IMAGENET_CLASSES

    def require_shape(answers: Tensor, pictures: int) -> None:
        if answers.shape != (pictures, outputs):
            raise ModelError(
                f"{model} answers {pictures} pictures with the shape {tuple(answers.shape)}; expected ({pictures}, "
                f"{outputs}), logits for the {classes} classes of {dataset.name}."
            )

    require_shape(tried, _TRIED)
    likely = bool((tried >= 0).all()) and torch.allclose(tried.sum(1), torch.ones(()), atol=1e-3)

    def read(images: Tensor) -> Tensor:
        answers = answer(images)
        require_shape(answers, len(images))
        values = answers.float().cpu()
        # Softmax makes the same probabilities of them again. Zeros stand for what was too small for float32.
        logits = values.clamp_min(torch.finfo(torch.float32).tiny).log() if likely else values
        return logits if picked is None else logits[:, picked]

    notes = [f"{model} answers with probabilities; their logarithms were taken for logits."] if likely else []
    if picked is not None:
        notes.append(_only_some(model, IMAGENET_CLASSES, classes))
    return read, notes


def _among_imagenets(dataset: Dataset) -> list[int] | None:
    """The places of a data set's classes among ImageNet-1k's; None where some have none."""
    try:
        return imagenet_indices([info.id for info in dataset.classes])
    except ModelError:
        return None


def _only_some(model: str, outputs: int, classes: int) -> str:
    return (
        f"{model} answers for ImageNet-1k's {outputs:,} classes; only its answers for the {classes} of this data set "
        "count."
    )


def _count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def _hash(network: nn.Module) -> str:
    """SHA-256 over the names, shapes and values of the weights, in the order of the names."""
    digest = sha256()
    for name, value in sorted(network.state_dict().items()):
        digest.update(f"{name} {tuple(value.shape)} {value.dtype}\n".encode())
        digest.update(value.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
