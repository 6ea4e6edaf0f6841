"""Which layer of a network Grad-CAM looks at, and how its answer becomes maps: channels first, last, or tokens."""

import math
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor, nn

from rugged.core.errors import ModelError
from rugged.core.hints import did_you_mean, nearest
from rugged.engine import Network
from rugged.explain.looking import captured, device_of, no_gradient, require_network, undisturbed

SMALLEST_SIDE = 7
"""Sides of a map that says where something is: that of ImageNet's ResNets."""

_LISTED = 12


@dataclass(frozen=True)
class Layer:
    """A layer whose answer has a place for each part of the picture.

    Attributes:
        name: In the network, such as ``layer4``.
        side: Of its square maps.
        layout: How they lie: ``(N, C, H, W)``, ``(N, H, W, C)``, or ``(N, tokens, C)``.
        extra: Tokens before those of the picture, such as the class token.
        offset: How far down and right of the middle of its share of the input a place looks, in pixels of the input. A
            convolution that skips every other pixel looks at the first of each two.
    """

    name: str
    side: int
    layout: Literal["channels first", "channels last", "tokens"]
    extra: int = 0
    offset: tuple[float, float] = (0.0, 0.0)

    def maps(self, output: Tensor) -> Tensor:
        """``(N, C, side, side)`` from the layer's answer, or from a gradient of its shape. Extra tokens are dropped."""
        if self.layout == "channels first":
            return output
        if self.layout == "channels last":
            return output.permute(0, 3, 1, 2)
        tokens = output[:, self.extra :].transpose(1, 2)
        return tokens.reshape(len(tokens), -1, self.side, self.side)


def find_layer(network: Network, name: str | None = None) -> Layer:
    """The layer that Grad-CAM looks at.

    Unless one is named: of the layers with the smallest map that is at least 7 × 7 the deepest that all of the signal
    passes through, as it does through a block and not through what a shortcut goes round. Where a network has no map as
    large, as with small pictures, those with the largest are taken; where every layer is passed by, the deepest. Only
    layers count whose map the answer depends on: a vision transformer that answers by its class token alone does not
    read the last block's other tokens.

    Args:
        network: The network.
        name: Of the layer to take instead.

    Raises:
        ModelError: No such layer, or one without maps; or the network has no layer with maps, or gives no gradient.
    """
    require_network(network)
    _require_gradient(network)
    layers = find_layers(network)
    chosen = _choose(network, layers) if name is None else _named(layers, name, network.module)
    return replace(chosen, offset=_offset(network, chosen))


def _require_gradient(network: Network) -> None:
    """Refuse a network that gives a picture no gradient, frozen or not: by gradients layers are chosen and placed."""
    with undisturbed(network.module):
        pictures = _noise(network).requires_grad_()
        logits = network.logits(pictures)
        if not logits.requires_grad or torch.autograd.grad(logits.sum(), pictures, allow_unused=True)[0] is None:
            raise no_gradient(network)


def _choose(network: Network, layers: list[Layer]) -> Layer:
    if not layers:
        raise ModelError(
            f"{network.spec.architecture} has no layer with a map of the picture that its answer depends on; Grad-CAM "
            "needs one. Use saliency, integrated_gradients or occlusion."
        )
    large = [layer.side for layer in layers if layer.side >= SMALLEST_SIDE]
    side = min(large) if large else max(layer.side for layer in layers)
    deepest_first = [layer for layer in reversed(layers) if layer.side == side]
    return next((layer for layer in deepest_first if _is_passed_by_nothing(network, layer.name)), deepest_first[0])


def _is_passed_by_nothing(network: Network, name: str) -> bool:
    """Whether all ways from the picture to the answer lead through a layer: cut there, no gradient arrives."""
    layer = network.module.get_submodule(name)
    with undisturbed(network.module):
        pictures = _noise(network).requires_grad_()
        hook = layer.register_forward_hook(lambda _module, _inputs, output: output.detach())
        try:
            logits = network.logits(pictures)
        finally:
            hook.remove()
        if not logits.requires_grad:
            return True
        (gradient,) = torch.autograd.grad(logits.float().square().sum(), pictures, materialize_grads=True)
        return not gradient.any()


