"""Whether an exported file answers as the model does, on pictures of several sizes."""

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from rugged.core.errors import ModelError
from rugged.data import Dataset
from rugged.data.builtin import CLASSES, draw
from rugged.data.splits import evenly
from rugged.export.graph import INPUT, OUTPUTS, Whole

TOLERANCE = 1e-4
"""Largest difference of a probability, and of a logit as a share of the largest one.

Among many classes all probabilities may be small, and so their differences, whatever is wrong. Float32 in another order
of summation gives a hundredth of it.
"""

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
        ModelError: It is above ``TOLERANCE``, or that of a logit is, or they are no numbers.
    """
    worst = 0.0
    for batch in _in_several_sizes(pictures, whole.network.spec.input_size):
        with torch.inference_mode():
            expected = [output.numpy() for output in whole(batch)]
        found = session.run(list(OUTPUTS), {INPUT: batch.numpy()})  # type: ignore[attr-defined]
        difference, of_logits = map(_largest, found, expected)
        largest = float(np.abs(expected[1]).max())
        if not (difference <= TOLERANCE and of_logits <= TOLERANCE * largest):  # True of NaN, too.
            raise ModelError(
                f"The exported file answers differently: by up to {difference:.2g} in a probability and "
                f"{of_logits:.2g} in a logit, on pictures of {batch.shape[1]} x {batch.shape[2]}; expected at most "
                f"{TOLERANCE:g}, and in a logit this share of the largest, {largest:.2g}. No file was written."
            )
        worst = max(worst, difference)
    return worst


def _largest(found: NDArray[np.float32], expected: NDArray[np.float32]) -> float:
    return float(np.abs(found - expected).max()) if found.shape == expected.shape else np.inf


def _in_several_sizes(pictures: Tensor, side: int) -> Iterator[Tensor]:
    """``(N, H, W, 3)``: as they are; as the network's input; larger, and not square; smaller; and one alone."""
    sizes = [pictures.shape[2:], (side, side), (2 * side + 3, side + side // 2), (max(side // 3, 1), max(side // 2, 1))]
    for size in sizes:
        resized = functional.interpolate(pictures.float(), size, mode="bilinear", antialias=True).round().byte()
        yield resized.permute(0, 2, 3, 1).contiguous()
    yield pictures[:1].permute(0, 2, 3, 1).contiguous()
