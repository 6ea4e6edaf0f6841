"""Classification heads: which layer it is, a fresh one for the classes at hand, and training it alone."""

from typing import Any

from torch import nn

from rugged.core.errors import ModelError

AUXILIARY_HEADS = ("aux1", "aux2", "AuxLogits")
"""Attributes of torchvision's GoogLeNet and Inception v3 with extra outputs, which only their papers' training uses."""

RECTIFIED_HEAD_STD = 1e-3
"""Spread of a 1×1 convolutional head's first weights: a tenth of what SqueezeNet trains from scratch with."""


def replace_head(model: nn.Module, num_classes: int) -> None:
    """Put a freshly initialised last layer with ``num_classes`` outputs in place of a network's own.

    timm's builder makes its own.

    Args:
        model: A torchvision classifier. Modified.
        num_classes: Number of outputs.

    Raises:
        ModelError: The network has no linear layer and no 1×1 convolution.
    """
    name = _last_layer(model)
    parent_name, _, attribute = name.rpartition(".")
    setattr(model.get_submodule(parent_name), attribute, _fresh(model.get_submodule(name), num_classes))


def drop_auxiliary_heads(model: nn.Module) -> None:
    """Take away the extra outputs of GoogLeNet and Inception v3.

    Args:
        model: A torchvision classifier. Modified.
    """
    for name in AUXILIARY_HEADS:
        if hasattr(model, name):
            setattr(model, name, None)
            model.aux_logits = False  # type: ignore[assignment]


def head_parameters(model: nn.Module) -> tuple[str, ...]:
    """Names of the parameters of a network's head.

    That is what timm's networks call their classifier, and elsewhere the last linear layer, or the last 1×1
    convolution where that comes after it (SqueezeNet).

    Args:
        model: A classifier.

    Raises:
        ModelError: It has no head.
    """
    if hasattr(model, "get_classifier"):
        classifier: Any = model.get_classifier()  # type: ignore[operator]
        parts = classifier if isinstance(classifier, tuple | list) else (classifier,)  # Distilled networks have two.
        own = {id(parameter) for part in parts for parameter in part.parameters()}
        names = tuple(name for name, parameter in model.named_parameters() if id(parameter) in own)
    else:
        last = _last_layer(model)
        names = tuple(f"{last}.{name}" for name, _ in model.get_submodule(last).named_parameters())
    if not names:
        raise ModelError(f"{type(model).__name__} has no head: no classifier with weights.")
    return names


def freeze_body(model: nn.Module) -> None:
    """Let nothing but the head learn: feature extraction.

    Comes before the optimizer, which then gets the parameters that still want gradients. Statistics of batch norms
    move without gradients; ``rugged.models.training_mode`` holds them still.

    Args:
        model: A classifier. Modified.

    Raises:
        ModelError: It has no head.
    """
    head = head_parameters(model)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(name in head)


def _last_layer(model: nn.Module) -> str:
    names: list[str] = [name for name, module in model.named_modules() if _can_be_head(module)]
    if not names:
        raise ModelError(f"{type(model).__name__} has no linear or 1×1 convolutional head.")
    return names[-1]


def _can_be_head(module: nn.Module) -> bool:
    return isinstance(module, nn.Linear) or (isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1))


def _fresh(old: nn.Module, num_classes: int) -> nn.Module:
    if isinstance(old, nn.Conv2d):
        head = nn.Conv2d(old.in_channels, num_classes, kernel_size=1)
        # SqueezeNet rectifies its logits. On the large features of a trained body, torch's usual start is so wrong that
        # the first steps push every logit below zero, where no gradient brings it back; a start near zero is safe.
        nn.init.normal_(head.weight, std=RECTIFIED_HEAD_STD)
        assert head.bias is not None
        nn.init.zeros_(head.bias)
        return head
    assert isinstance(old, nn.Linear)
    return nn.Linear(old.in_features, num_classes, bias=old.bias is not None)
