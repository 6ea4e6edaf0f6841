"""From logits to the columns of a saved cell."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from rugged.core.errors import ModelError
from rugged.results import Cell

_TOP = 5


def make_cell(
    corruption: str, severity: int, ids: Sequence[str], labels: npt.NDArray[np.int64], logits: Tensor
) -> Cell:
    """Turn logits into a cell, computing in float64.

    Args:
        corruption: Its name, or ``"clean"``.
        severity: 1 to 5; 0 for clean.
        ids: N image ids; none of a part, which ``rugged.results.join_cells`` will name.
        labels: ``(N,)``.
        logits: ``(N, classes)`` float32 on the CPU. Equal logits rank by class index.
    """
    log_probabilities = torch.log_softmax(logits.double(), dim=1)
    probabilities = log_probabilities.exp()
    ranked = torch.argsort(logits, dim=1, descending=True, stable=True)[:, :_TOP]
    own = log_probabilities.gather(1, torch.from_numpy(labels)[:, None])[:, 0]
    return Cell(
        corruption=corruption,
        severity=severity,
        ids=tuple(ids),
        labels=labels.astype(np.int32),
        top=ranked.numpy().astype(np.int32),
        top_probabilities=probabilities.gather(1, ranked).numpy().astype(np.float32),
        label_probability=own.exp().numpy().astype(np.float32),
        loss=own.neg().numpy().astype(np.float32),
        sum_of_squares=probabilities.square().sum(1).numpy().astype(np.float32),
    )


def finite(logits: Tensor, pictures: str) -> Tensor:
    """An answer that is made of numbers.

    Args:
        logits: The answer.
        pictures: What it was about, for the message.

    Raises:
        ModelError: It is not.
    """
    if not logits.isfinite().all():
        raise ModelError(
            f"The model answers with values that are not numbers (on {pictures}). "
            "Its weights are damaged or its training diverged; try --precision fp32, or train it again."
        )
    return logits
