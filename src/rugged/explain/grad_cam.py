"""Grad-CAM: where the features of a layer speak for a class."""

import itertools

import torch
from torch import Tensor
from torch.nn import functional

from rugged.engine import Network
from rugged.explain.layers import Layer
from rugged.explain.looking import captured
from rugged.models import preprocess


def grad_cam(network: Network, values: Tensor, targets: Tensor, layer: Layer) -> Tensor:
    """Maps at the pictures' size, as sharp as a layer of few places allows.

    A layer's grid is coarse, and where an object falls between two places neither shows it. So the input is moved by a
    quarter of a place up or down and left or right, and the four maps are laid over one another where they belong:
    together they have places half as far apart. Maps are enlarged bilinearly, each place where the layer looks.

    Args:
        network: The network, undisturbed.
        values: ``(N, 3, H, W)`` in levels.
        targets: ``(N,)`` classes.
        layer: Where to look.

    Returns:
        ``(N, H, W)``, not negative.
    """
    side = network.spec.input_size
    quarter = round(side / layer.side / 4)
    height, width = values.shape[2:]
    inputs = preprocess(values, network.spec)
    total = torch.zeros(len(values), height, width, device=values.device)
    for down, right in itertools.product((-quarter, quarter) if quarter else (0,), repeat=2):
        small = class_map(network, _moved(inputs, down, right), targets, layer)
        rows = _places(height, side, down + layer.offset[0], values.device)
        columns = _places(width, side, right + layer.offset[1], values.device)
        grid = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), -1).expand(len(values), -1, -1, -1)
        total += functional.grid_sample(small[:, None], grid, padding_mode="border", align_corners=False)[:, 0]
    return total


def class_map(network: Network, inputs: Tensor, targets: Tensor, layer: Layer) -> Tensor:
    """``(N, side, side)``: the layer's channels weighted by the class's mean gradient on each, the positive part.

    Captum's own would need channels first, and sees a layer's answer after a later ReLU has written into it.

    Source: Selvaraju et al. 2017 (arXiv:1610.02391).
    """
    with captured(network.module, [layer.name]) as outputs:
        score = network.answer(inputs).float().gather(1, targets[:, None]).sum()
    (output,) = outputs[layer.name]
    (gradient,) = torch.autograd.grad(score, output)
    weights = layer.maps(gradient).float().mean((2, 3), keepdim=True)
    return (weights * layer.maps(output).float()).sum(1).relu().detach()


def _moved(inputs: Tensor, down: int, right: int) -> Tensor:
    """The window that lies so many pixels further down and right; beyond the edge its pixels are repeated."""
    rows = (torch.arange(inputs.shape[2], device=inputs.device) + down).clamp_(0, inputs.shape[2] - 1)
    columns = (torch.arange(inputs.shape[3], device=inputs.device) + right).clamp_(0, inputs.shape[3] - 1)
    return inputs[:, :, rows][..., columns]


def _places(pixels: int, side: int, further: float, device: torch.device) -> Tensor:
    """Where the picture's pixels lie in a map whose window lies further on, in [-1, 1] as ``grid_sample`` counts."""
    middles = (torch.arange(pixels, device=device) + 0.5) / pixels
    return (middles - further / side) * 2 - 1
