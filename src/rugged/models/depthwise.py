"""Depthwise convolutions of EfficientNets and their kin: the same numbers, with a quicker gradient on CPUs.

PyTorch's library for CPUs (oneDNN) has no fast gradient for two of their cases, and takes up to hundreds of times as
long for it as for the convolution itself: half of a training step of EfficientNet-b0 and more.

- A kernel that does not fit into its map. They end in kernels of 5 × 5, which at 64 pixels lie on maps of 4 × 4 and
  2 × 2. The gradient is made of other operations here.
- bf16, with a stride or a kernel of 5 × 5. The gradient is computed in float32, where the library is fast.
"""

from collections.abc import Sequence
from functools import partial
from itertools import product
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import conv2d


def quicken_depthwise(model: nn.Module) -> None:
    """Give depthwise convolutions a quicker gradient in bf16, and where maps are smaller than their kernels.

    Outputs are the same; gradients are, to rounding. It pays on CPUs only.

    Args:
        model: The network, modified; its ``state_dict`` is as it was.
    """
    for layer in model.modules():
        if type(layer) is nn.Conv2d and _is_plain_depthwise(layer):
            layer.forward = partial(_forward, layer)  # type: ignore[method-assign]


def _is_plain_depthwise(layer: nn.Conv2d) -> bool:
    return (
        layer.groups == layer.in_channels == layer.out_channels > 1
        and layer.dilation == (1, 1)
        and layer.padding_mode == "zeros"
        and not isinstance(layer.padding, str)
        and all(padding < side for padding, side in zip(layer.padding, layer.kernel_size, strict=True))
    )


def _forward(layer: nn.Conv2d, features: Tensor) -> Tensor:
    slow_in_bf16 = max(layer.kernel_size) > 3 or max(layer.stride) > 1
    if _fits(layer.kernel_size, features) and not (slow_in_bf16 and torch.is_autocast_enabled("cpu")):
        return nn.Conv2d.forward(layer, features)
    result: Tensor = _Depthwise.apply(features, layer.weight, layer.bias, layer.stride, layer.padding)  # type: ignore[no-untyped-call]
    return result


def _fits(kernel: Sequence[int], features: Tensor) -> bool:
    return all(side >= size for side, size in zip(features.shape[-2:], kernel, strict=True))


class _Depthwise(torch.autograd.Function):
    """``conv2d`` with a kernel for each channel, and a gradient in the precision of the weights by what is quick."""

    @staticmethod
    def forward(
        ctx: Any,
        features: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        stride: tuple[int, int],
        padding: tuple[int, int],
    ) -> Tensor:
        ctx.save_for_backward(features, weight)
        ctx.stride, ctx.padding, ctx.biased = stride, padding, bias is not None
        return conv2d(features, weight, bias, stride, padding, groups=len(weight))

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor | None, None, None]:
        features, weight = ctx.saved_tensors
        gradient = gradient.to(weight.dtype)
        gradients = _of_large_maps if _fits(weight.shape[2:], features) else _of_small_maps
        of_features, of_weight = gradients(gradient, features.to(weight.dtype), weight, ctx.stride, ctx.padding)
        of_bias = gradient.sum((0, 2, 3)) if ctx.biased else None
        return of_features.to(features.dtype), of_weight, of_bias, None, None


def _of_large_maps(
    gradient: Tensor, features: Tensor, weight: Tensor, stride: tuple[int, int], padding: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    of_features, of_weight, _ = torch.ops.aten.convolution_backward(
        gradient, features, weight, None, stride, padding, (1, 1), False, (0, 0), len(weight), (True, True, False)
    )
    return of_features, of_weight


def _of_small_maps(
    gradient: Tensor, features: Tensor, weight: Tensor, stride: tuple[int, int], padding: tuple[int, int]
) -> tuple[Tensor, Tensor]:
    exact = _without_stride(gradient, features, weight, stride, padding)
    above, left = (kernel - 1 - frame for kernel, frame in zip(weight.shape[2:], padding, strict=True))
    of_features = conv2d(exact, weight.flip(2, 3), None, 1, (above, left), groups=len(weight))
    return of_features, _of_weight(exact, features, weight, padding)


def _without_stride(
    gradient: Tensor, features: Tensor, weight: Tensor, stride: tuple[int, int], padding: tuple[int, int]
) -> Tensor:
    """The gradient of what stride 1 would have given: zero where the stride leaves out."""
    if stride == (1, 1):
        return gradient
    sides = zip(features.shape[2:], padding, weight.shape[2:], strict=True)
    height, width = (side + 2 * frame - kernel + 1 for side, frame, kernel in sides)
    empty = gradient.new_zeros(*gradient.shape[:2], height, width)
    every = empty.contiguous(memory_format=torch.channels_last)
    every[:, :, :: stride[0], :: stride[1]] = gradient
    return every


def _of_weight(gradient: Tensor, features: Tensor, weight: Tensor, padding: tuple[int, int]) -> Tensor:
    """Place by place of the kernel: the products of what lay under it and what came of it, summed."""
    result = torch.zeros_like(weight)
    for row, column in product(*map(range, weight.shape[2:])):
        above, out_above = _overlap(row - padding[0], features.shape[2], gradient.shape[2])
        left, out_left = _overlap(column - padding[1], features.shape[3], gradient.shape[3])
        products = features[:, :, above, left] * gradient[:, :, out_above, out_left]
        result[:, 0, row, column] = products.sum((0, 2, 3))
    return result


def _overlap(offset: int, side: int, out: int) -> tuple[slice, slice]:
    """Which rows of a map lie ``offset`` below which rows of the result."""
    first, last = max(offset, 0), max(min(side, out + offset), 0)
    return slice(first, last), slice(first - offset, max(last - offset, 0))
