"""MixUp and CutMix: pictures that are two pictures, with targets that say how much of each."""

import torch
from torch import Tensor
from torch.nn import functional
from torchvision.transforms import v2


def mix_ledger(*, mixup_alpha: float, cutmix_alpha: float, probability: float) -> tuple[str, ...]:
    """The names under which a model file's ledger lists what ``mix`` does with these parameters."""
    strengths = {"mixup": mixup_alpha, "cutmix": cutmix_alpha}
    return tuple(name for name, alpha in strengths.items() if alpha > 0 and probability > 0)


def mix(
    images: Tensor, labels: Tensor, *, classes: int, mixup_alpha: float, cutmix_alpha: float, probability: float
) -> tuple[Tensor, Tensor]:
    """Mix each picture of a batch with its neighbour, the whole batch in one way and in one proportion.

    MixUp adds the two (Zhang et al. 2018, arXiv:1710.09412); CutMix puts a rectangle of one into the other (Yun et al.
    2019, arXiv:1905.04899). Both come from torchvision. With both, either is as likely. The proportion is drawn from
    Beta(alpha, alpha). Everything is drawn from PyTorch's generator of the CPU, so no device has to be waited for.

    Args:
        images: ``(N, K, H, W)`` floating type, shuffled; several views of a picture, mixed alike, are more channels.
            Not modified.
        labels: ``(N,)`` int64 classes.
        classes: Number of classes, C.
        mixup_alpha: Of MixUp; 0 for none.
        cutmix_alpha: Of CutMix; 0 for none.
        probability: Of mixing the batch at all, 0 to 1.

    Returns:
        ``(N, K, H, W)`` pictures, and ``(N, C)`` float32 targets that sum to 1. Smooth them in the loss.
    """
    targets = functional.one_hot(labels, classes).float()
    chance, choice = torch.rand(2).tolist()
    usable = mix_ledger(mixup_alpha=mixup_alpha, cutmix_alpha=cutmix_alpha, probability=probability)
    if not usable or chance >= probability:
        return images, targets
    if usable[int(choice * len(usable))] == "mixup":
        transform: v2.Transform = v2.MixUp(alpha=mixup_alpha)
    else:
        transform = v2.CutMix(alpha=cutmix_alpha)
    mixed: tuple[Tensor, Tensor] = transform(images, targets)
    return mixed
