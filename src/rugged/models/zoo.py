"""Architectures by name: our own, torchvision's and timm's, each with a head for the data set's classes."""

import difflib
from collections.abc import Callable
from typing import Any

import timm
import torchvision
from torch import nn

from rugged.core.errors import ModelError
from rugged.models.alexnet64 import AlexNet64
from rugged.models.heads import drop_auxiliary_heads, replace_head
from rugged.models.spec import IMAGENET_MEAN, IMAGENET_STD

OURS: dict[str, Callable[[int], nn.Module]] = {
    "alexnet64": AlexNet64,
}


SOURCES = ("rugged", "torchvision", "timm")

_INCEPTIONS = ("torchvision/googlenet", "torchvision/inception_v3")
"""Their published weights come from TensorFlow, and expect values in [-1, 1]."""


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
    nearest = [full[each] for each in difflib.get_close_matches(wanted, full, n=3)]
    hint = f"Did you mean {', '.join(nearest)}?" if nearest else f"Sources are {', '.join(SOURCES)}."
    raise ModelError(f"There is no architecture {name!r}. {hint}")


def _names(source: str) -> list[str]:
    if source == "rugged":
        return list(OURS)
    if source == "torchvision":
        return list(torchvision.models.list_models(module=torchvision.models))
    if source == "timm":
        return [*timm.list_models(), *timm.list_pretrained()]  # The second are names with the tag of their weights.
    return []


def build(architecture: str, num_classes: int, *, pretrained: bool = False) -> nn.Module:
    """Make a network with a head for ``num_classes``.

    Args:
        architecture: A name that :func:`resolve` knows.
        num_classes: Number of outputs.
        pretrained: Start from the library's default ImageNet weights, with a fresh head.

    Raises:
        ModelError: Unknown architecture, or weights that do not exist or cannot be fetched.
    """
    source, name = resolve(architecture).split("/", 1)
    if source == "rugged":
        if pretrained:
            raise ModelError(f"rugged/{name} has no pretrained weights; train it from scratch (pretrained = false).")
        return OURS[name](num_classes)
    try:
        return (
            _build_timm(name, num_classes, pretrained)
            if source == "timm"
            else _build_torchvision(name, num_classes, pretrained)
        )
    except (OSError, RuntimeError) as error:
        if not pretrained:
            raise
        raise ModelError(
            f"The pretrained weights of {source}/{name} could not be fetched ({type(error).__name__}: {error}). "
            "Connect to the network once so that they are cached, or train from scratch (pretrained = false)."
        ) from error


def _build_timm(name: str, num_classes: int, pretrained: bool) -> nn.Module:
    model: nn.Module = timm.create_model(name, pretrained=pretrained, num_classes=num_classes)
    return model


def _build_torchvision(name: str, num_classes: int, pretrained: bool) -> nn.Module:
    options: dict[str, Any] = {"weights": "DEFAULT" if pretrained else None}
    if f"torchvision/{name}" in _INCEPTIONS:
        # With weights they would rescale their input themselves, which a model file does not say; preprocessing does.
        options["transform_input"] = False
        if not pretrained:  # With weights torchvision sets these two itself, and refuses others.
            options |= {"init_weights": True, "aux_logits": False}
    model: nn.Module = torchvision.models.get_model(name, **options)
    drop_auxiliary_heads(model)
    replace_head(model, num_classes)
    return model


def default_normalisation(architecture: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and std that an architecture's published weights expect; ImageNet's where nothing is published."""
    source, name = resolve(architecture).split("/", 1)
    if source == "timm":
        config = timm.get_pretrained_cfg(name, allow_unregistered=True)
        if config is not None:
            return tuple(config.mean), tuple(config.std)
    if f"{source}/{name}" in _INCEPTIONS:
        return (0.5,) * 3, (0.5,) * 3
    return IMAGENET_MEAN, IMAGENET_STD
