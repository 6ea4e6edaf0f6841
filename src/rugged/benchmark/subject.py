"""What is measured: any classifier, as something that answers pictures with logits."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path

from torch import Tensor, nn

from rugged.benchmark.foreign import load_callable, load_onnx
from rugged.core.errors import ConfigError, ModelError
from rugged.core.files import sha256_file
from rugged.data import Dataset
from rugged.engine import Fabric, Network, infer, own_network, published_network
from rugged.models import ModelSpec, published_classes, resolve
from rugged.models.spec import IMAGENET_MEAN, IMAGENET_STD
from rugged.results import ModelFacts, RunFolder

_CALLABLE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


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
    note = (
        f"{architecture} answers for ImageNet-1k's {published_classes(architecture):,} classes; only its answers for "
        f"the {len(dataset.classes)} of this data set count."
    )
    return Subject(facts, lambda images: infer(fabric, module, spec, images)[:, picked], note=note, network=network)


def _foreign(model: str | Path, name: str, dataset: Dataset, fabric: Fabric) -> Subject:
    classes, side = len(dataset.classes), min(dataset.size)
    if Path(model).suffix == ".onnx":
        spec = ModelSpec("onnx", (), (), side, IMAGENET_MEAN, IMAGENET_STD)
        loaded = load_onnx(Path(model), spec, fabric.device)
    else:
        loaded = load_callable(str(model))

    def answer(images: Tensor) -> Tensor:
        logits = loaded.answer(images)
        if logits.shape != (len(images), classes):
            raise ModelError(
                f"{model} answers {len(images)} pictures with the shape {tuple(logits.shape)}; expected "
                f"({len(images)}, {classes}), logits for the {classes} classes of {dataset.name}."
            )
        return logits.float().cpu()

    facts = ModelFacts(name, loaded.kind, loaded.parameters, loaded.sha256, loaded.input_size or side, ("unknown",))
    return Subject(facts, answer, note=loaded.note)


def _count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def _hash(network: nn.Module) -> str:
    """SHA-256 over the names, shapes and values of the weights, in the order of the names."""
    digest = sha256()
    for name, value in sorted(network.state_dict().items()):
        digest.update(f"{name} {tuple(value.shape)} {value.dtype}\n".encode())
        digest.update(value.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
