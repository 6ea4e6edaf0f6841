"""Whether an exported file answers as the model does, on pictures of several sizes."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from rugged.core.errors import ModelError
from rugged.data import Dataset
from rugged.data.builtin import CLASSES, draw
from rugged.data.splits import evenly
from rugged.export.graph import INPUT, OUTPUTS, Whole

TOLERANCE = 1e-4
"""Largest difference of a probability. Float32 in another order of summation gives a hundredth of it."""

_PICTURES = 20


def some_pictures(dataset: Dataset | None) -> Tensor:
    """Pictures to verify on, ``(N, 3, H, W)`` uint8: of a data set, evenly over its classes, else drawn by code."""
    if dataset is None:
        pictures = np.stack([draw("val", name, number)[0] for name, _ in CLASSES for number in range(_PICTURES // 10)])
    else:
        split = dataset.val if len(dataset.val) else dataset.train
        pictures = split.take(evenly(split.labels, _PICTURES)).images
    return torch.from_numpy(np.array(pictures)).permute(0, 3, 1, 2)


def largest_difference(session: object, whole: Whole, pictures: Tensor) -> float:
    """Run both on the same pictures, in several sizes and batches.

    Args:
        session: ONNX Runtime's, with the exported file.
        whole: What was exported, on the CPU.
        pictures: ``(N, 3, H, W)`` uint8.

    Returns:
        The largest difference of a probability.

    Raises:
        ModelError: It is above ``TOLERANCE``, or no number.
    """
    worst = 0.0
    for batch in _in_several_sizes(pictures, whole.network.spec.input_size):
        with torch.inference_mode():
            expected = whole(batch)[0].numpy()
        found = session.run([OUTPUTS[0]], {INPUT: batch.numpy()})[0]  # type: ignore[attr-defined]
        difference = float(np.abs(found - expected).max()) if found.shape == expected.shape else np.inf
        if not difference <= TOLERANCE:  # True of NaN, too.
            raise ModelError(
                f"The exported file answers differently: by up to {difference:.2g} in a probability, on pictures of "
                f"{batch.shape[1]} x {batch.shape[2]}; at most {TOLERANCE:g} is expected. No file was written."
            )
        worst = max(worst, difference)
    return worst


def _in_several_sizes(pictures: Tensor, side: int) -> Iterator[Tensor]:
    """``(N, H, W, 3)``: as they are; as the network's input; larger, and not square; smaller; and one alone."""
    sizes = [pictures.shape[2:], (side, side), (2 * side + 3, side + side // 2), (max(side // 3, 1), max(side // 2, 1))]
    for size in sizes:
        resized = functional.interpolate(pictures.float(), size, mode="bilinear", antialias=True).round().byte()
        yield resized.permute(0, 2, 3, 1).contiguous()
    yield pictures[:1].permute(0, 2, 3, 1).contiguous()