def _offset(network: Network, layer: Layer) -> tuple[float, float]:
    """Where the middle places of a layer look, by the centre of mass of their squared gradients on the input."""
    if layer.layout != "channels first":  # Transformers cut a picture into patches: each lies where it should.
        return (0.0, 0.0)
    middle = slice((layer.side - 1) // 2, layer.side // 2 + 1)
    with undisturbed(network.module), captured(network.module, [layer.name]) as outputs:
        pictures = _noise(network, 4).requires_grad_()
        network.logits(pictures)
        maps = layer.maps(outputs[layer.name][0])
        signs = torch.randn(1, maps.shape[1], 1, 1, generator=torch.Generator().manual_seed(0)).to(maps)
        (gradient,) = torch.autograd.grad((maps * signs)[:, :, middle, middle].sum(), pictures, materialize_grads=True)
    energy = gradient.double().square().sum((0, 1)).cpu()
    places = torch.arange(len(energy), dtype=torch.float64) - (len(energy) - 1) / 2
    if not energy.sum() > 0:
        return (0.0, 0.0)
    half = network.spec.input_size / layer.side / 2
    down, right = (float((energy.sum(axis) * places).sum() / energy.sum()) for axis in (1, 0))
    return min(max(down, -half), half), min(max(right, -half), half)


def _noise(network: Network, count: int = 2) -> Tensor:
    """Pictures to try a network with. Two at least: the first dimension tells pictures from a picture's windows."""
    side = network.spec.input_size
    levels = torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(0)) * 255
    return levels.to(device_of(network.module))


def find_layers(network: Network) -> list[Layer]:
    """The layers that Grad-CAM could look at, in the order in which they answer.

    They give one tensor with a map for each picture, run once a pass, and pass gradients on. Linear layers do not
    count: in a transformer they hold queries, keys and hidden units, not what a place stands for.

    Args:
        network: The network.

    Raises:
        ModelError: It is something else, such as a module alone.
    """
    require_network(network)
    modules = dict(network.module.named_modules())
    with undisturbed(network.module), captured(network.module) as outputs:
        noise = _noise(network)
        logits = network.logits(noise.requires_grad_())
        once = {name: found[0] for name, found in outputs.items() if len(found) == 1 and found[0].requires_grad}
        if not once or not logits.requires_grad:
            return []
        gradients = torch.autograd.grad(logits.float().square().sum(), list(once.values()), materialize_grads=True)
    layers = []
    for (name, output), gradient in zip(once.items(), gradients, strict=True):
        layer = None if isinstance(modules[name], nn.Linear) else _layer(name, output, len(noise), network.module)
        if layer is not None and layer.maps(gradient).any():
            layers.append(layer)
    return layers


def _layer(name: str, output: Tensor, count: int, module: nn.Module) -> Layer | None:
    """How an answer is laid out; None where it is no map. Inputs are square, and so are maps."""
    if output.ndim == 4 and len(output) == count:
        _, first, second, third = output.shape
        if second == third:
            return Layer(name, second, "channels first")
        return Layer(name, first, "channels last") if first == second else None
    if output.ndim == 3 and len(output) == count:
        tokens, extra = output.shape[1], getattr(module, "num_prefix_tokens", None)
        if not isinstance(extra, int):  # timm's networks know; others have as few as leave a square.
            extra = tokens - math.isqrt(tokens) ** 2
        side = math.isqrt(max(0, tokens - extra))
        return Layer(name, side, "tokens", extra) if side and side**2 + extra == tokens else None
    return None


def _named(layers: list[Layer], name: str, module: nn.Module) -> Layer:
    for layer in layers:
        if layer.name == name:
            return layer
    # Those nearest to the network's own level say most; the rest would fill a screen.
    plain = sorted(layers, key=lambda layer: (layer.name.count("."), layers.index(layer)))[:_LISTED]
    listed = ", ".join(f"{layer.name} ({layer.side} × {layer.side})" for layer in sorted(plain, key=layers.index))
    more = f" and {len(layers) - len(plain)} inside these" if len(layers) > len(plain) else ""
    guess = did_you_mean(nearest(name, [layer.name for layer in layers], 1))
    found = (
        f"{name} is a layer, but gives no map that the network's answer depends on."
        if name in dict(module.named_modules())
        else f"There is no layer {name!r}."
    )
    raise ModelError(" ".join(filter(None, (found, guess, f"Layers with maps: {listed}{more}."))))
