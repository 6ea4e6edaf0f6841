"""Operators of PyTorch as ONNX has them, where PyTorch's own exporter knows none or not all of it."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import torch
from torch.onnx import symbolic_helper


def _resize(g: Any, images: Any, size: Any, corners: Any, factors: Any) -> Any:  # noqa: ARG001 - the operator's own.
    """Bilinear with antialiasing, as PyTorch resizes: what lies outside the picture has no weight."""
    nothing = g.op("Constant", value_t=torch.tensor([], dtype=torch.float32))
    return g.op(
        "Resize", images, nothing, nothing, _constant(g, _sides(size)),
        axes_i=[2, 3], antialias_i=1, exclude_outside_i=1, mode_s="linear",
        coordinate_transformation_mode_s="half_pixel",
    )  # fmt: skip


def _pool(g: Any, images: Any, size: Any, whole: str, reduce: str) -> Any:
    """Pool to a fixed size whatever the size before, in windows that may differ by one and overlap by one.

    Args:
        g: The graph.
        images: ``(N, C, H, W)``, of which H and W are known.
        size: Height and width of the result.
        whole: The operator for 1 x 1.
        reduce: The one for a window. Rows and columns may come one after the other: all windows of a row of windows
            are of the same height, and a mean of equally many means is the mean.
    """
    wanted, there = _sides(size), symbolic_helper._get_tensor_sizes(images)[2:]
    if wanted == [1, 1]:
        return g.op(whole, images)
    for axis, count, length in zip((2, 3), wanted, there, strict=True):
        if count != length:
            windows = [
                g.op("Slice", images, *(_constant(g, [value]) for value in (start, stop, axis)))
                for start, stop in _windows(length, count)
            ]
            parts = [g.op(reduce, window, _constant(g, [axis])) for window in windows]
            images = g.op("Concat", *parts, axis_i=axis)
    return images


def _windows(length: int, count: int) -> list[tuple[int, int]]:
    """Where PyTorch's adaptive pooling looks: from the floor of a share of the length to the ceiling of the next."""
    return [(at * length // count, -(-following * length // count)) for at, following in pairwise(range(count + 1))]


def _average(g: Any, images: Any, size: Any) -> Any:
    return _pool(g, images, size, "GlobalAveragePool", "ReduceMean")


def _maximum(g: Any, images: Any, size: Any) -> Any:
    return _pool(g, images, size, "GlobalMaxPool", "ReduceMax"), None  # Where they were found, no classifier asks.


def _sides(size: Any) -> list[int]:
    sides: list[int] = symbolic_helper._get_const(size, "is", "size")  # type: ignore[no-untyped-call]
    return sides


def _constant(g: Any, values: list[int]) -> Any:
    return g.op("Constant", value_t=torch.tensor(values))


OPERATORS: dict[str, Callable[..., Any]] = {
    "aten::_upsample_bilinear2d_aa": _resize,
    "aten::adaptive_avg_pool2d": _average,
    "aten::adaptive_max_pool2d": _maximum,
}
"""By PyTorch's names; for opset 18."""
