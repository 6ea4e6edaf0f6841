"""A network's figures on the development split."""

import time

import torch
from torch import Tensor, nn
from torch.nn import functional

from rugged.corruptions import EXTRA, corrupt
from rugged.data import Split
from rugged.engine import Fabric, Restorer, as_batch, chunks, infer
from rugged.models import ModelSpec, modes_kept

_SEVERITY = 3


def judge(
    fabric: Fabric,
    model: nn.Module,
    spec: ModelSpec,
    split: Split,
    *,
    restorer: Restorer | None = None,
    alone: bool = False,
    extra: bool = False,
) -> dict[str, float]:
    """Loss, top-1 and the seconds it took; if asked for, ``extra_top1`` under the four extra corruptions too.

    These four are there to choose by: the benchmark's fifteen are not looked at before the end. Severity 3 stands for
    all.

    Each picture is judged once, whatever the number of processes: whole chunks go to each in turn.

    Args:
        fabric: Device, precision, and the processes that share the work.
        model: On the device. Its modes and weights stay as they are.
        spec: What it expects.
        split: The pictures.
        restorer: That they pass through, corrupted or not, as they do where the network is used behind it.
        alone: The other processes take no part.
        extra: Look at the corrupted pictures, too.
    """
    started = time.monotonic()
    loss, correct = _judge(fabric, model, spec, split, restorer, alone, None)
    figures = {"loss": loss, "top1": correct}
    if extra:
        rights = [_judge(fabric, model, spec, split, restorer, alone, corruption)[1] for corruption in EXTRA]
        figures["extra_top1"] = sum(rights) / len(rights)
    return figures | {"seconds": time.monotonic() - started}


def _judge(
    fabric: Fabric,
    model: nn.Module,
    spec: ModelSpec,
    split: Split,
    restorer: Restorer | None,
    alone: bool,
    corruption: str | None,
) -> tuple[float, float]:
    """Mean loss, and the share of right answers."""
    rank, processes = (0, 1) if alone else (fabric.global_rank, fabric.world_size)
    sums = torch.zeros(2)  # In float32, which every device has: it counts thousands exactly.
    with modes_kept(model):
        model.eval()
        for chunk in list(chunks(len(split)))[rank::processes]:
            images = as_batch(split.images[chunk], fabric.device)
            if corruption is not None:
                images = corrupt(images, corruption, _SEVERITY, ids=split.ids[chunk])
            if restorer is not None:
                images = restorer.restore(images)
            sums += _sums(infer(fabric, model, spec, images), torch.from_numpy(split.labels[chunk]))
    if processes > 1:
        sums = sums.to(fabric.device)
        torch.distributed.all_reduce(sums)
    loss, correct = (sums.double() / len(split)).tolist()
    return loss, correct


def _sums(logits: Tensor, labels: Tensor) -> Tensor:
    loss = functional.cross_entropy(logits, labels, reduction="sum")
    return torch.stack((loss, (logits.argmax(1) == labels).sum().float()))
