"""Architectures by name: our own, torchvision's and timm's, each with a head for the data set's classes."""

from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Any

import timm
import torchvision
from torch import nn
from torchvision.models.resnet import BasicBlock, Bottleneck

from rugged.core.errors import ModelError
from rugged.core.files import expanded
from rugged.core.hints import did_you_mean, nearest
from rugged.models.alexnet64 import AlexNet64
from rugged.models.blurpool import blurred
from rugged.models.heads import drop_auxiliary_heads, replace_head
from rugged.models.loading import load_body, start_from
from rugged.models.preactivation import preactivation_resnet18, wide_resnet
from rugged.models.pretrained import timm_network, torchvision_weights
from rugged.models.small import slim_resnet, small_resnet
from rugged.models.spec import IMAGENET_MEAN, IMAGENET_STD

_RESIDUAL: dict[str, Callable[[int], nn.Module]] = {
    "resnet18_64": partial(small_resnet, BasicBlock, (2, 2, 2, 2)),
    "resnet34_64": partial(small_resnet, BasicBlock, (3, 4, 6, 3)),
    "resnet50_64": partial(small_resnet, Bottleneck, (3, 4, 6, 3)),
    "preact_resnet18_64": preactivation_resnet18,
    "wrn28_4_64": partial(wide_resnet, 28, 4),
}

OURS: dict[str, Callable[[int], nn.Module]] = {
    "alexnet64": AlexNet64,
    "alexnet64_half": partial(AlexNet64, width=0.5),
    "resnet12_slim": slim_resnet,
    **_RESIDUAL,
    **{f"{name}_blur": partial(blurred, make) for name, make in _RESIDUAL.items()},
}


SOURCES = ("rugged", "torchvision", "timm")

_INCEPTIONS = ("torchvision/googlenet", "torchvision/inception_v3")
"""Their published weights come from TensorFlow, and expect values in [-1, 1]. Torchvision would have the network bring
ImageNet's normalisation to that, which a model file does not say; preprocessing does it here."""


def resolve(name: str) -> str:
    """The full ``source/name`` of an architecture.

    Args:
        name: ``rugged/…``, ``torchvision/…`` or ``timm/…``; without a source the three are tried in this order.

    Raises:
        ModelError: No such architecture; the nearest names are given.
    """
    source, separator, rest = name.partition("/")
    sources = (source,) if separator else SOURCES
    wanted = rest if separator else name
    for candidate in sources:
        if wanted in _names(candidate):
            return f"{candidate}/{wanted}"
    full = {each: f"{candidate}/{each}" for candidate in reversed(SOURCES) for each in _names(candidate)}
    guesses = [full[each] for each in nearest(wanted, full, 3)]
    advice = did_you_mean(guesses, f"Sources are {', '.join(SOURCES)}.")
    raise ModelError(f"There is no architecture {name!r}. {advice}")


@cache  # Timm's are sorted anew each time, for a tenth of a second.
def _names(source: str) -> tuple[str, ...]:
    if source == "rugged":
        return tuple(OURS)
    if source == "torchvision":
        return tuple(torchvision.models.list_models(module=torchvision.models))
    if source == "timm":
        return (*timm.list_models(), *timm.list_pretrained())  # The second are names with the tag of their weights.
    return ()


def build(
    architecture: str, num_classes: int, *, pretrained: bool = False, weights: str | Path | None = None
) -> nn.Module:
    """Make a network with a head for ``num_classes``.

    A head that was trained for another number of classes is replaced by a fresh one; for the same number it is kept.

    Args:
        architecture: A name that ``resolve`` knows.
        num_classes: Number of outputs.
        pretrained: Start from the ImageNet weights that torchvision or timm publishes, through its own cache.
        weights: Start from a local file instead: one of rugged's, safetensors with the network's own parameter names,
            or such a state dict in a ``.pth``, of which tensors are read and nothing is run.

    Raises:
        ModelError: Unknown architecture, or weights that do not exist, cannot be fetched, are of another network or
            are not finite.
    """
    full = resolve(architecture)
    source, name = full.split("/", 1)
    if pretrained and weights is None:
        return _build_pretrained(source, name, num_classes)
    model = _build_fresh(source, name, num_classes)
    if weights is not None:
        start_from(model, expanded(weights), full)
    return model


def _build_fresh(source: str, name: str, num_classes: int) -> nn.Module:
    if source == "rugged":
        return OURS[name](num_classes)
    if source == "torchvision":
        return _build_torchvision(name, num_classes)
    model: nn.Module = timm.create_model(name, num_classes=num_classes)
    return model


def _build_pretrained(source: str, name: str, num_classes: int) -> nn.Module:
    if source == "rugged":
        raise ModelError(
            f"rugged/{name} has no pretrained weights. Train it from scratch (model.pretrained = false), or give a "
            'file of its weights (model.weights = "file.safetensors").'
        )
    if source == "timm":
        return timm_network(name, num_classes)
    tensors = torchvision_weights(name)  # First: without them there is no point in building.
    model = _build_torchvision(name, num_classes)
    load_body(model, tensors, f"The published file of torchvision/{name}", f"torchvision/{name}")
    return model


def _build_torchvision(name: str, num_classes: int) -> nn.Module:
    options: dict[str, Any] = {}
    if f"torchvision/{name}" in _INCEPTIONS:
        options = {"init_weights": True, "aux_logits": False}
    elif name.startswith("vit_"):  # It has a place for each patch of the pictures that its weights were trained on.
        options = {"image_size": default_input_size(f"torchvision/{name}")}
    model: nn.Module = torchvision.models.get_model(name, **options)
    drop_auxiliary_heads(model)
    replace_head(model, num_classes)
    return model


def default_normalisation(architecture: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and std that an architecture's published weights expect; ImageNet's where nothing is published."""
    source, name = resolve(architecture).split("/", 1)
    if f"{source}/{name}" in _INCEPTIONS:
        return (0.5,) * 3, (0.5,) * 3
    if source == "torchvision":
        transform = torchvision.models.get_model_weights(name).DEFAULT.transforms()
        return tuple(transform.mean), tuple(transform.std)
    if source == "timm":
        config: Any = timm.get_pretrained_cfg(name)
        return tuple(config.mean), tuple(config.std)
    return IMAGENET_MEAN, IMAGENET_STD


def default_input_size(architecture: str) -> int | None:
    """Side in pixels of the pictures that an architecture's published weights expect; None for rugged's own."""
    source, name = resolve(architecture).split("/", 1)
    return None if source == "rugged" else published_side(source, name)


def published_classes(architecture: str) -> int:
    """For how many classes an architecture's published weights answer; 0 where nothing is published."""
    source, name = resolve(architecture).split("/", 1)
    if source == "torchvision":
        return len(torchvision.models.get_model_weights(name).DEFAULT.meta["categories"])
    config: Any = timm.get_pretrained_cfg(name) if source == "timm" else None
    return int(config.num_classes) if config is not None and config.has_weights else 0


def published_side(source: str, name: str) -> int:
    """Side in pixels of the pictures that published weights expect; where these are not square, the longer one.

    Args:
        source: ``torchvision`` or ``timm``.
        name: As that calls the network; timm's with or without the tag of the weights.
    """
    if source == "torchvision":
        sides = torchvision.models.get_model_weights(name).DEFAULT.transforms().crop_size
    else:
        config: Any = timm.get_pretrained_cfg(name)
        sides = config.input_size[1:]
    return int(max(sides))
