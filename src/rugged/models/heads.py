"""Fresh classification heads for torchvision's networks (timm's builder makes its own)."""

from torch import nn

from rugged.core.errors import ModelError


def replace_head(model: nn.Module, num_classes: int) -> None:
    """Put a freshly initialised last layer with ``num_classes`` outputs in place of a network's own.

    The head is the last linear layer, or the last 1×1 convolution where that comes after it (SqueezeNet).

    Args:
        model: A torchvision classifier. Modified.
        num_classes: Number of outputs.

    Raises:
        ModelError: The network ends in neither.
    """
    heads = [(name, module) for name, module in model.named_modules() if _can_be_head(module)]
    if not heads:
        raise ModelError(f"{type(model).__name__} has no linear or 1×1 convolutional head to replace.")
    name, old = heads[-1]
    parent_name, _, attribute = name.rpartition(".")
    setattr(model.get_submodule(parent_name), attribute, _fresh(old, num_classes))


def drop_auxiliary_heads(model: nn.Module) -> None:
    """Take away the extra outputs of GoogLeNet and Inception v3, which only their papers' training uses.

    Args:
        model: A torchvision classifier. Modified.
    """
    for name in ("aux1", "aux2", "AuxLogits"):
        if hasattr(model, name):
            setattr(model, name, None)
            model.aux_logits = False  # type: ignore[assignment]


def _can_be_head(module: nn.Module) -> bool:
    return isinstance(module, nn.Linear) or (isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1))


def _fresh(old: nn.Module, num_classes: int) -> nn.Module:
    if isinstance(old, nn.Conv2d):
        return nn.Conv2d(old.in_channels, num_classes, kernel_size=1)
    assert isinstance(old, nn.Linear)
    return nn.Linear(old.in_features, num_classes, bias=old.bias is not None)
