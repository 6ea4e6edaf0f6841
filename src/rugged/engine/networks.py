"""Networks to look into: loaded with what they expect, and which of their outputs answer for which classes."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from rugged.core.errors import ModelError
from rugged.data import ClassInfo, Dataset
from rugged.engine.devices import Fabric
from rugged.models import (
    ModelSpec,
    build,
    default_input_size,
    default_normalisation,
    imagenet_indices,
    imagenet_names,
    load_model,
    preprocess,
    published_classes,
)

IMAGENET_CLASSES = 1000


@dataclass(frozen=True)
class Network:
    """The network inside a classifier, for what needs more than its answers.

    Attributes:
        module: In evaluation mode, on the device.
        spec: What it expects.
        columns: Which of its outputs answer for the data set's classes; None for all.
    """

    module: nn.Module
    spec: ModelSpec
    columns: Sequence[int] | None = None

    def logits(self, images: Tensor) -> Tensor:
        """``(N, classes)`` for pictures in levels on the device, through which gradients flow."""
        return self.answer(preprocess(images, self.spec))

    def answer(self, inputs: Tensor) -> Tensor:
        """``(N, classes)`` for ``(N, 3, S, S)`` that ``rugged.models.preprocess`` has made of pictures."""
        weight = next(self.module.parameters(), None)
        outputs: Tensor = self.module(inputs if weight is None else inputs.to(weight.dtype))
        return outputs if self.columns is None else outputs[:, self.columns]


def own_network(path: Path, dataset: Dataset | None, fabric: Fabric) -> Network:
    """Load a model file of rugged's.

    Args:
        path: The file.
        dataset: Whose classes it is to tell apart; None takes its own as they are.
        fabric: Device and precision.

    Raises:
        ModelError: It cannot be loaded, or answers for other classes.
    """
    module, spec = load_model(path)
    if dataset is not None:
        require_classes(spec, dataset)
    fabric.setup_module(module.eval())
    return Network(module, spec)


def class_infos(spec: ModelSpec) -> tuple[ClassInfo, ...]:
    """The classes that a model answers for, with their names."""
    return tuple(ClassInfo(*pair) for pair in zip(spec.classes, spec.class_names, strict=True))


def require_classes(spec: ModelSpec, dataset: Dataset) -> None:
    """Refuse a model that answers for other classes than a data set's, or in another order.

    Raises:
        ModelError: It does.
    """
    classes = tuple(info.id for info in dataset.classes)
    if classes != spec.classes:
        raise ModelError(
            f"The model knows {len(spec.classes)} classes ({spec.classes[0]} …), the data set {dataset.name} has "
            f"{len(classes)} ({classes[0]} …). Give data with the classes it was trained for; `rugged predict` and "
            "`rugged explain --pictures` take any pictures."
        )


def published_network(
    architecture: str, dataset: Dataset | None, fabric: Fabric, weights: str | Path | None = None
) -> Network:
    """Make an architecture of torchvision's or timm's with its ImageNet-1k weights.

    Args:
        architecture: A name with its source, as ``rugged.models.resolve`` gives it.
        dataset: Whose classes are picked out of the thousand; None takes them all.
        fabric: Device and precision.
        weights: A local file instead of the published weights.

    Raises:
        ModelError: It answers for other classes, or its weights cannot be loaded.
    """
    outputs = published_classes(architecture)
    if outputs != IMAGENET_CLASSES:
        raise ModelError(
            f"{architecture} answers for {outputs or 'no'} classes; expected ImageNet-1k's {IMAGENET_CLASSES}, of "
            "which the data set's are picked out. Train it for your classes with `rugged train`, and benchmark that."
        )
    picked = None if dataset is None else imagenet_indices([info.id for info in dataset.classes])
    with torch.random.fork_rng([]):  # As for a model file: initial weights are none of the caller's randomness.
        module = build(architecture, outputs, pretrained=weights is None, weights=weights)
    side = default_input_size(architecture)
    assert side is not None  # Only rugged's own have none, and these have no published classes.
    origin = f"published weights of {architecture}" if weights is None else f"weights of {Path(weights).name}"
    names = imagenet_names()
    spec = ModelSpec(
        architecture, tuple(names), tuple(names.values()), side, *default_normalisation(architecture), (origin,)
    )
    fabric.setup_module(module.eval())
    return Network(module, spec, picked)
