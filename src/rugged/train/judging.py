"""A network's figures on the development split."""

import time

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from rugged.data import Split
from rugged.engine import Fabric, chunks, infer
from rugged.models import ModelSpec
from rugged.train.averaging import modes_kept


def judge(fabric: Fabric, model: nn.Module, spec: ModelSpec, split: Split, *, alone: bool = False) -> dict[str, float]:
    """Loss, top-1 and the seconds it took.

    Each picture is judged once, whatever the number of processes: whole chunks go to each in turn.

    Args:
        fabric: Device, precision, and the processes that share the work.
        model: On the device. Its modes and weights stay as they are.
        spec: What it expects.
        split: The pictures.
        alone: The other processes take no part.
    """
    started = time.monotonic()
    rank, processes = (0, 1) if alone else (fabric.global_rank, fabric.world_size)
    figures = torch.zeros(2, dtype=torch.float64)
    with modes_kept(model):
        model.eval()
        for chunk in list(chunks(len(split)))[rank::processes]:
            images = torch.from_numpy(np.array(split.images[chunk])).permute(0, 3, 1, 2)
            figures += _sums(infer(fabric, model, spec, images), torch.from_numpy(split.labels[chunk]))
    if processes > 1:
        figures = figures.to(fabric.device)
        torch.distributed.all_reduce(figures)
    loss, correct = (figures / len(split)).tolist()
    return {"loss": loss, "top1": correct, "seconds": time.monotonic() - started}


def _sums(logits: Tensor, labels: Tensor) -> Tensor:
    loss = functional.cross_entropy(logits, labels, reduction="sum")
    return torch.stack((loss.double(), (logits.argmax(1) == labels).sum().double()))
